"""From counts to probabilities: each order's estimate, interpolated with the order below, down to the uniform one.

Both methods give an order k the form

    p_k(w | context) = seen_k(context w) + backoff_k(context) * p_{k-1}(w | shorter context)

with seen_k zero for what never followed the context, and p_0 = 1 / vocabulary.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.counting import CountedText, left_contexts
from charlm.ngrams.grams import Grams, Ids, sums_by_context

Smoothing = Literal["kneser-ney", "witten-bell"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """One order's estimate.

    Attributes:
        seen: for each gram of the order, `[grams]`.
        backoff: for each context, a gram of the order below, `[contexts]`; 1 where nothing followed it.
    """

    seen: Floats
    backoff: Floats


@dataclass(frozen=True)
class Discounts:
    """The discounts of modified Kneser-Ney in one order.

    Attributes:
        values: off a count of 1, of 2, and of 3 or more.
        estimated: whether the counts of counts gave them; otherwise they are one for all counts.
    """

    values: tuple[float, float, float]
    estimated: bool


def witten_bell(grams: Grams) -> Estimate:
    """Returns Witten and Bell's estimate (1991, method C): new symbols weigh as much as there were different ones."""
    totals = sums_by_context(grams, grams.counts)
    distinct = sums_by_context(grams, grams.counts > 0)
    sums = totals + distinct
    with np.errstate(invalid="ignore"):
        backoff = np.where(sums > 0, distinct / sums, 1.0)
        seen = np.where(grams.counts > 0, grams.counts / sums[grams.contexts], 0.0)
    return Estimate(seen, backoff)


def kneser_ney(grams: Grams, counts: Ids, discounts: Discounts) -> Estimate:
    """Returns modified Kneser-Ney's estimate (Chen and Goodman 1998).

    Args:
        counts: occurrences in the highest order, different left contexts below it.
    """
    off = np.array((0.0, *discounts.values))[np.minimum(counts, 3)]
    totals = sums_by_context(grams, counts)
    removed = sums_by_context(grams, off)
    with np.errstate(invalid="ignore", divide="ignore"):
        backoff = np.where(totals > 0, removed / totals, 1.0)
        seen = np.where(counts > 0, (counts - off) / totals[grams.contexts], 0.0)
    return Estimate(seen, backoff)


def adjusted_counts(text: CountedText, order: int) -> Ids:
    """Returns the counts of Kneser-Ney: different left contexts, and occurrences in the highest order."""
    return text.orders[-1].counts if order == len(text.orders) else left_contexts(text, order)


def estimate_discounts(counts: Ids) -> Discounts:
    """Returns the discounts that the counts of counts of one order give.

    With n_i grams of count i and Y = n_1 / (n_1 + 2 n_2), they are i - (i + 1) Y n_{i+1} / n_i. Characters are
    few: in the lowest orders hardly any sequence is rare, some n_i are zero, or a discount leaves 0 … i.
    There, one discount Y serves all counts (Ney et al. 1994), or a half where Y has no counts either.
    """
    n = [int(np.count_nonzero(counts == count)) for count in range(5)]
    share = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.5
    if all(n[1:]):
        one, two, more = (count - (count + 1) * share * n[count + 1] / n[count] for count in (1, 2, 3))
        if all(0.0 < value <= count for count, value in ((1, one), (2, two), (3, more))):
            return Discounts((one, two, more), estimated=True)
    return Discounts((share, share, share), estimated=False)
