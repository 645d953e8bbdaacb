import pytest

from charlm.config import Request, Search
from charlm.errors import ConfigError
from charlm.notation import Mix
from charlm.runs.compare.space import Space, read_searches, usual_searches
from charlm.runs.train.settings import with_settings
from charlm.training.defaults import default_learning_rate

PLANNED = {
    "hidden_size": 160,
    "embedding_size": 160,
    "batch_size": 16,
    "sequence_length": 32,
    "learning_rate": 0.0344,
    "dropout": 0.05,
    "mixing": "log-linear",
    "steps": 500,
}


class Fixed:
    """Draws given values, and keeps what it was asked for."""

    def __init__(self, **values):
        self.values = values
        self.ranges = {}

    def choice(self, name, values):
        assert len(set(values)) == len(values)
        self.ranges[name] = values
        return self.values[name]

    def number(self, name, low, high, *, log):
        self.ranges[name] = (low, high, log)
        return self.values[name]

    whole = number


@pytest.fixture
def open_request(small_request):
    """A request in which everything that is searched is open."""

    def make(**settings):
        request = small_request(**settings)
        opened = {"hidden_size", "embedding_size", "batch_size", "sequence_length"} - settings.keys()
        config = with_settings(request.config, hidden_size=192, embedding_size=None, batch_size=32, sequence_length=64)
        config = with_settings(config, steps=None, budget="10s", **settings)
        return request.with_config(config), frozenset(request.asked - opened)

    return make


def make_space(open_request, searches=None, **settings):
    request, asked = open_request(**settings)
    planned = with_settings(request.config, **PLANNED | {"mix": Mix(8)} | settings)
    space = Space(
        usual_searches(asked, planned) if searches is None else searches, Request(request.config, asked), planned
    )
    space.require_usable(source="The space")
    return space


def test_what_is_searched_is_declared_with_the_settings_and_what_was_asked_for_is_held(open_request):
    searched = {"cell", "hidden_size", "num_layers", "dropout", "mix", "mixing"}
    searched |= {"batch_size", "sequence_length", "learning_rate", "weight_decay"}
    assert make_space(open_request).searches.keys() == searched
    held = {"cell": "gru", "learning_rate": 0.01, "hidden_size": 48}
    assert make_space(open_request, **held).searches.keys() == searched - held.keys()


def test_the_first_trial_has_what_charlm_itself_chooses(open_request):
    space = make_space(open_request)
    settings = space.draw(Fixed(**space.usual()))
    assert settings == {
        "cell": "lstm",
        "mixing": "log-linear",
        "hidden_size": 160,
        "num_layers": 2,
        "dropout": 0.05,
        "batch_size": 16,
        "sequence_length": 32,
        "learning_rate": 0.0344,
        "weight_decay": 0.1,
    }
    request = space.request_for(settings, name="trial-000")
    assert request.config.model.hidden_size == 160
    assert (request.config.run.name, request.config.training.budget) == ("trial-000", "10s")
    assert {"hidden_size", "learning_rate", "name"} <= request.asked
    # On trial, as it is without a search.
    assert "mix" not in request.asked


def test_ranges_lie_around_what_is_usual_beside_the_other_settings(open_request):
    space = make_space(open_request)
    draw = Fixed(**space.usual() | {"cell": "gru", "hidden_size": 1.7, "learning_rate": 1.0, "mix": "none"})
    settings = space.draw(draw)
    assert draw.ranges["cell"] == ("lstm", "gru")
    assert draw.ranges["mix"] == ("none", "ngram:8")
    assert draw.ranges["hidden_size"] == (0.5, 2, True)
    assert draw.ranges["dropout"] == (0.0, 0.4, False)
    assert settings["hidden_size"] == 272  # The multiple of 16 next to 1.7 x 160.
    model = space.request_for({"cell": "gru"}).config.model
    assert settings["learning_rate"] == default_learning_rate(model, 272)
    assert (settings["cell"], settings["mix"]) == ("gru", "none")


def test_what_charlm_chooses_lies_in_every_range(open_request):
    space = make_space(open_request, {"dropout": Search(low=0.1, high=0.3), "cell": Search(values=("gru",))})
    draw = Fixed(dropout=0.2, cell="lstm")
    assert space.draw(draw) == {"dropout": 0.2, "cell": "lstm"}
    assert draw.ranges == {"cell": ("gru", "lstm"), "dropout": (0.05, 0.3, False)}


def test_a_setting_that_means_nothing_beside_the_others_is_not_drawn(open_request):
    searches = {"cell": Search(values=("lstm", "rnn")), "nonlinearity": Search(values=("relu",))}
    space = make_space(open_request, searches)
    assert space.draw(Fixed(cell="lstm")) == {"cell": "lstm"}
    assert space.draw(Fixed(cell="rnn", nonlinearity="relu")) == {"cell": "rnn", "nonlinearity": "relu"}


