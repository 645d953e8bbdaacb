"""Ends a text before a stop string, without ever showing the beginning of one."""

from collections.abc import Sequence
from typing import final


@final
class StopFilter:
    """Passes text on as it arrives, up to the first of several strings to be completed.

    Where two are completed by the same character, the text ends before the longer one. What may turn
    out to be the beginning of a stop string is held back until that is decided.

    Attributes:
        stopped: whether a stop string has been completed; nothing passes any more.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.stopped = False
        self._stops = tuple(stops)
        self._held = ""

    def feed(self, text: str) -> str:
        """Returns the text that may be shown after `text` has arrived."""
        if self.stopped:
            return ""
        if not self._stops:
            return text
        text = self._held + text
        found = [(start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)[1]]
        border = len(text) - max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[border:]
        return text[:border]

    def finish(self) -> str:
        """Returns what was held back: no more text comes that could complete it."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    # Length of the longest end of `text` that `stop` begins with.
    longest = min(len(stop) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
