import numpy as np

from charlm.ngrams.build import count_model
from charlm.ngrams.cross_fitting import cross_fit

TEXT = np.random.default_rng(1).choice(5, size=400, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.uint8)


def test_a_fold_is_scored_by_counts_of_the_others():
    # With the discounts of the whole text, as cross_fit has them, but other counts.
    order, folds = 3, 4
    counted = count_model(TEXT, order=order, smoothing="kneser-ney", vocabulary_size=6)
    scores = cross_fit(counted.text, num_folds=folds)
    start, stop = 100, 200
    marked = TEXT.astype(np.int64).copy()
    marked[start:stop] = 6  # a symbol that ends every gram reaching into the fold
    others = count_model(marked, order=order, smoothing="kneser-ney", vocabulary_size=7).model
    contexts = others.contexts_after(TEXT[:-1, None], others.first_contexts(1))[:, :, 0]
    inside = slice(start + order, stop)
    known = np.expm1(4 * others.confidence(contexts[:, inside.start - 1 : inside.stop - 1]))
    got = np.expm1(4 * scores.confidence[inside].astype(np.float32))
    # Counts of grams that end inside the fold are left out; those that end after it, begun inside, are few.
    assert abs(got[:, 1] - known[:, 1]).max() <= 2
    assert abs(got[:, order + 2] - known[:, order + 2]).max() <= 2
    assert scores.probabilities.min() > 0
    assert scores.probabilities.max() < 1


def test_a_text_is_worse_predicted_by_its_other_folds_than_by_itself():
    counted = count_model(TEXT, order=3, smoothing="kneser-ney", vocabulary_size=6)
    contexts = counted.model.contexts_after(TEXT[:-1, None], counted.model.first_contexts(1))
    own = counted.model.probabilities(contexts, TEXT[1:, None])
    assert np.log(cross_fit(counted.text).probabilities[1:]).mean() < np.log(own).mean()
