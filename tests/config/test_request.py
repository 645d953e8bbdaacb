"""What was asked for, and whether it suits the rest."""

from collections import Counter

import pytest

from charlm.config import (
    ModelConfig,
    Only,
    RunConfig,
    asked_in,
    by_section,
    make_request,
    require_suited,
    sections,
    with_effect,
)
from charlm.errors import ConfigError

DATA = {"corpus": ["tale.txt"]}


def test_no_two_sections_of_a_run_have_settings_of_the_same_name():
    names = Counter(name for kind in sections().values() for name in kind.model_fields)
    assert [name for name, number in names.items() if number > 1] == []


def test_the_sections_are_those_of_a_run():
    assert sections().keys() == RunConfig.model_fields.keys() == {"data", "tokenizer", "model", "training", "run"}


def test_settings_find_their_sections():
    found = by_section({"corpus": ["a"], "hidden_size": 3, "steps": 4, "seed": 5, "tokenizer": "byte", "nonsense": 6})
    assert found == {
        "data": {"corpus": ["a"]},
        "tokenizer": {"tokenizer": "byte"},
        "model": {"hidden_size": 3},
        "training": {"steps": 4},
        "run": {"seed": 5},
    }


def test_what_was_given_was_asked_for_and_nothing_else():
    values = {"data": DATA, "model": {"hidden_size": 192}}
    assert asked_in(values) == make_request(values).asked == {"corpus", "hidden_size"}


def test_another_configuration_keeps_what_was_asked_for():
    request = make_request({"data": DATA, "training": {"steps": 3}})
    other = make_request({"data": DATA, "training": {"steps": 4}, "run": {"seed": 9}}).config
    assert request.with_config(other).asked == request.asked
    assert request.with_config(other).config is other


def test_only_what_differs_from_its_default_has_an_effect():
    section = ModelConfig(hidden_size=192, num_layers=3)
    assert with_effect(section, ["num_layers", "hidden_size", "window"]) == ["num_layers"]


def test_a_file_with_all_settings_at_their_defaults_is_not_refused():
    for kind in ("recurrent", "mlp", "ngram"):
        stored = RunConfig(data=DATA, model={"model": kind}).model_dump(mode="json")
        assert make_request(stored).config.model.model == kind


def marked() -> list[tuple[str, Only]]:
    fields = ModelConfig.model_fields.items()
    return [(name, each) for name, field in fields for each in field.metadata if isinstance(each, Only)]


def test_what_a_setting_is_for_are_settings_and_values_that_there_are():
    assert marked()
    for _, only in marked():
        assert only.setting in ModelConfig.model_fields
        for value in only.listed():
            ModelConfig.model_validate({only.setting: value})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"window": 3}, "model.window is for model.model mlp, not for model.model recurrent."),
        ({"model": "mlp", "cell": "gru"}, "model.cell is for model.model recurrent, not for model.model mlp."),
        ({"model": "ngram", "hidden_size": 3}, "model.hidden_size is for model.model recurrent or mlp, not for"),
        ({"prune": 1}, "model.prune is for model.model ngram, not for model.model recurrent; beside a network all n-"),
        ({"model": "mlp", "order": 3}, "model.order is for model.model ngram, not for model.model mlp."),
    ],
)
def test_what_means_nothing_beside_the_rest_is_refused_where_it_was_asked_for(settings, sentence):
    with pytest.raises(ConfigError) as caught:
        make_request({"data": DATA, "model": settings})
    assert str(caught.value).startswith(sentence)
    require_suited(ModelConfig.model_validate(settings), asked=())


def test_the_sentence_says_where_it_was_asked_for():
    with pytest.raises(ConfigError, match=r"^small\.toml: --window is for --model mlp, not for --model recurrent\.$"):
        require_suited(ModelConfig(window=3), {"window"}, source="small.toml", name=lambda where: f"--{where[-1]}")
