import pytest

from charlm.errors import ConfigError
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
    with pytest.raises(ConfigError, match="cannot be written"):
        plot_comparison(results, tmp_path / "plot.xyz")
