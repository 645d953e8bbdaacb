import math
from functools import partial

import numpy as np
import pytest
import torch

from charlm.data.lanes import Lanes
from charlm.data.tokenfile import TokenFile
from charlm.errors import NotFiniteError, TrainingError
from charlm.training.clipping import clip_gradient
from charlm.training.objectives import next_symbol_loss
from charlm.training.pace import Pace
from charlm.training.precision import LossScale
from charlm.training.snapshot import restore, tensors_of, values_of
from charlm.training.state import LossScaleState
from charlm.training.trainer import MOST_SKIPPED_IN_A_ROW
from tests.support.small_trainers import make_trainer, weights


def test_the_loss_falls_on_a_text_that_can_be_learnt():
    trainer = make_trainer(rate=0.02)
    trainer.batches = Lanes(
        TokenFile(np.tile(np.arange(5, dtype=np.uint8), 40)),
        batch_size=4,
        sequence_length=8,
        random_length=False,
        seed=1,
    )
    trainer.learning_rate = lambda step, progress: 0.02
    losses = [result.total_nats / result.num_targets for result in (trainer.take_step() for _ in range(120))]
    # Without a look at the symbol before it is the logarithm of 5; from eight seeds it ends below 0.08.
    assert losses[0] == pytest.approx(math.log(5), abs=0.1)
    assert losses[-1] < 0.2 * math.log(5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_number_of_threads_changes_no_bit(cell, precision):
    if precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("oneDNN has no bfloat16 on this processor")
    one, *others = (
        make_trainer(cell=cell, lane_groups=3, threads=threads, dropout=0.3, average=0.9, precision=precision)
        for threads in (1, 2, 5)
    )
    for _ in range(4):
        result = one.take_step()
        for other in others:
            assert other.take_step() == result
    for other in others:
        assert all(torch.equal(tensor, tensors_of(other)[name]) for name, tensor in tensors_of(one).items())


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm-peephole"])
def test_groups_of_lanes_have_the_gradient_of_the_whole_batch(cell):
    whole, groups = make_trainer(cell=cell), make_trainer(cell=cell, lane_groups=3, threads=2)
    for _ in range(5):
        one, other = whole.take_step(), groups.take_step()
        assert other.total_nats == pytest.approx(one.total_nats, rel=1e-5)
        assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-4)
    torch.testing.assert_close(weights(groups), weights(whole), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("accumulation", [2, 3, 4, 9])
def test_accumulation_changes_nothing_but_memory(accumulation):
    whole, parts = make_trainer(), make_trainer(accumulation=accumulation)
    for _ in range(5):
        one, other = whole.take_step(), parts.take_step()
        assert other.total_nats == pytest.approx(one.total_nats, rel=1e-5)
        assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-4)
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-4, atol=1e-5)


def test_schedules_follow_the_steps_that_are_done():
    trainer, asked, read = make_trainer(), [], []
    trainer.pace = Pace(4)

    def learning_rate(step, progress):
        asked.append((step, progress))
        return 0.5 + step

    def objective(model, window, state, generator, *, progress):
        read.append(progress)
        return next_symbol_loss(model, window, state, generator, progress=progress)

    trainer.learning_rate, trainer.objective = learning_rate, objective
    assert [trainer.take_step().learning_rate for _ in range(4)] == [0.5, 1.5, 2.5, 3.5]
    assert asked == [(0, 0.0), (1, 0.25), (2, 0.5), (3, 0.75)]
    assert read == [0.0, 0.25, 0.5, 0.75]


def test_the_state_is_carried_until_the_lanes_begin_again():
    trainer = make_trainer()
    for step in range(trainer.batches.windows_per_epoch):
        before = trainer.state[0].clone()
        trainer.take_step()
        assert (before == 0).all() == (step == 0)
    at_the_end = trainer.state[0].clone()
    fresh = make_trainer()
    fresh.model.load_state_dict(trainer.model.state_dict())
    fresh.take_step()
    trainer.take_step()
    assert not torch.equal(trainer.state[0], at_the_end)
    torch.testing.assert_close(trainer.state[0], fresh.state[0])


