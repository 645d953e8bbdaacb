from pathlib import Path

import pytest

from charlm.config import by_section, make_request
from charlm.errors import ConfigError
from charlm.runs.evaluate.accuracy import accuracy
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.model import read_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.start import plan_run, start
from tests.support.tasks import SMALL, Warnings, request
from tests.support.training_runs import train_whole


@pytest.mark.parametrize(("task", "swap", "said"), [("generate", None, "conditions"), ("classify", True, "labels")])
def test_sides_that_seem_exchanged_are_told(
    names: Path, workspace: Workspace, task: str, swap: bool | None, said: str
) -> None:
    stop, reporter = StopRequest(), Warnings()
    start(request(names, name="names", steps=1, task=task, swap=swap, split="100/0/0"), workspace, reporter, stop)
    assert f"768 different {said}, but only 3 different texts" in reporter.warnings[0]
    assert ("leave out --swap" if swap else "exchange them with --swap") in reporter.warnings[0]


def test_the_direction_is_chosen_and_a_budget_plans(names: Path, workspace: Workspace) -> None:
    config, plan = plan_run(request(names, steps=None, budget="2s"), workspace, SilentReporter())
    assert config.model.direction == "both" and config.model.mixed_order is None
    assert "length:" in plan.reasons


@pytest.mark.parametrize(
    ("settings", "direction"),
    [({}, "both"), ({"attention": "none"}, "forward"), ({"attention": "none", "direction": "both"}, "both")],
)
def test_one_last_state_is_all_that_passes_without_attention(
    names: Path, workspace: Workspace, settings: dict[str, str], direction: str
) -> None:
    config, _ = plan_run(request(names, task="transduce", **settings), workspace, SilentReporter())
    assert config.model.direction == direction


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"model": "ngram", **dict.fromkeys(SMALL)}, "needs a recurrent network"),
        ({"cell": "jordan"}, "needs a recurrent network"),
        ({"mix": "ngram:4"}, "--mix is for language models of text; a model of --task classify predicts labels"),
        ({"mix": "ngram:4", "task": "generate"}, "--mix is for language models of text; n-grams know no condition"),
        ({"weight_drop": 0.5}, "--weight-drop is for language models of text"),
        ({"tie_weights": True, "embedding_size": 8}, "--tie-weights is for language models"),
        ({"teacher_forcing": "linear:0.5"}, "--teacher-forcing is for language models of text"),
        ({"task": "tag", "tokenizer": "sentencepiece"}, "--tokenizer sentencepiece"),
        ({"attention": "none"}, "--attention is for --task transduce"),
        ({"records": "lines"}, "--records is for language models"),
        ({"task": None, "direction": "both"}, "has already seen it"),
        ({"task": "generate", "direction": "both"}, "has already seen it"),
    ],
)
def test_what_no_model_can_be_is_refused(
    names: Path, workspace: Workspace, settings: dict[str, object], problem: str
) -> None:
    given = dict({**SMALL, "corpus": (str(names),), "task": "classify", **settings}.items())
    asked = make_request(by_section({key: value for key, value in given.items() if value is not None}))
    with pytest.raises(ConfigError, match=problem):
        start(asked, workspace, SilentReporter(), StopRequest())
    assert not workspace.checkpoints.exists()


def test_a_length_of_windows_is_told_to_do_nothing(names: Path, workspace: Workspace) -> None:
    stop, reporter = StopRequest(), Warnings()
    start(request(names, name="names", steps=1, sequence_length=32), workspace, reporter, stop)
    assert reporter.warnings[0].startswith("--sequence-length is for text that is continued, and does nothing here")


def test_settings_of_examples_need_a_task() -> None:
    with pytest.raises(ConfigError, match="swap is for data"):
        make_request(by_section({"corpus": ("x",), "swap": True}))


def test_a_classifier_is_no_language_model_and_the_other_way_round(
    names: Path, text: Path, workspace: Workspace
) -> None:
    train_whole(request(names, name="names", steps=2), workspace)
    with pytest.raises(
        ConfigError, match="continues no text, as this needs; it is for charlm predict names or charlm eval"
    ):
        read_model("names", workspace)
    with pytest.raises(ConfigError, match="--init-from starts from a model that continues text; 'names' was trained"):
        train_whole(request(names), workspace, init_from="names")
    train_whole(make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace)
    with pytest.raises(ConfigError, match="charlm eval perplexity tale"):
        accuracy("tale", TextChoice(), workspace, SilentReporter())
