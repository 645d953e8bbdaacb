from pathlib import Path
from typing import Any

import pytest

from charlm.cli.settings import run_request, section_config
from charlm.config import ModelConfig, SamplingConfig
from charlm.errors import CharlmError


@pytest.fixture
def toml(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "run.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(**arguments: Any) -> str:
    with pytest.raises(CharlmError) as caught:
        run_request(**({"text": ("a.txt",), "flags": {}, "file": None} | arguments))
    message = str(caught.value)
    assert message.count("\n") == 0 and message[-1] in ".?"
    return message


def test_a_flag_goes_before_the_file_and_the_file_before_the_default(toml: Any) -> None:
    file = toml("[model]\nhidden_size = 10\nnum_layers = 3\n[training]\nbatch_size = 7\n")
    config = run_request(text=("a.txt",), flags={"hidden_size": "20"}, file=file).config
    assert (config.model.hidden_size, config.model.num_layers, config.training.batch_size) == (20, 3, 7)
    assert config.model.embedding_size == ModelConfig().embedding_size
    assert config.data.corpus == ("a.txt",)


def test_the_text_may_come_from_the_file_and_is_replaced_by_text(toml: Any) -> None:
    file = toml('[data]\ncorpus = ["b.txt"]\n')
    assert run_request(text=(), flags={}, file=file).config.data.corpus == ("b.txt",)
    assert run_request(text=("c.txt",), flags={}, file=file).config.data.corpus == ("c.txt",)


def test_a_flag_replaces_what_the_file_says_about_the_same_thing(toml: Any) -> None:
    file = toml('[training]\nbudget = "5m"\n[data]\nsplit = "80/10/10"\n')
    config = run_request(text=("a.txt",), flags={"steps": "9", "valid": ["v.txt"]}, file=file).config
    assert (config.training.steps, config.training.budget) == (9, None)
    assert (config.data.split, config.data.valid) == (None, ("v.txt",))


def test_what_was_typed_and_what_the_file_has_was_asked_for(toml: Any) -> None:
    assert run_request(text=("a.txt",), flags={"dropout": "0.5"}, file=None).asked == {"corpus", "dropout"}
    file = toml("[model]\nhidden_size = 192\n[training]\nbudget = '5m'\n")
    asked = run_request(text=("a.txt",), flags={"steps": "9"}, file=file).asked
    assert asked == {"corpus", "hidden_size", "steps"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"dropout": "2"}, "--dropout is '2'; it should be less than 1."),
        ({"hidden_size": "-3"}, "--hidden-size is '-3'; it should be greater than or equal to 1."),
        ({"hidden_size": "many"}, "--hidden-size is 'many'; it should be a valid integer."),
        ({"learning_rate": "nan"}, "--learning-rate is 'nan'; it should be a finite number."),
        ({"learning_rate": "inf"}, "--learning-rate is 'inf'; it should be a finite number."),
        ({"budget": "soon"}, "--budget: 'soon' is not a duration; write for example 90s, 5m or 2h."),
        (
            {"steps": "1", "budget": "3m"},
            "--steps and --budget both set the length of the training; give one of them.",
        ),
        (
            {"tie_weights": True, "embedding_size": "3", "hidden_size": "4"},
            "--tie-weights needs --embedding-size = --hidden-size, not 3 and 4.",
        ),
        (
            {"split": "90/5/5", "test": ["t"]},
            "--split cannot be combined with --valid or --test files; give one or the other.",
        ),
    ],
)
def test_an_error_names_the_flag_that_was_typed(flags: dict[str, Any], expected: str) -> None:
    assert refused(flags=flags) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[model]\ndropout = 3", "model.dropout is 3; it should be less than 1."),
        ("[model]\nhiden_size = 3", "model.hiden_size is not a setting charlm knows; did you mean hidden_size?"),
        ("[modle]\n", "modle is not a setting charlm knows; did you mean model?"),
        ("[run]\nxyzzy = 3", "run.xyzzy is not a setting charlm knows."),
        ("model = 3", "model is 3; it should be a section: a table of settings."),
        ("data = 3", "data is 3; it should be a section: a table of settings."),
        ("[data]\ncorpus = 'a'", "data.corpus is 'a'; it should be a valid list."),
        ("[training]\nbudget = 'x'", "training.budget: 'x' is not a duration; write for example 90s, 5m or 2h."),
        (
            "[training]\nsteps = 3\nbudget = '3m'",
            "training.steps and training.budget both set the length of the training; give one of them.",
        ),
    ],
)
def test_an_error_in_the_file_names_file_and_key(toml: Any, text: str, expected: str) -> None:
    file = toml(text)
    assert refused(file=file) == f"'{file}': {expected}"


def test_an_error_between_file_and_flag_names_both(toml: Any) -> None:
    file = toml("[model]\nembedding_size = 3\nhidden_size = 3\ntie_weights = true")
    message = refused(file=file, flags={"hidden_size": "5"})
    assert message == "model.tie_weights needs model.embedding_size = --hidden-size, not 3 and 5."


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, toml: Any) -> None:
    assert "No such file" in refused(file=tmp_path / "none.toml")
    assert "cannot be read" in refused(file=tmp_path)
    assert "is not TOML" in refused(file=toml("x ="))
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in refused(file=tmp_path / "run.toml")


def test_no_text_is_refused_with_an_example(toml: Any) -> None:
    assert "charlm train my.txt" in refused(text=())
    assert "charlm train my.txt" in refused(text=(), file=toml("[model]\n"))


def test_sections_of_other_commands_are_checked_the_same_way() -> None:
    assert section_config(SamplingConfig, {"top_k": "3", "device": "cpu"}).top_k == 3
    for flags, expected in (
        ({"temperature": "nan"}, "--temperature is 'nan'; it should be a finite number."),
        ({"top_p": "2"}, "--top-p is '2'; it should be less than or equal to 1."),
        ({"stop": [""]}, "--stop: stop must not be an empty string."),
    ):
        with pytest.raises(CharlmError) as caught:
            section_config(SamplingConfig, flags)
        assert str(caught.value) == expected
