import numpy as np
import pytest

from charlm.evaluation.activations import activation_norms


@pytest.mark.parametrize(("variance", "growth"), [(3.0, 1.5), (2.0, 1.0), (1.5, 0.75)])
def test_squared_activations_grow_by_half_the_variance(variance, growth):
    runs = [activation_norms(variance, units=400, symbols=12, seed=seed) for seed in range(5)]
    assert all(run[0] == 1.0 for run in runs)
    means = np.mean(np.square(runs), axis=0)
    # From the second symbol on the state is rectified, as the rule supposes.
    assert (means[11] / means[1]) ** (1 / 10) == pytest.approx(growth, rel=0.1)
