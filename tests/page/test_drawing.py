"""The script's drawing of symbols against NumPy's generator and charlm's own drawing."""

import numpy as np
import pytest

from charlm.config import SamplingConfig
from charlm.generation.sampling import Drawer
from tests.support.javascript import needs_node, run_script

pytestmark = needs_node

DRAW = """
const { temperature, topK, topP, seed, excluded } = given;
const drawer = new Drawer({ temperature, topK, topP, seed: BigInt(seed) }, excluded);
return given.logits.map((row) => drawer.draw(row));
"""


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1, 2**32, 12345678901234567, 2**63 - 1])
def test_the_numbers_are_those_of_numpys_generator(seed):
    code = (
        "const numbers = new UniformNumbers(BigInt(given.seed)); return Array(100).fill(0).map(() => numbers.next());"
    )
    assert run_script(code, seed=str(seed)) == np.random.default_rng(seed).random(100).tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.0},
        {"temperature": 1.0},
        {"temperature": 0.7, "top_k": 3},
        {"temperature": 1.5, "top_p": 0.6},
        {"temperature": 0.9, "top_k": 6, "top_p": 0.9},
        {"temperature": 2.0, "top_p": 1.0},
        {"temperature": 1.0, "top_k": 1},
    ],
    ids=str,
)
def test_the_symbols_are_those_that_charlm_draws(settings):
    logits = np.random.default_rng(5).normal(scale=2.0, size=(200, 9)).astype(np.float32)
    logits[:, 4] = logits[:, 5]  # a tie
    excluded = [0, 7]
    drawer = Drawer(SamplingConfig(**settings), vocabulary_size=9, excluded=excluded, seeds=[11])
    expected = [int(drawer.draw(row[None])[0]) for row in logits]
    found = run_script(
        DRAW,
        logits=logits.tolist(),
        excluded=excluded,
        seed="11",
        temperature=settings["temperature"],
        topK=settings.get("top_k"),
        topP=settings.get("top_p"),
    )
    assert found == expected
    assert not set(found) & set(excluded)


def test_an_output_that_is_not_finite_is_an_error():
    code = """
    const drawer = new Drawer({ temperature: 1, topK: null, topP: null, seed: 1n }, []);
    try { drawer.draw([NaN, NaN]); } catch (error) { return error.message; }
    """
    assert run_script(code) == "The model's output is not finite, so it cannot write text."
