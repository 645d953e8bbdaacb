"""Lines of a terminal that end between words, of a text that arrives piece by piece."""

import re

from rich.cells import cell_len

_PARTS = re.compile(r"\s|\S+")
_TAB = 8


class WordWrap:
    """Puts a line end before a word that does not fit, or in place of a space; holds a word back until it ends."""

    def __init__(self, width: int) -> None:
        self._width = max(1, width)
        self._column = 0
        self._word = ""
        self._may_break = False

    def add(self, text: str) -> str:
        """Returns as much of the text so far as can be shown now."""
        shown = []
        for part in _PARTS.findall(text):
            if part.isspace():
                shown.append(self.rest())
                if part == " " and self._column == self._width:
                    part = "\n"  # Else it would begin the next line.
                shown.append(part)
                cells = _TAB - self._column % _TAB if part == "\t" else cell_len(part)
                self._column = 0 if part == "\n" else self._after(cells)
                self._may_break = self._column > 0
            else:
                self._word += part
                if cell_len(self._word) >= self._width:
                    shown.append(self.rest())
        return "".join(shown)

    def rest(self) -> str:
        """Returns the word that was held back; what is added then goes on with it."""
        word, self._word = self._word, ""
        cells = cell_len(word)
        breaks = self._may_break and self._column + cells > self._width
        self._column = 0 if breaks else self._column
        self._column = self._after(cells)
        self._may_break = self._may_break and not word
        return f"\n{word}" if breaks else word

    def _after(self, cells: int) -> int:
        """Returns the column after more cells; the terminal goes on in the next line where one is full."""
        column = self._column + cells
        return column if column <= self._width else (column - 1) % self._width + 1