def test_the_gradient_is_that_of_the_mean_over_all_targets():
    trainer = make_trainer()
    trainer.optimizer.step = lambda **_: gradients.extend(each.grad.clone() for each in trainer.parameters)
    trainer.clip = partial(clip_gradient, max_norm=0.0, max_value=None)
    gradients: list[torch.Tensor] = []
    reference = make_trainer().model
    window = trainer.batches.window(0)
    logits, _ = reference(window.inputs, reference.initial_state(4))
    picked = logits.log_softmax(-1).gather(-1, window.targets.clamp(min=0)[..., None])[..., 0]
    counted = window.targets >= 0
    (-(picked * counted).sum() / counted.sum()).backward()
    trainer.take_step()
    for one, other in zip(gradients, reference.parameters(), strict=True):
        torch.testing.assert_close(one, other.grad)


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.5, "average": 0.9}, {"cell": "gru", "accumulation": 2}])
def test_a_restored_trainer_goes_on_bit_for_bit(settings):
    straight = make_trainer(**settings)
    for _ in range(9):
        straight.take_step()
    first = make_trainer(**settings)
    for _ in range(4):
        first.take_step()
    tensors = {name: tensor.clone() for name, tensor in tensors_of(first).items()}
    values = values_of(first)
    second = make_trainer(**settings)
    sections = {}
    for name, tensor in tensors.items():
        section, rest = name.split(".", 1)
        sections.setdefault(section, {})[rest] = tensor
    second.model.load_state_dict(sections["model"])
    restore(second, {"average": {}} | sections, values)
    for _ in range(5):
        second.take_step()
    assert tensors_of(second).keys() == tensors_of(straight).keys()
    for name, tensor in tensors_of(straight).items():
        assert torch.equal(tensors_of(second)[name], tensor), name
    assert values_of(second) == values_of(straight)


def test_a_step_that_is_not_finite_changes_no_weight_and_is_counted():
    trainer = make_trainer(average=0.9)
    trainer.take_step()
    good = weights(trainer).clone()
    averaged = {name: tensor.clone() for name, tensor in trainer.average.weights.items()}
    moments = [tensor.clone() for tensor in trainer.optimizer.tensors().values()]
    trainer.state = tuple(torch.full_like(part, math.nan) for part in trainer.state)
    result = trainer.take_step()
    assert result.skipped
    assert trainer.num_skipped == 1
    assert torch.equal(weights(trainer), good)
    assert all(torch.equal(trainer.average.weights[name], tensor) for name, tensor in averaged.items())
    after = list(trainer.optimizer.tensors().values())
    assert all(torch.equal(one, other) for one, other in zip(after, moments, strict=True))
    assert not trainer.take_step().skipped
    assert trainer.num_skipped_in_a_row == 0


def test_an_infinite_gradient_is_skipped_too():
    trainer = make_trainer()
    hook = trainer.parameters[0].register_hook(lambda gradient: gradient * math.inf)
    before = weights(trainer).clone()
    assert trainer.take_step().skipped
    hook.remove()
    assert torch.equal(weights(trainer), before)


def test_many_such_steps_in_a_row_end_the_training_with_advice():
    trainer = make_trainer()
    trainer.parameters[0].register_hook(lambda gradient: gradient * math.nan)
    for _ in range(MOST_SKIPPED_IN_A_ROW - 1):
        trainer.take_step()
    with pytest.raises(TrainingError, match="--learning-rate"):
        trainer.take_step()


def test_clipped_steps_are_counted():
    trainer = make_trainer()
    trainer.clip = partial(clip_gradient, max_norm=1e-9, max_value=None)
    assert trainer.take_step().clipped
    assert trainer.num_clipped == 1


