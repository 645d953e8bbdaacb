"""Where in a line a text is, and what came there the last time: lines of a poem or of a table are alike."""

from typing import final

from charlm.ngrams.latest import Latest, latest_after

_LONGEST = 63


@final
class Lines:
    """Remembers which symbol came last at each place of lines, by the length of the line before.

    Memory is bounded: of places and lengths from 63 on there is one.

    Attributes:
        place: the number of symbols of the present line so far, at most 63.

    Args:
        line_end: the symbol that ends a line; None where none does.
    """

    NUM_PLACES = _LONGEST + 1

    def __init__(self, line_end: int | None) -> None:
        self.place = 0
        self._line_end = line_end
        self._length_before = 0
        self._latest: dict[tuple[int, int], Latest] = {}

    @property
    def latest(self) -> Latest | None:
        """What came at this place the last time; None where nothing has yet."""
        return self._latest.get((self.place, self._length_before))

    def learn(self, symbol: int) -> None:
        """Remembers the symbol that comes next, and reads it."""
        key = self.place, self._length_before
        self._latest[key] = latest_after(self._latest.get(key), symbol)
        self.read(symbol)

    def read(self, symbol: int) -> None:
        """Reads the symbol that comes next without remembering it."""
        if symbol == self._line_end:
            self._length_before, self.place = self.place, 0
        elif self.place < _LONGEST:
            self.place += 1

    def restart(self) -> None:
        """Begins a new line, unless the last symbol did."""
        if self.place:
            self._length_before, self.place = self.place, 0
