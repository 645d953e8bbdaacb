import pytest

from charlm.errors import CharlmError, ConfigError
from charlm.runs.compare.result import VariantResult

COUNTED = VariantResult("ngram-5", "ngram:5", None, parameters=1234, test=2.125)


def test_a_plot_has_a_panel_for_each_size_and_names_its_format(tmp_path):
    pytest.importorskip("matplotlib")
    from charlm.cli.display.plots import plot_comparison

    results = [COUNTED, VariantResult("lstm-1", "lstm", 1, error="It diverged.")]
    results += [
        VariantResult(f"gru-{n}-{size}", "gru", n, size=size, test=2.0 - 0.1 * n) for n in (1, 2) for size in (8, 9)
    ]
    plot_comparison(results, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    plot_comparison([COUNTED], tmp_path / "plot.svg")
    seeds = [VariantResult("lstm-1", "lstm", 1, test=bits, seed=seed) for seed, bits in ((1, 2.0), (2, 2.1))]
    plot_comparison(seeds, tmp_path / "seeds.svg")
    with pytest.raises(ConfigError, match="cannot be drawn into"):
        plot_comparison(results, tmp_path / "plot.xyz")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(CharlmError, match=r"'.*taken.png' cannot be drawn into: Is a directory\.$") as refused:
        plot_comparison(results, tmp_path / "taken.png")
    assert not isinstance(refused.value, ConfigError)


def test_trials_are_drawn_with_those_that_were_given_up(tmp_path):
    pytest.importorskip("matplotlib")
    from charlm.cli.display.plots import plot_trials
    from charlm.runs.compare.findings import Findings
    from charlm.runs.compare.study import TrialRow

    rows = [TrialRow(number, "finished", {}, 2.0 - 0.1 * number) for number in range(3)]
    pruned = [TrialRow(3, "pruned", {}, 2.5, 0.5), TrialRow(4, "failed", {}, error="There is no memory.")]
    for name, trials in (("all.svg", (*rows[::-1], *pruned)), ("one.svg", (*rows[1:2], pruned[1]))):
        plot_trials(Findings(trials), tmp_path / name)
    assert "given up" in (tmp_path / "all.svg").read_text(encoding="utf-8")


def test_no_name_becomes_a_formula_or_is_hidden(tmp_path):
    pytest.importorskip("matplotlib")
    from charlm.cli.display.plots import plot_losses
    from charlm.runs.plot import Curve, Point

    points = (Point(1, 64.0, 0.5, 3.0), Point(2, 128.0, 1.0, 2.0))
    curves = [Curve(name, "validation", None, points) for name in ("_x", "$\\frac{1$", "<b>\x1b&数")]
    plot_losses(curves, tmp_path / "plot.svg", over="steps")
    drawn = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    for name in ("_x, ", "$\\frac{1$, ", "&lt;b&gt;␛&amp;数, "):
        assert f"<!-- \N{ZERO WIDTH SPACE}{name}" in drawn or f"<!-- {name}" in drawn


def test_a_run_of_one_step_is_drawn_as_points_over_whole_steps(tmp_path):
    pytest.importorskip("matplotlib")
    from charlm.cli.display.plots import plot_losses
    from charlm.runs.plot import Curve, Point

    plot_losses([Curve("a", "training", None, (Point(1, 64.0, 0.1, 5.0),))], tmp_path / "one.svg", over="steps")
    drawn = (tmp_path / "one.svg").read_text(encoding="utf-8")
    # Names of ticks are comments before their outlines.
    assert "<!-- 0 -->" in drawn and "<!-- 1 -->" in drawn
    assert "<!-- 0.5 -->" not in drawn and "<!-- 1.02 -->" not in drawn
