import signal
import threading

import pytest

from charlm.cli.interrupts import Terminated, interruptible
from charlm.runs.reporting import StopRequest


def test_the_first_signal_asks_and_the_second_stops() -> None:
    stop, said = StopRequest(graceful=True), []
    with pytest.raises(KeyboardInterrupt), interruptible(stop, lambda: said.append(1)) as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested and said == [1] and interrupts.exit_code == 130
        signal.raise_signal(signal.SIGINT)


def test_without_a_safe_point_the_first_signal_stops() -> None:
    stop = StopRequest()
    with pytest.raises(KeyboardInterrupt) as caught, interruptible(stop):
        signal.raise_signal(signal.SIGINT)
    assert not stop.requested and caught.type is KeyboardInterrupt


def test_a_termination_differs_from_an_interrupt() -> None:
    with pytest.raises(Terminated), interruptible():
        signal.raise_signal(signal.SIGTERM)
    stop = StopRequest(graceful=True)
    with interruptible(stop) as interrupts:
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.exit_code == 143


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_thread_leaves_handlers_alone() -> None:
    seen = []

    def work() -> None:
        with interruptible():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
