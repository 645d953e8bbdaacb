import pytest

from charlm.runs.compare.result import VariantResult, markdown, over_seeds


def test_the_table_has_a_column_a_model_and_a_row_a_depth():
    results = [
        VariantResult("ngram-5", "ngram:5", None, test=2.5),
        VariantResult("lstm-1", "lstm", 1, test=2.0),
        VariantResult("lstm-2", "lstm", 2, validation=1.9),
        VariantResult("gru-2", "gru", 2, error="It diverged."),
    ]
    first, _, one, two = markdown(results).splitlines()[:4]
    assert first == "| bits/char | ngram:5 | lstm | gru |"
    assert one == "| 1 layer | 2.5000 | 2.0000 |  |"
    assert two == "| 2 layers |  | 1.9000 |  |"
    assert markdown(results).splitlines()[-1].endswith("| It diverged. |")


def seeds(*bits, **more):
    return [
        VariantResult(f"lstm-1-seed-{seed}", "lstm", 1, seed=seed, test=each, **more) for seed, each in enumerate(bits)
    ]


def test_means_and_spreads_are_over_the_seeds_of_a_variant():
    (mean,) = over_seeds([*seeds(2.0, 2.1, 2.3, hidden_size=64, seconds=3.0), *seeds(9.0, error="It diverged.")])
    assert mean.mean.test == pytest.approx(2.1333333)
    assert mean.spread == pytest.approx(0.1527525)  # sqrt((0.1333² + 0.0333² + 0.1667²) / 2)
    assert (mean.mean.hidden_size, mean.mean.seconds, mean.mean.run) == (64, 3.0, "lstm-1-seed-0")


def test_one_seed_has_no_spread_and_failures_are_told_of():
    assert over_seeds(seeds(2.0))[0].spread is None
    (failed,) = over_seeds(seeds(None, None, error="It diverged."))
    assert (failed.mean.error, failed.spread) == ("It diverged.", None)


def test_tables_have_means_with_their_spreads():
    table = markdown([VariantResult("ngram-5", "ngram:5", None, test=2.5), *seeds(2.0, 2.2)])
    assert "| 1 layer | 2.5000 | 2.1000 ± 0.1414 |" in table
    assert table.splitlines()[-1] == "| lstm | 1 |  |  |  |  |  | 2.1000 ± 0.1414 |  |"
