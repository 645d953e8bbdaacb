"""The thread that draws: it owns a batch, takes texts in between steps, and sleeps while there are none."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import final

from charlm.errors import CharlmError
from charlm.generation.batch import Batch
from charlm.generation.drawings import Drawing, Drawn
from charlm.serving.errors import ApiError, too_busy

_SECONDS_BETWEEN_NOTICES = 0.05


@final
class Growth:
    """What was drawn of one text since it was last taken.

    Attributes:
        texts: the text of each symbol.
        listed: the symbols whose log-probabilities were asked for.
        end: why the text has ended; None where it goes on.
    """

    __slots__ = ("end", "listed", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.listed: list[Drawn] = []
        self.end: str | None = None

    def add(self, drawn: Drawn) -> None:
        """Adds the next symbol."""
        # Many thousands of objects would occupy the garbage collector, so only strings are kept, but for those listed.
        self.texts.append(drawn.text)
        self.end = drawn.end
        if drawn.own is not None:
            self.listed.append(drawn)


@final
class Mailbox:
    """What was drawn of the texts of one request, until it is taken.

    It holds no more than these texts, whose lengths are bounded, however slowly they are taken.

    Args:
        notify: is called from another thread when there is something to take; with `is_streamed` at the first symbol
            and then at most twenty times a second, otherwise once all texts have ended.
    """

    def __init__(self, drawings: Sequence[Drawing], notify: Callable[[], None], *, is_streamed: bool) -> None:
        self.drawings = tuple(drawings)
        self._notify = notify
        self._interval = _SECONDS_BETWEEN_NOTICES if is_streamed else float("inf")
        self._last_notice = float("-inf") if is_streamed else 0.0
        self._num_open = len(self.drawings)
        self._grown: dict[int, Growth] = {}
        self._changing = threading.Lock()
        self._error: ApiError | None = None

    def put(self, number: int, drawn: Drawn, *, now: float) -> None:
        """Adds the next symbol of a text."""
        with self._changing:
            growth = self._grown.get(number)
            if growth is None:
                growth = self._grown[number] = Growth()
            growth.add(drawn)
        if drawn.end is not None:
            self._num_open -= 1
        if self._num_open == 0 or now - self._last_notice >= self._interval:
            self._last_notice = now
            self._notify()

    def fail(self, error: ApiError) -> None:
        """Ends all texts with an error."""
        self._error = error
        self._notify()

    def take(self) -> dict[int, Growth]:
        """Returns what was drawn of texts, by their numbers, since the last call.

        Raises:
            ApiError: drawing failed.
        """
        if self._error is not None:
            raise self._error
        with self._changing:
            grown, self._grown = self._grown, {}
        return grown


@final
class Scheduler:
    """Draws the texts of all requests in one batch.

    Args:
        most_streams: texts that are drawn at once; others wait for their turn.
        most_waiting: texts that may wait; a request with more is refused.
        log: is given a line about an error that is ours.

    Attributes:
        capacity: texts that may be drawn or wait.
        num_steps: steps of the batch so far.
    """

    def __init__(self, batch: Batch, *, most_streams: int, most_waiting: int, log: Callable[[str], None]) -> None:
        self._batch = batch
        self._most_streams = most_streams
        self._log = log
        self._waiting: deque[tuple[Mailbox, int]] = deque()
        self._places: dict[Drawing, tuple[Mailbox, int]] = {}
        self._wakened = threading.Condition()
        self._is_closed = False
        self._has_cancelled = False
        self.capacity = most_streams + most_waiting
        self._thread = threading.Thread(target=self._work, name="charlm-drawing", daemon=True)
        self.num_steps = 0

    @property
    def room(self) -> int:
        """Texts that can be added now."""
        return self.capacity - len(self._waiting) - len(self._places)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is drawn."""
        return self.room == self.capacity

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def submit(self, mailbox: Mailbox) -> None:
        """Adds the texts of a request.

        Raises:
            ApiError: too many are waiting already, or the server is stopping.
        """
        with self._wakened:
            if self._is_closed:
                raise _stopping()
            if len(mailbox.drawings) > self.room:
                raise too_busy()
            self._waiting.extend((mailbox, number) for number in range(len(mailbox.drawings)))
            self._wakened.notify()

    def cancel(self, mailbox: Mailbox) -> None:
        """Takes the texts of a request out; nothing happens where they have ended."""
        for drawing in mailbox.drawings:
            drawing.is_cancelled = True
        with self._wakened:
            self._waiting = deque(each for each in self._waiting if each[0] is not mailbox)
            self._has_cancelled = True

    def close(self) -> None:
        """Ends the thread; texts that have not ended fail."""
        with self._wakened:
            self._is_closed = True
            self._wakened.notify()
        self._thread.join()

    def _work(self) -> None:
        while self._take_in():
            try:
                drawn = self._batch.step()
            except CharlmError as error:
                self._fail_all(ApiError(500, str(error)))
                continue
            except Exception as error:  # A thread that ended would leave all requests waiting.
                self._log(f"Drawing failed: {type(error).__name__}.")
                self._fail_all(ApiError(500, "Drawing failed; this is an error in charlm."))
                continue
            self.num_steps += 1
            now = time.monotonic()
            for drawing, each in drawn:
                mailbox, number = self._places[drawing]
                if each.end is not None:
                    del self._places[drawing]
                mailbox.put(number, each, now=now)
        self._fail_all(_stopping())

    def _take_in(self) -> bool:
        """Waits for something to draw, and adds what there is room for; returns False once the scheduler is closed."""
        with self._wakened:
            if self._has_cancelled:
                self._has_cancelled = False
                self._places = {each: place for each, place in self._places.items() if not each.is_cancelled}
                self._batch.forget_cancelled()
            while not self._is_closed and not self._waiting and self._batch.is_empty:
                self._wakened.wait()
            while self._waiting and len(self._places) < self._most_streams:
                mailbox, number = self._waiting.popleft()
                self._places[mailbox.drawings[number]] = mailbox, number
                self._batch.add([mailbox.drawings[number]])
            return not self._is_closed

    def _fail_all(self, error: ApiError) -> None:
        with self._wakened:
            mailboxes = {id(each): each for each, _ in (*self._places.values(), *self._waiting)}
            self._places.clear()
            self._waiting.clear()
            self._batch.clear()
        for mailbox in mailboxes.values():
            mailbox.fail(error)


def _stopping() -> ApiError:
    return ApiError(503, "The server is stopping.", code="stopping")
