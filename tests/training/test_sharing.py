"""Shared products or groups of lanes: a machine whose steps take seconds of a clock of their own."""

from types import SimpleNamespace

import pytest
import torch

from charlm.config import TrainingConfig
from charlm.runs.train.setup import TrainingSetup
from charlm.training.sharing import Sharing, busy_threads, was_quiet
from tests.support.small_trainers import make_trainer, weights


class Machine:
    """Two threads: what a step takes in groups and with shared products, undisturbed and beside another process."""

    def __init__(self, *, groups, shared, disturbed_groups=2.0, disturbed_shared=50.0):
        self.now = self.computed = 0.0
        self.is_disturbed = False
        self.seconds = {
            (False, False): groups,
            (True, False): shared,
            (False, True): disturbed_groups,
            (True, True): disturbed_shared,
        }
        self.sharing = Sharing(2, num_busy=2.0, clock=lambda: self.now, processor_clock=lambda: self.computed)

    def steps(self, number, *, may_share=True):
        """Returns which of some steps shared their products."""
        return [self.sharing.compute(lambda: self.step(), work=1.0, may_share=may_share) for _ in range(number)]

    def step(self):
        assert torch.get_num_threads() == (2 if self.sharing.is_on else 1)
        seconds = self.seconds[self.sharing.is_on, self.is_disturbed]
        self.now += seconds
        self.computed += seconds * (1.0 if self.is_disturbed else 2.0)
        return self.sharing.is_on


def test_products_are_shared_where_that_is_faster_and_groups_are_tried_seldom():
    machine = Machine(groups=1.0, shared=0.8)
    used = machine.steps(1000)
    assert not any(used[:100])
    assert used[-800:].count(False) <= 800 * 0.06
    assert machine.sharing.num_steps == used.count(True)
    # What trials lose is about a hundredth of the time.
    assert machine.now < 100 + 900 * 0.8 * 1.02


def test_groups_are_kept_where_they_are_faster():
    machine = Machine(groups=1.0, shared=1.3)
    assert machine.steps(1000).count(True) <= 30


def test_nothing_is_shared_without_time_for_a_slow_step_or_beside_another_process():
    machine = Machine(groups=1.0, shared=0.8)
    assert not any(machine.steps(300, may_share=False))
    machine.is_disturbed = True
    # The last step before was undisturbed: one more may be tried.
    assert machine.steps(1000).count(True) <= 1


def test_another_process_costs_one_slow_step_and_its_end_is_noticed():
    machine = Machine(groups=1.0, shared=0.8)
    machine.steps(300)
    machine.is_disturbed = True
    used = machine.steps(500)
    assert used[:5].count(True) == used.count(True) == 1
    machine.is_disturbed = False
    used = machine.steps(6000)
    assert used[-1000:].count(True) > 900


def test_a_slow_moment_of_its_own_does_not_end_sharing():
    machine = Machine(groups=1.0, shared=0.8)
    machine.steps(300)
    machine.seconds[True, False] = 2.0
    while not machine.steps(1)[0]:
        pass
    machine.seconds[True, False] = 0.8
    assert machine.steps(300).count(True) > 270


def test_two_threads_that_compute_three_quarters_of_the_time_are_undisturbed():
    assert was_quiet(10.0, 15.0, num_busy=2.0)
    assert not was_quiet(10.0, 14.9, num_busy=2.0)


@pytest.mark.parametrize(
    ("threads", "lanes", "groups", "busy"),
    [(2, 32, 2, 2.0), (2, 33, 2, 33 / 17), (16, 8, 8, 8.0), (24, 32, 24, 16.0), (4, 128, 8, 4.0)],
)
def test_groups_of_unequal_lanes_keep_fewer_threads_busy(threads, lanes, groups, busy):
    assert busy_threads(threads, num_lanes=lanes, groups=groups) == pytest.approx(busy)


@pytest.mark.parametrize(
    ("changes", "threads", "device", "size", "shares"),
    [
        ({}, 2, "cpu", 1, True),
        ({"lane_groups": 1}, 2, "cpu", 1, False),
        ({"batch_size": 1, "lane_groups": 1}, 2, "cpu", 1, False),
        ({"accumulation": 2}, 2, "cpu", 1, False),
        ({}, 1, "cpu", 1, False),
        ({}, 2, "meta", 1, False),
        ({}, 2, "cpu", 2, False),
    ],
)
def test_only_several_threads_of_one_process_share_products(changes, threads, device, size, shares):
    setup = TrainingSetup(None, None, torch.device(device), "fp32", world=SimpleNamespace(size=size))
    settings = TrainingConfig(**({"batch_size": 8, "lane_groups": 2} | changes))
    assert (setup._sharing(threads, settings, num_lanes=settings.batch_size) is not None) == shares


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_shared_batch_has_the_gradient_of_its_groups(accumulation):
    """The same sums in another order: the weights differ by rounding."""
    groups = make_trainer(lane_groups=2, threads=2, accumulation=accumulation)
    shared = make_trainer(lane_groups=2, threads=2, accumulation=accumulation)
    shared.sharing = Sharing(2, num_busy=2.0, clock=lambda: 1.0)
    shared.sharing.compute = lambda function, **_: _always(shared.sharing, function)
    for _ in range(5):
        for trainer in (groups, shared):
            trainer.take_step()
    torch.testing.assert_close(weights(groups), weights(shared), rtol=1e-4, atol=1e-6)
    for one, other in zip(groups.whole_state(), shared.whole_state(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def _always(sharing, function):
    sharing.is_on = True
    return function()
