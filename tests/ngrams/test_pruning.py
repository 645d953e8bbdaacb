import numpy as np
import pytest

from charlm.data.tokenfile import TokenFile
from charlm.ngrams.arpa import arpa_lines
from charlm.ngrams.build import make_model
from charlm.ngrams.counting import count_grams
from tests.support.arpa_reader import read_arpa

# "abcda" twice, and an "abcdb" once: of the grams of four symbols, cdab and dabc are in it twice, abcd three times.
TEXT = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 1])


def counted(order=4, text=TEXT):
    return count_grams(TokenFile(text), order=order, vocabulary_size=4)


@pytest.mark.parametrize(("prune", "kept"), [(0, 5), (1, 4), (2, 1)])
def test_long_grams_that_occur_at_most_so_often_are_dropped(prune, kept):
    # abcd 3, bcda 2, cdab 2, dabc 2, bcdb 1.
    model = make_model(counted(), "kneser-ney", prune=prune).model
    assert [len(level.keys) for level in model.levels] == [4, 5, 5, kept]


def test_what_is_kept_has_its_probability_and_what_is_dropped_gives_it_to_the_order_below():
    whole, pruned = (make_model(counted(), "witten-bell", prune=prune).model for prune in (0, 1))
    # After bcd: a twice, b once. Witten and Bell: 2/5, 1/5, and 2/5 for the order below; without the b, 3/5.
    contexts = whole.contexts_after(np.array([[1], [2], [3]]), whole.first_contexts(1))[:, -1]
    shorter = make_model(counted(order=3), "witten-bell").model
    less = shorter.contexts_after(np.array([[1], [2], [3]]), shorter.first_contexts(1))[:, -1]
    lower = shorter.distributions(less)[0]
    np.testing.assert_allclose(whole.distributions(contexts)[0], np.array([0.4, 0.2, 0, 0]) + 0.4 * lower, rtol=1e-6)
    contexts = pruned.contexts_after(np.array([[1], [2], [3]]), pruned.first_contexts(1))[:, -1]
    np.testing.assert_allclose(pruned.distributions(contexts)[0], np.array([0.4, 0, 0, 0]) + 0.6 * lower, rtol=1e-6)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
@pytest.mark.parametrize("prune", [1, 2, 5])
def test_a_pruned_model_is_sound_and_its_probabilities_add_to_one(smoothing, prune):
    text = np.random.default_rng(5).zipf(1.5, 4000) % 7
    model = make_model(count_grams(TokenFile(text), order=6, vocabulary_size=7), smoothing, prune=prune).model
    again = type(model).from_arrays(model.to_arrays(), order=model.order, vocabulary_size=7, source="x")
    contexts = again.contexts_after(text[:500, None], again.first_contexts(1))
    np.testing.assert_allclose(again.distributions(contexts).sum(-1), 1.0, atol=1e-5)
    full = make_model(count_grams(TokenFile(text), order=6, vocabulary_size=7), smoothing).model
    assert model.num_grams < full.num_grams


def test_a_pruned_model_is_exported():
    text = np.random.default_rng(5).integers(0, 4, 3000)
    model = make_model(counted(order=5, text=text), "kneser-ney", prune=8).model
    lines = "".join(arpa_lines(model, ["a", "b", "c", "d"], begin="<s>", end="</s>"))
    assert [f"ngram {order}={len(level.keys)}\n" in lines for order, level in enumerate(model.levels, start=1)][1:] == [
        True
    ] * 4
    arpa = read_arpa(lines)
    assert sum(10 ** arpa.log10_probability(word, "abcd") for word in "abcd") == pytest.approx(1.0, abs=1e-5)
