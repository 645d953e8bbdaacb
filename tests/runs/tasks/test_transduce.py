from pathlib import Path

import pytest

from charlm.errors import ConfigError
from charlm.runs.evaluate.accuracy import accuracy
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.measured import OWN
from charlm.runs.predict.apply import predict
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from tests.support.reporters import StopAfter
from tests.support.tasks import measure, request
from tests.support.training_runs import assert_same_end, train_whole


def test_answers_are_learnt_and_searched_for(spellings: Path, workspace: Workspace, tmp_path: Path) -> None:
    asked = {"task": "transduce", "target_symbols": "spaces", "hidden_size": 24, "embedding_size": 16, "steps": 600}
    result = train_whole(request(spellings, name="spell", split="70/15/15", **asked), workspace)
    assert result.unit == "symbol" and verify_run("spell", workspace).is_whole
    with pytest.raises(ConfigError, match="--confusion is for labels; 'spell' answers with texts"):
        accuracy("spell", TextChoice(), workspace, SilentReporter(), confusion=True)
    own = measure("spell", workspace, spellings).models[OWN]
    assert own["exact"] == own["accuracy"] > 0.7 and own["error_rate"] < 15
    new = tmp_path / "new.txt"
    new.write_text("abbc\n\nda\tX Y\n")
    answers = list(predict("spell", (str(new),), workspace, SilentReporter(), beam=3))
    assert [answer.line for answer in answers] == ["A B B C", "", "D A"]
    assert len(answers[0].likeliest) == 3 and sum(answers[0].likeliest.values()) <= 1.0 + 1e-5


def test_of_several_right_answers_the_nearest_counts(spellings: Path, workspace: Workspace, tmp_path: Path) -> None:
    asked = {"task": "transduce", "target_symbols": "spaces", "hidden_size": 24, "embedding_size": 16, "steps": 600}
    train_whole(request(spellings, name="spell", **asked), workspace)
    several = tmp_path / "several.tsv"
    several.write_text("abbc\tD D D D D\nabbc\tA B B C\nab\tA B Z\n")
    measured = measure("spell", workspace, several)
    assert measured.models[OWN]["examples"] == 2 and measured.unknown_labels == ("Z",)
    assert measured.models[OWN]["error_rate"] == pytest.approx(100 / 7)


def test_texts_that_differ_in_unknown_characters_are_different(
    spellings: Path, workspace: Workspace, tmp_path: Path
) -> None:
    train_whole(request(spellings, name="spell", task="transduce", steps=2), workspace)
    unknown = tmp_path / "unknown.tsv"
    unknown.write_text("a€\tA B\na£\tB A B A\na£\tB\n")
    assert measure("spell", workspace, unknown).models[OWN]["examples"] == 2


def test_a_stopped_transducer_goes_on_bit_for_bit(spellings: Path, workspace: Workspace) -> None:
    settings = {"task": "transduce", "steps": 12, "dropout": 0.2, "layer_norm": True, "split": "70/15/15"}
    whole = train_whole(request(spellings, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(spellings, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)
