"""What was left open, resolved; a length in steps or epochs needs nothing measured."""

from types import SimpleNamespace

import pytest
import torch

from charlm.config import RunConfig, make_request
from charlm.distributed.world import ALONE
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.record import TrainingPlan
from charlm.runs.train.resolve import resolve

BATCHES = SimpleNamespace(windows_per_epoch=50, targets_per_epoch=100_000)
SETUP = SimpleNamespace(device=torch.device("cpu"), world=ALONE, batches=lambda _: BATCHES)
CORPUS = SimpleNamespace(tokenizer=SimpleNamespace(outputs=None))


def resolved(**training) -> tuple[RunConfig, TrainingPlan]:
    """For a text of 50 windows."""
    request = make_request({"data": {"corpus": ["tale.txt"]}, "training": training})
    return resolve(request, CORPUS, SETUP, SilentReporter(), started=0.0)


def test_steps_are_as_asked():
    found, plan = resolved(steps=1200)
    assert (found.training.steps, plan.length) == (1200, "1,200 steps, as asked")
    assert (plan.seconds, plan.sizes) == (None, None)


@pytest.mark.parametrize(("epochs", "steps"), [(2, 100), (1, 50), (0.5, 25), (0.51, 26), (1e-6, 1)])
def test_epochs_become_steps_rounded_up(epochs, steps):
    found, plan = resolved(epochs=epochs)
    assert found.training.steps == steps
    assert plan.length == f"{epochs:g} {'epoch' if epochs == 1 else 'epochs'} of 50 steps"
    assert found.training.epochs is None


def test_a_length_in_steps_leaves_the_sizes_at_their_defaults():
    defaults = RunConfig(data={"corpus": ["tale.txt"]})
    found, _ = resolved(steps=5)
    assert found.model.hidden_size == defaults.model.hidden_size
    assert found.training.batch_size == defaults.training.batch_size


def test_nothing_is_open_afterwards():
    found, _ = resolved(steps=5)
    assert found.model.embedding_size == found.model.hidden_size
    assert found.training.learning_rate is not None
    assert found.model.dropout is not None
    assert found.run.threads == torch.get_num_threads()


def test_a_label_of_a_text_is_learnt_at_a_fifth_of_the_rate():
    sections = {"data": {"corpus": ["tale.txt"]}, "training": {"steps": 5}}
    labelled = {**sections, "data": {"corpus": ["tale.tsv"], "task": "classify"}}
    usual, lower = (
        resolve(make_request(each), CORPUS, SETUP, SilentReporter(), started=0.0)[0] for each in (sections, labelled)
    )
    assert lower.training.learning_rate == pytest.approx(usual.training.learning_rate / 5)


def test_what_was_asked_for_stays():
    request = make_request(
        {
            "data": {"corpus": ["tale.txt"]},
            "model": {"dropout": 0.25, "embedding_size": 3},
            "training": {"steps": 5, "learning_rate": 0.5},
            "run": {"threads": 7},
        }
    )
    found, _ = resolve(request, CORPUS, SETUP, SilentReporter(), started=0.0)
    assert (found.model.dropout, found.model.embedding_size) == (0.25, 3)
    assert (found.training.learning_rate, found.run.threads) == (0.5, 7)


@pytest.mark.parametrize(("lanes", "asked", "groups"), [(32, None, 2), (128, None, 4), (1, None, 1), (64, 3, 3)])
def test_lanes_are_divided_whatever_the_machine(lanes, asked, groups):
    found, _ = resolved(steps=5, batch_size=lanes, lane_groups=asked)
    assert found.training.lane_groups == groups


def test_the_more_epochs_the_more_dropout():
    dropouts = [resolved(steps=steps)[0].model.dropout for steps in (10, 500, 50_000)]
    assert dropouts == sorted(dropouts)
    assert dropouts[0] < dropouts[-1]
