import numpy as np
import pytest

from charlm.ngrams.build import count_model
from charlm.ngrams.cross_fitting import cross_fit

TEXT = np.random.default_rng(1).choice(5, size=400, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.uint8)


def test_a_fold_is_scored_by_counts_of_the_others():
    # With the discounts of the whole text, as cross_fit has them, but other counts.
    order, folds = 3, 4
    counted = count_model(TEXT, order=order, smoothing="kneser-ney", vocabulary_size=6)
    held_out = cross_fit(counted.text, num_folds=folds)
    start, stop = 100, 200
    marked = TEXT.astype(np.int64).copy()
    marked[start:stop] = 6  # a symbol that ends every gram reaching into the fold
    others = count_model(marked, order=order, smoothing="kneser-ney", vocabulary_size=7).model
    contexts = others.contexts_after(TEXT[:-1, None], others.first_contexts(1))[:, :, 0]
    inside = slice(start + order, stop)
    known = np.expm1(4 * others.confidence(contexts[:, inside.start - 1 : inside.stop - 1]))
    assert np.array_equal(held_out.places, np.arange(400))
    got = np.expm1(4 * held_out.confidence[inside])
    # Counts of grams that end inside the fold are left out; those that end after it, begun inside, are few.
    assert abs(got[:, 1] - known[:, 1]).max() <= 2
    assert abs(got[:, order + 2] - known[:, order + 2]).max() <= 2
    assert np.exp(held_out.log_probabilities).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_text_is_worse_predicted_by_its_other_folds_than_by_itself():
    counted = count_model(TEXT, order=3, smoothing="kneser-ney", vocabulary_size=6)
    contexts = counted.model.contexts_after(TEXT[:-1, None], counted.model.first_contexts(1))
    own = counted.model.probabilities(contexts, TEXT[1:, None])
    held_out = cross_fit(counted.text).log_probabilities[np.arange(400), TEXT]
    assert held_out[1:].mean() < np.log(own).mean()


def test_fewer_places_have_the_distributions_that_they_have_among_all():
    text = count_model(TEXT, order=3, smoothing="kneser-ney", vocabulary_size=6).text
    whole, few = cross_fit(text), cross_fit(text, most_places=37)
    assert len(few.places) == 37
    assert np.array_equal(few.log_probabilities, whole.log_probabilities[few.places])
    assert np.array_equal(few.confidence, whole.confidence[few.places])
