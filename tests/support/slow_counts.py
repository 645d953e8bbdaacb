"""Counts that grow, and the distributions that they make of another, by their definition alone and in no hurry.

Each context's followers are counted in a dictionary. A distribution is computed for every order from the bottom up:
max(c - D(c), 0) / total + (sum of all D(c)) / total x the one below, where D is 0.7, 1.0 and 1.3 for a count of 1,
of 2, and of 3 or more.
"""

from collections import Counter
from collections.abc import Sequence


class SlowCounts:
    """All contexts of up to `order - 1` symbols that something followed; no more than `most_contexts` of them."""

    def __init__(self, *, order: int, most_contexts: int) -> None:
        self.followers: dict[tuple[int, ...], Counter[int]] = {}
        self._in_order: dict[tuple[int, ...], list[int]] = {}
        self._order = order
        self._most_contexts = most_contexts
        self._text: list[int] = []

    def restart(self, symbol: int) -> None:
        self._text = [symbol]

    def contexts(self) -> list[tuple[int, ...]]:
        """Returns the present contexts of all lengths, the empty one first."""
        text = self._text
        return [tuple(text[len(text) - length :]) for length in range(min(len(text), self._order - 1) + 1)]

    def learn(self, symbol: int) -> None:
        for context in self.contexts():
            self.followers.setdefault(context, Counter())[symbol] += 1
            self._in_order.setdefault(context, []).append(symbol)
        if len(self.followers) > self._most_contexts:
            self._forget()
        self.read(symbol)

    def read(self, symbol: int) -> None:
        """Goes on without counting."""
        self._text.append(symbol)

    def latest(self, context: tuple[int, ...]) -> tuple[int, int] | None:
        """Returns what followed a context last, and how often again, up to 7, and 8 more if not it alone did."""
        if context not in self.followers:
            return None
        symbols = self._in_order[context]
        again = next((number for number, each in enumerate(symbols[::-1]) if each != symbols[-1]), len(symbols)) - 1
        return symbols[-1], min(again, 7) + 8 * (len(self.followers[context]) > 1)

    def refined(self, probabilities: Sequence[float]) -> list[float]:
        """Returns the distribution in the present context, made from that of nothing counted."""
        refined = list(probabilities)
        for context in self.contexts():
            counts = self.followers.get(context)
            if counts is None:
                break
            total = sum(counts.values())
            removed = sum(map(_discount, counts.values()))
            for symbol, lower in enumerate(refined):
                count = counts[symbol]
                refined[symbol] = (count - (_discount(count) if count else 0.0) + removed * lower) / total
        return refined

    def _forget(self) -> None:
        """Forgets the longer half of the lengths; all where the shorter half takes more than half of the room."""
        half = self._order // 2
        kept = {context: counts for context, counts in self.followers.items() if len(context) < half}
        self.followers = kept if len(kept) <= self._most_contexts // 2 else {}
        self._in_order = {context: self._in_order[context] for context in self.followers}


def _discount(count: int) -> float:
    return (0.7, 1.0, 1.3)[min(count, 3) - 1]
