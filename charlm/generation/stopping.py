"""The end of a text before a stop string."""

from collections.abc import Sequence
from typing import final


@final
class StopFilter:
    """A filter that passes text on as it arrives, up to the first stop string that is complete.

    If the same character completes two stop strings, the text ends before the longer one. Text that may be the
    beginning of a stop string is held back until this is decided.

    Attributes:
        stopped: whether a stop string is complete; no more text passes.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.stopped = False
        self._stops = tuple(stops)
        self._held = ""

    def feed(self, text: str) -> str:
        """Takes the next text, and returns the text that can be shown now."""
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
        """Returns the text that was held back; no more text arrives."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    # The length of the longest suffix of `text` that is a prefix of `stop`.
    longest = min(len(stop) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
