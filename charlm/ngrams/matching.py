"""The longest earlier stretch of a text that is like its present end, and the symbol that followed it there."""

from typing import final

_LONGEST = 31


@final
class LongestMatch:
    """Finds where the last symbols stood before, and follows that place as long as it goes on alike.

    Attributes:
        symbol: what followed there; None without a match.
        length: symbols that are alike, at most 31; 0 without a match.
        record: of matches of each length, how many were right, and how many there were.
    """

    def __init__(self) -> None:
        self.symbol: int | None = None
        self.length = 0
        # Of matches of each length: how many were right, and how many there were.
        self.record = [[1.0] * (_LONGEST + 1), [1.25] * (_LONGEST + 1)]
        self.restart()

    def restart(self) -> None:
        """Forgets the text; how often matches were right stays known."""
        self._text: list[int] = []
        self._places: dict[int, int] = {}
        self._next = 0
        self._follow(0, 0)

    @property
    def confidence(self) -> float:
        """The share of the matches as long as this one that were right, 0.05 to 0.999."""
        right, met = self.record
        return min(max(right[self.length] / met[self.length], 0.05), 0.999)

    def learn(self, symbol: int, key: int | None) -> None:
        """Reads the next symbol.

        Args:
            key: a number for the last few symbols, this one included, that stands for no others; None for too few.
        """
        length = self.length
        if length:
            right, met = self.record
            right[length] += self.symbol == symbol
            met[length] += 1.0
        self._text.append(symbol)
        if length and self.symbol == symbol:
            self._follow(self._next + 1, min(length + 1, _LONGEST))
        else:
            self._follow(0, 0)
        if key is not None:
            if not self.length:
                place = self._places.get(key, 0)
                self._follow(place, self._alike(place))
            self._places[key] = len(self._text)

    def follow(self, symbol: int, key: int | None) -> None:
        """Reads the next symbol without keeping it: a match goes on, or another is taken up, unmeasured.

        Args:
            key: as in `learn`.
        """
        if self.length and self.symbol == symbol and self._next + 1 < len(self._text):
            self._follow(self._next + 1, min(self.length + 1, _LONGEST))
        else:
            place = 0 if key is None else self._places.get(key, 0)
            self._follow(place, 1 if 0 < place < len(self._text) else 0)

    def _follow(self, place: int, length: int) -> None:
        self._next, self.length = place, length
        self.symbol = self._text[place] if length else None

    def _alike(self, place: int) -> int:
        text, end = self._text, len(self._text)
        length = 0
        while length < min(place, _LONGEST) and text[place - 1 - length] == text[end - 1 - length]:
            length += 1
        return length
