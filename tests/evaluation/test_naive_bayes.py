import math
from collections import Counter

from charlm.data.examples.example import Example
from charlm.evaluation.naive_bayes import NaiveBayes


def grams(text: str) -> list[str]:
    marked = f"\x02{text}\x03"
    return [marked[i : i + n] for n in range(1, 5) for i in range(len(marked) - n + 1)]


def test_scores_are_those_of_the_formula() -> None:
    examples = [Example("ab", "x"), Example("abb", "x"), Example("ba", "y")]
    counts = {label: Counter(g for e in examples if e.target == label for g in grams(e.input)) for label in "xy"}
    size = len(set(counts["x"]) | set(counts["y"]))
    model = NaiveBayes(examples)
    for text in ("a", "ab", "bab", "zz"):
        expected = {
            label: math.log(share)
            + sum(
                math.log((counts[label][gram] + 0.1) / (counts[label].total() + 0.1 * size))
                for gram in grams(text)
                if gram in counts["x"] or gram in counts["y"]
            )
            for label, share in (("x", 2 / 3), ("y", 1 / 3))
        }
        assert model.predict([text]) == [max(expected, key=expected.__getitem__)]
    assert model.predict(["ba", "abb"]) == ["y", "x"]
