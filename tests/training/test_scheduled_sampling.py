import itertools
import math

import numpy as np
import pytest
import torch

from charlm.config import TrainingConfig
from charlm.data.lanes import Lanes
from charlm.data.tokenfile import TokenFile
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.notation import Forcing, parse_forcing
from charlm.training.objectives import next_symbol_loss
from charlm.training.scheduled_sampling import ScheduledSampling, true_symbol_probability


def make(dropout=0.0):
    model = RecurrentLanguageModel(5, embedding_size=3, hidden_size=4, num_layers=2, layer_dropout=dropout)
    model.initialize(torch.Generator().manual_seed(1))
    return model.train()


def window():
    tokens = TokenFile(np.random.default_rng(1).integers(0, 5, 100).astype(np.uint8))
    return Lanes(tokens, batch_size=3, sequence_length=8, random_length=False, seed=1).window(0)


def loss_of(forcing, progress, *, seed=7, dropout=0.0):
    model = make(dropout)
    objective = ScheduledSampling(parse_forcing(forcing))
    generator = torch.Generator().manual_seed(seed)
    loss, state = objective(model, window(), model.initial_state(3), generator, progress=progress)
    loss.minimized.backward()
    return loss.total_nats.item(), state, [parameter.grad for parameter in model.parameters()]


@pytest.mark.parametrize(
    ("forcing", "progress", "share"),
    [
        ("always", 0.7, 1.0),
        ("linear:0.25", 0.0, 1.0),
        ("linear:0.25", 0.5, 0.625),
        ("linear:0", 1.0, 0.0),
        ("exponential:0.25", 0.5, 0.5),
        ("exponential:0.25", 1.0, 0.25),
        ("inverse-sigmoid:10", 0.0, 10 / 11),
        ("inverse-sigmoid:10", 0.5, 10 / (10 + math.exp(5))),
        ("inverse-sigmoid:1", 1.0, 1 / (1 + math.exp(100))),
    ],
)
def test_schedules_by_hand(forcing, progress, share):
    assert true_symbol_probability(parse_forcing(forcing), progress) == pytest.approx(share)


def test_a_schedule_never_rises_and_stays_a_probability():
    for forcing in ("linear:0.3", "exponential:0.01", "inverse-sigmoid:1", "inverse-sigmoid:40"):
        shares = [true_symbol_probability(parse_forcing(forcing), step / 50) for step in range(51)]
        assert all(1 >= one >= other >= 0 for one, other in itertools.pairwise(shares))


def test_while_the_truth_is_certain_nothing_differs_from_teacher_forcing():
    nats, state, gradients = loss_of("linear:0.5", 0.0, dropout=0.3)
    model = make(0.3)
    generator = torch.Generator().manual_seed(7)
    loss, expected = next_symbol_loss(model, window(), model.initial_state(3), generator)
    loss.minimized.backward()
    assert nats == loss.total_nats.item()
    assert all(torch.equal(one, other) for one, other in zip(state, expected, strict=True))
    assert all(torch.equal(one, p.grad) for one, p in zip(gradients, model.parameters(), strict=True))


def test_without_any_truth_the_model_reads_what_it_drew():
    nats, state, _ = loss_of("linear:0", 1.0)
    model, generator = make(), torch.Generator().manual_seed(7)
    symbols, current, total = window().inputs[0], model.initial_state(3), 0.0
    logits = torch.zeros(1, 3, 5)
    with torch.no_grad():
        for place, target in enumerate(window().targets):
            if place:
                symbols = torch.multinomial(logits[0].softmax(-1), 1, generator=generator)[:, 0]
                torch.rand(3, generator=generator)
            logits, current = model(symbols[None], current)
            total -= float(logits[0].log_softmax(-1).gather(-1, target[:, None]).sum())
    assert nats == pytest.approx(total, rel=1e-5)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(state, current, strict=True))


def test_the_same_generator_gives_the_same_loss():
    assert loss_of("linear:0", 0.5)[0] == loss_of("linear:0", 0.5)[0]
    assert loss_of("linear:0", 0.5)[0] != loss_of("linear:0", 0.5, seed=8)[0]


@pytest.mark.parametrize("text", ["never", "linear", "linear:2", "exponential:0", "inverse-sigmoid:0", "linear:-1", ""])
def test_a_schedule_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a schedule|must have a number"):
        TrainingConfig(teacher_forcing=text)


def test_schedules_are_read_as_they_are_written():
    assert parse_forcing("exponential:.5") == Forcing("exponential", 0.5)