def test_a_scaled_loss_trains_the_same_weights():
    plain, scaled = make_trainer(), make_trainer()
    scaled.loss_scale = LossScale(torch.device("cpu"), LossScaleState(2.0**12, 0))
    for _ in range(5):
        assert plain.take_step().gradient_norm == scaled.take_step().gradient_norm
    # Powers of two change no digit in float32.
    assert torch.equal(weights(plain), weights(scaled))
    assert scaled.loss_scale.state() == LossScaleState(2.0**12, 5)


def test_an_overflow_skips_the_step_and_lowers_the_scale():
    trainer = make_trainer()
    trainer.loss_scale = LossScale(torch.device("cpu"), LossScaleState(2.0**120, 0))
    trainer.parameters[0].register_hook(lambda gradient: gradient * 2.0**20)
    before = weights(trainer)
    assert trainer.take_step().skipped
    assert trainer.loss_scale.state().factor == 2.0**119
    assert torch.equal(before, weights(trainer))
    stored = make_trainer()
    stored.loss_scale = LossScale(torch.device("cpu"))
    values = values_of(trainer)
    state = {str(index): part for index, part in enumerate(trainer.state)}
    moments = trainer.optimizer.tensors()
    restore(stored, {"optimizer": moments, "average": {}, "state": state, "rng": {"dropout": torch.zeros(0)}}, values)
    assert stored.loss_scale.state() == trainer.loss_scale.state()


class ScarceMemory:
    """The objective, where memory is enough for so many lanes at once."""

    def __init__(self, lanes):
        self.lanes = lanes

    def __call__(self, model, window, state, generator, *, progress):
        if window.inputs.shape[1] > self.lanes:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte"
            )
        return next_symbol_loss(model, window, state, generator, progress=progress)


@pytest.mark.parametrize(("lanes", "parts"), [(4, 1), (3, 2), (2, 2), (1, 4)])
def test_where_memory_does_not_suffice_a_batch_is_computed_in_more_parts(lanes, parts):
    scarce, ample = make_trainer(dropout=0.3), make_trainer(dropout=0.3, accumulation=parts)
    scarce.objective = ScarceMemory(lanes)
    for _ in range(3):
        assert scarce.take_step() == ample.take_step()
    assert scarce.accumulation == parts
    assert torch.equal(weights(scarce), weights(ample))


def test_where_not_even_one_lane_fits_that_is_said():
    trainer = make_trainer()
    trainer.objective = ScarceMemory(0)
    with pytest.raises(RuntimeError, match="allocate memory"):
        trainer.take_step()


def test_weights_that_are_not_finite_are_found():
    trainer = make_trainer()
    trainer.require_finite()
    with torch.no_grad():
        trainer.parameters[2].view(-1)[1] = float("nan")
    with pytest.raises(NotFiniteError, match="After step 0, weights are not finite"):
        trainer.require_finite()


def test_a_state_of_another_shape_is_refused():
    trainer, other = make_trainer(), make_trainer(lanes=3)
    sections = {"optimizer": trainer.optimizer.tensors(), "average": {}, "rng": {"dropout": torch.zeros(0)}}
    state = {str(index): part for index, part in enumerate(other.state)}
    with pytest.raises(ValueError, match="another shape"):
        restore(trainer, sections | {"state": state}, values_of(trainer))


def test_a_lowered_rate_stays_lowered():
    trainer, lowered, again = make_trainer(), make_trainer(), make_trainer()
    lowered.rate_factor = 0.5
    state = {str(index): part for index, part in enumerate(trainer.state)}
    restore(
        again,
        {"optimizer": trainer.optimizer.tensors(), "average": {}, "state": state, "rng": {"dropout": torch.zeros(0)}},
        values_of(lowered),
    )
    rates = [each.take_step().learning_rate for each in (trainer, lowered, again)]
    assert rates == [0.01, 0.005, 0.005]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_step_never_waits_for_the_gpu(precision):
    trainer = make_trainer(dropout=0.1, average=0.9, accumulation=2, device="cuda", precision=precision)
    trainer.take_step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            trainer.launch_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert [result.step for result in trainer.results(wait=True)] == [2, 3, 4]
