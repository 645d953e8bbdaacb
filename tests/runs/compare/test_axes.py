import csv

import pytest

from charlm.config import ComparisonConfig, Request
from charlm.errors import ConfigError
from charlm.runs.compare.axes import read_axes, with_seeds
from charlm.runs.compare.comparing import compare
from charlm.runs.compare.grid import grid_variants, run_request
from charlm.runs.reporting import SilentReporter, StopRequest


def settings(*grid, **more):
    return ComparisonConfig(**({"models": "ngram:3,gru", "layers": "1", "match": "parameters", "grid": grid} | more))


def test_every_combination_of_values_is_a_network_of_its_own(small_request):
    variants = grid_variants(settings("learning-rate=0.01,0.03", "layer-norm=true,false"), small_request())
    assert [each.name for each in variants] == [
        "ngram-3",
        "gru-1-learning-rate-0.01-layer-norm-true",
        "gru-1-learning-rate-0.01-layer-norm-false",
        "gru-1-learning-rate-0.03-layer-norm-true",
        "gru-1-learning-rate-0.03-layer-norm-false",
    ]
    assert variants[1].kind == "gru learning-rate=0.01 layer-norm=true"
    request = run_request(variants[1], small_request())
    assert (request.config.training.learning_rate, request.config.model.layer_norm) == (0.01, True)
    assert {"learning_rate", "layer_norm"} <= request.asked


def test_each_network_has_every_seed_and_the_first_keeps_its_name(small_request):
    variants = with_seeds(grid_variants(settings(), small_request()), first=7, number=3)
    assert [(each.name, each.seed) for each in variants] == [
        ("ngram-3", None),
        ("gru-1", None),
        ("gru-1-seed-8", 8),
        ("gru-1-seed-9", 9),
    ]
    assert run_request(variants[2], small_request()).config.run.seed == 8


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (("learning-rat=0.1",), "'learning-rat' is not a setting .* compared; did you mean learning-rate?"),
        (("cell=gru",), "--grid cell=gru: 'cell' has an option of its own; write for example --models lstm,gru"),
        (("mix=none",), "'mix' is not a setting of networks that can be compared; 'charlm compare --help' lists them"),
        (("steps=4",), "all networks of a comparison have the same length; give --steps instead"),
        (("dropout",), "lacks a value"),
        (("dropout=0.1,",), "lacks a value"),
        (("dropout=0.1,0.1",), "names a value twice"),
        (("dropout=0.1", "dropout=0.2"), "another option both give dropout"),
        (("batch-size=8",), "another option both give batch-size"),
        (("hidden-size=8",), "hidden-size"),
        (("dropout=1.5",), "--grid dropout=1.5: dropout is '1.5'; it should be less than 1"),
        (("learning-rate=fast",), "--grid learning-rate=fast: learning_rate is 'fast'"),
        (("nonlinearity=relu",), "nonlinearity is for cell rnn or jordan, not for cell gru"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_before_anything_is_trained(small_request, grid, message):
    with pytest.raises(ConfigError, match=message):
        grid_variants(settings(*grid), small_request())


def test_widths_follow_from_sizes_where_parameters_are_equal(small_request):
    request = Request(small_request().config)
    with pytest.raises(ConfigError, match="widths follow from --sizes"):
        read_axes(settings("hidden-size=8,16"), request)
    assert read_axes(settings("hidden-size=8,16", match="time"), request) == [
        {"hidden_size": "8"},
        {"hidden_size": "16"},
    ]


def test_a_comparison_over_seeds_and_values_reports_means_and_may_grow(small_request, workspace):
    def run(**more):
        seen = []
        folder, results = compare(
            settings("learning-rate=0.01,0.03", **more),
            small_request(name="grown"),
            workspace,
            SilentReporter(),
            StopRequest(),
            show=lambda _variants, _results, upcoming: seen.append(upcoming and upcoming.name),
        )
        return folder, results, seen

    run()
    folder, results, seen = run(seeds=2)
    assert seen == ["gru-1-learning-rate-0.01-seed-2", "gru-1-learning-rate-0.03-seed-2", None]
    assert [each.seed for each in results] == [None, None, 2, None, 2]
    assert len({each.validation for each in results}) == 5
    table = (folder.path / "results.md").read_text(encoding="utf-8")
    assert table.startswith("| bits/char | ngram:3 | gru learning-rate=0.01 | gru learning-rate=0.03 |")
    assert table.splitlines()[2].count(" ± ") == 2
    with (folder.path / "results.csv").open() as file:
        assert sorted(row["seed"] for row in csv.DictReader(file)) == ["", "", "", "2", "2"]
