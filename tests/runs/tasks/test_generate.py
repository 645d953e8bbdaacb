import math
from pathlib import Path

import pytest

from charlm.config import SamplingConfig, by_section, make_request
from charlm.errors import ConfigError, DataError, NotFiniteError
from charlm.runs.evaluate.measured import OWN
from charlm.runs.predict.apply import predict
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.sample import stream
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from tests.support.reporters import StopAfter
from tests.support.tasks import SMALL, measure, request
from tests.support.training_runs import assert_same_end, train_whole


def test_texts_are_written_on_a_condition_and_bayes_finds_it(names: Path, workspace: Workspace) -> None:
    sizes = {"steps": 400, "hidden_size": 24, "embedding_size": 24}
    result = train_whole(request(names, task="generate", swap=True, name="write", **sizes), workspace)
    assert result.unit == "char" and verify_run("write", workspace).is_whole
    for condition, ending in {"Northern": "sen", "Eastern": "ov", "Southern": "ez"}.items():
        settings = SamplingConfig(condition=condition, num_samples=20, temperature=0.5)
        drawn = [""] * 20
        for piece in stream("write", "", settings, workspace, seed=1).pieces:
            drawn[piece.sample] += piece.text
        assert sum(text.rstrip("\n").endswith(ending) for text in drawn) >= 15
    own = measure("write", workspace).models[OWN]
    assert own["accuracy"] > 0.9
    # Knowing one of three conditions saves at most ln 3 nats a text, and so less a character.
    saved = own["nats_per_character_without_condition"] - own["nats_per_character"]
    assert 0 < saved < math.log(3)
    found = list(predict("write", (str(names),), workspace, SilentReporter()))
    true = [line.split("\t")[1] for line in names.read_text().splitlines()]
    assert sum(answer.line == label for answer, label in zip(found, true, strict=True)) > 700


def test_a_condition_is_needed_and_known(names: Path, text: Path, workspace: Workspace) -> None:
    train_whole(request(names, task="generate", swap=True, name="write", steps=2), workspace)
    with pytest.raises(ConfigError, match="name one with --condition: Eastern, Northern, Southern"):
        list(stream("write", "", SamplingConfig(), workspace, seed=1).pieces)
    with pytest.raises(DataError, match="'Northen'; nearest: Northern"):
        list(stream("write", "", SamplingConfig(condition="Northen"), workspace, seed=1).pieces)
    train_whole(make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace)
    with pytest.raises(ConfigError, match="--condition is for models trained with --task generate"):
        list(stream("tale", "", SamplingConfig(condition="Northern"), workspace, seed=1).pieces)


def test_a_diverging_training_ends_with_what_to_change_in_it(names: Path, workspace: Workspace) -> None:
    settings = {"task": "generate", "swap": True, "learning_rate": 1e6, "clip_norm": 0.0, "rollbacks": 1}
    with pytest.raises(NotFiniteError, match=r"10 steps in a row.*Try a lower --learning-rate"):
        train_whole(request(names, name="wild", **settings), workspace)


def test_a_stopped_writer_goes_on_bit_for_bit(names: Path, workspace: Workspace) -> None:
    settings = {"task": "generate", "swap": True, "steps": 12, "dropout": 0.2}
    whole = train_whole(request(names, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(names, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)