def test_n_grams_are_not_searched_where_charlm_mixes_none_in(open_request):
    request, asked = open_request()
    planned = with_settings(request.config, **PLANNED | {"mix": Mix(None), "mixing": None})
    assert not {"mix", "mixing"} & usual_searches(asked, planned).keys()


@pytest.mark.parametrize("search", [{"beta2": Search(around=2.0)}, {"weight_drop": Search(around=2.0)}])
def test_a_range_around_the_usual_value_lies_within_what_a_setting_may_be(open_request, search):
    with pytest.raises(ConfigError):
        make_space(open_request, search)


def test_windows_of_examples_have_no_length_to_search(open_request):
    request, asked = open_request()
    planned = with_settings(request.config, **PLANNED | {"task": "classify"})
    assert usual_searches(asked, planned).keys() == usual_searches(
        asked, with_settings(request.config, **PLANNED)
    ).keys() - {"sequence_length"}


def test_where_everything_is_given_there_is_nothing_to_search(open_request):
    with pytest.raises(ConfigError, match="nothing to search"):
        make_space(open_request, {})


def read(**values):
    return read_searches(values, source="'space.toml'", asked=frozenset({"seed", "beta1"}))


def test_a_file_says_what_is_searched_in_three_ways():
    searches = read(
        training={"learning_rate": {"low": 0.001, "high": 0.1, "log": True}, "clip_norm": {"around": 3}},
        model={"hidden_size": [64, 128], "layer_norm": [True, False]},
    )
    assert searches == {
        "hidden_size": Search(values=(64, 128)),
        "layer_norm": Search(values=(True, False)),
        "learning_rate": Search(low=0.001, high=0.1, log=True),
        "clip_norm": Search(around=3.0),
    }
    assert list(searches) == ["hidden_size", "layer_norm", "learning_rate", "clip_norm"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"model": {"hiden_size": [1]}},
            "model.hiden_size is not a setting that can be searched; did you mean model.hidden_",
        ),
        ({"model": {"model": ["mlp"]}}, "model.model is not a setting that can be searched"),
        ({"training": {"steps": [1]}}, "training.steps is not a setting that can be searched"),
        ({"training": {"beta1": [0.5]}}, "training.beta1 cannot be searched and given, too"),
        ({"learning_rate": {"around": 2}}, "did you mean training.learning_rate?"),
        ({"run": {"seed": [1]}}, "run is no section to search"),
        ({"model": 3}, "model is no section to search"),
        ({"model": {"dropout": []}}, r"model.dropout is \[\]; it should be a list of values"),
        ({"model": {"dropout": 0.1}}, "model.dropout is 0.1; it should be a list of values"),
        ({"model": {"dropout": {"low": 0.1}}}, "it should be a list"),
        ({"model": {"dropout": {"low": 0.1, "high": 0.2, "around": 2}}}, "it should be a list"),
        ({"model": {"dropout": {"lowest": 0.1}}}, "it should be a list"),
        ({"model": {"dropout": {"low": 0.2, "high": 0.2}}}, "low is 0.2; it should be below high"),
        ({"model": {"dropout": {"low": 0, "high": 0.2, "log": True}}}, "low is 0; it should be above 0"),
        ({"model": {"hidden_size": {"around": 1}}}, "around is 1; it should be above 1"),
        ({"model": {"hidden_size": {"around": 2, "multiple": 0}}}, "multiple is 0; it should be 1 or more"),
    ],
)
def test_a_space_that_is_none_is_refused_in_one_sentence(values, message):
    with pytest.raises(ConfigError, match=message):
        read(**values)


@pytest.mark.parametrize(
    ("searches", "message"),
    [
        ({"hidden_size": Search(values=(64, 0))}, "model.hidden_size is 0"),
        ({"cell": Search(values=("lsmt",))}, "'lsmt' is not a recurrent cell"),
        ({"dropout": Search(low=0.0, high=1.5)}, "model.dropout is 1.5"),
        ({"num_layers": Search(low=1, high=2.5)}, "model.num_layers is 2.5"),
        ({"cell": Search(around=2)}, "cell is no number; list the values"),
        ({"clip_value": Search(around=2)}, "clip_value has no usual value to search around; give low and high"),
        ({"window": Search(values=(4,))}, "window is for model mlp"),
    ],
)
def test_a_space_that_cannot_be_used_is_refused_before_anything_is_trained(open_request, searches, message):
    with pytest.raises(ConfigError, match=message):
        make_space(open_request, searches)
