"""Groups of lanes on threads: order, errors, modes, and the choice between all threads and one."""

import itertools
import threading

import pytest
import torch

from charlm.models.lane_groups import Workers, group_borders, usual_groups


@pytest.mark.parametrize(("lanes", "groups"), [(1, 1), (2, 2), (16, 2), (64, 2), (65, 3), (128, 4), (1000, 32)])
def test_groups_have_at_most_32_lanes_and_there_are_two_where_possible(lanes, groups):
    assert usual_groups(lanes) == groups
    borders = group_borders(lanes, groups)
    assert (borders[0][0], borders[-1][1]) == (0, lanes)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(borders))
    sizes = [stop - start for start, stop in borders]
    assert max(sizes) <= 32
    assert max(sizes) - min(sizes) <= 1


class Clock:
    """Moves on by what the call that is timed takes: a number of seconds for each number of threads."""

    def __init__(self, seconds):
        self.now, self.seconds, self.threads = 0.0, seconds, []

    def __call__(self):
        return self.now

    def work(self, _):
        # A worker waits for the other, so that two threads take part, if there are two.
        is_main = threading.current_thread() is threading.main_thread()
        if is_main or _ == 0:
            self.threads.append(1 if is_main else 2)
            self.now += self.seconds[self.threads[-1]] / (2 if is_main else 1)
        return torch.get_num_threads()


def calls(workers, clock, number):
    """Returns how many threads each of some calls used."""
    used = []
    for _ in range(number):
        clock.threads.clear()
        assert workers.map(clock.work, [0, 1], work=1.0) == [1, 1]
        used.append(clock.threads[0])
    return used


def test_all_threads_are_used_and_one_is_tried_seldom_where_it_is_slower():
    clock = Clock({1: 2.0, 2: 1.0})
    used = calls(Workers(2, clock=clock), clock, 300)
    assert used[:100] == [2] * 100
    # A trial loses one second: a hundredth of the time between two.
    assert used.count(1) == 2


def test_one_thread_is_used_while_another_process_slows_two():
    clock = Clock({1: 2.0, 2: 1.0})
    workers = Workers(2, clock=clock)
    calls(workers, clock, 10)
    clock.seconds = {1: 2.0, 2: 5.0}
    used = calls(workers, clock, 300)
    assert used[-100:].count(1) > 90
    clock.seconds = {1: 2.0, 2: 1.0}
    used = calls(workers, clock, 600)
    assert used[-100:].count(2) > 90


def test_results_come_in_order_and_the_first_error_after_all_have_ended():
    workers, ended = Workers(2), []
    assert workers.map(lambda part: part * part, list(range(7)), work=1.0) == [0, 1, 4, 9, 16, 25, 36]

    def fail(part):
        ended.append(part)
        if part in (1, 3):
            raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match="part 1"):
        Workers(2).map(fail, list(range(5)), work=1.0)
    assert sorted(ended) == list(range(5))


def test_workers_compute_in_the_callers_mode():
    def mode(_):
        return torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), torch.get_num_threads()

    workers = Workers(2)
    assert workers.map(mode, [0, 1], work=1.0) == [(False, False, 1)] * 2
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        workers = Workers(2)
        assert workers.map(mode, [0, 1], work=1.0) == [(True, True, 1)] * 2
