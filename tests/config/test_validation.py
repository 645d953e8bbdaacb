"""What is refused becomes one sentence that names the setting, the value and what it should be."""

import math
from typing import Any

import pytest

from charlm.config import RunConfig, SamplingConfig, validate
from charlm.errors import ConfigError

DATA = {"corpus": ["tale.txt"]}


def refusal(values: dict[str, Any], **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        validate(RunConfig, {"data": DATA, **values}, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "values", [{"model": {"a" * 10**5: 1}}, {"model": ["a"] * 10**5}, {"run": {"seed": "a" * 10**5}}]
)
def test_a_refusal_is_short_whatever_is_refused(values):
    assert len(refusal(values)) < 1000


def test_a_refused_file_without_one_of_its_sections_is_not_quoted_whole():
    values = {"data": DATA, "model": {"hidden_size": 7}} | {f"unknown_{number}": "a" * 100 for number in range(100)}
    with pytest.raises(ConfigError) as caught:
        validate(RunConfig, {name: each for name, each in values.items() if name != "data"})
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"model": {"hiden_size": 3}}, "model.hiden_size is not a setting charlm knows; did you mean hidden_size?"),
        ({"model": {"xyzzy": 3}}, "model.xyzzy is not a setting charlm knows."),
        ({"hidden_size": 3}, "hidden_size is not a setting charlm knows; did you mean model.hidden_size?"),
        ({"modle": {}}, "modle is not a setting charlm knows; did you mean model?"),
        ({"model": 3}, "model is 3; it should be a section: a table of settings."),
        ({"model": {"hidden_size": 0}}, "model.hidden_size is 0; it should be greater than or equal to 1."),
        ({"model": {"hidden_size": "many"}}, "model.hidden_size is 'many'; it should be a valid integer."),
        ({"model": {"init": "best"}}, "model.init is 'best'; it should be 'default', 'identity', 'orthogonal' or"),
        ({"model": {"cell": "gpt"}}, "model.cell: 'gpt' is not a recurrent cell; there are lstm"),
        ({"training": {"steps": 3, "epochs": 2}}, "training.steps and training.epochs both set the length"),
        ({"training": {"budget": "soon"}}, "training.budget: 'soon' is not a duration; write for example 90s"),
        ({"training": {"save_every": "9" * 400 + "h"}}, "training.save_every: it is a duration of more than thirty"),
        ({"training": {"steps": 10**400}}, "training.steps is 1000"),
        ({"training": {"epochs": 1e308}}, "training.epochs is 1e+308; it should be less than or equal to 1000000"),
        ({"run": {"device": "gpu"}}, "run.device: 'gpu' is not a device"),
        ({"run": {"name": "../other"}}, "run.name: '../other' cannot name a run"),
        ({"data": {"corpus": []}}, "data.corpus is []; it should have at least 1 item"),
    ],
)
def test_one_sentence_names_the_setting_and_what_it_should_be(values, sentence):
    told = refusal(values)
    assert told.startswith(sentence)
    assert "\n" not in told


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(number):
    assert refusal({"training": {"learning_rate": number}}).startswith("training.learning_rate is ")


def test_a_setting_is_called_as_its_user_knows_it():
    told = refusal({"training": {"steps": 3, "epochs": 2}}, name=lambda where: f"--{where[-1]}")
    assert told.startswith("--steps and --epochs both set the length")


def test_the_sentence_says_where_the_value_is_from():
    assert refusal({"run": {"seed": -1}}, source="'run.toml'").startswith("'run.toml': run.seed is -1;")


def test_other_sections_are_checked_in_the_same_way():
    with pytest.raises(ConfigError, match=r"^temprature is not a setting charlm knows; did you mean temperature\?$"):
        validate(SamplingConfig, {"temprature": 1.0})


def test_what_is_right_is_returned():
    assert validate(RunConfig, {"data": DATA, "model": {"hidden_size": 7}}).model.hidden_size == 7


@pytest.mark.parametrize(
    "values",
    [
        {"run": {"name": "x" * 10**6}},
        {"training": {"budget": "x" * 10**6}},
        {"model": {"init": "x" * 10**6}},
        {"model": {"x" * 10**6: 1}},
        {"data": {"corpus": [["x" * 10**6]]}},
        {"data": ["x"] * 10**5},
        {"training": {"steps": 10**4000}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_value_of_any_length_is_quoted_in_one_line(values):
    told = refusal(values)
    assert "…" in told
    assert len(told) < 300
