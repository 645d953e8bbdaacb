"""A reader of ARPA's back-off format, by its definition alone (SRILM's ngram-format(5)); it shares no code with charlm.

A file begins with `\\data\\` and a line `ngram N=COUNT` for each order. A section `\\N-grams:` follows for each,
with a line for each gram: the base-10 logarithm of its probability, a tab, its words with spaces between, and
maybe a tab and the base-10 logarithm of its back-off weight. The file ends with `\\end\\`. The probability of a
gram that is not in the file is that of the gram without its first word, times the back-off weight of all but its
last word, which is 1 where the file does not give it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Gram = tuple[str, ...]


@dataclass(frozen=True)
class ArpaModel:
    """What an ARPA file says.

    Attributes:
        order: words of its longest grams.
        log10_probabilities: of each gram in the file.
        log10_weights: back-off weights of the grams that have one.
    """

    order: int
    log10_probabilities: dict[Gram, float]
    log10_weights: dict[Gram, float]

    @property
    def vocabulary(self) -> list[str]:
        """The words, in the order of the file."""
        return [gram[0] for gram in self.log10_probabilities if len(gram) == 1]

    def log10_probability(self, word: str, history: Sequence[str]) -> float:
        """The base-10 logarithm of a word's probability after the words of a history, of any length."""
        context = tuple(history)[max(0, len(history) - self.order + 1) :]
        log10_weight = 0.0
        while context and (*context, word) not in self.log10_probabilities:
            log10_weight += self.log10_weights.get(context, 0.0)
            context = context[1:]
        return log10_weight + self.log10_probabilities[(*context, word)]

    def log10_probabilities_of(self, words: Sequence[str]) -> list[float]:
        """The base-10 logarithms of each word's probability after all words before it."""
        return [self.log10_probability(word, words[:place]) for place, word in enumerate(words)]


def read_arpa(text: str) -> ArpaModel:
    """Returns the model in an ARPA file's text.

    Raises:
        AssertionError: the text breaks a rule of the format.
    """
    lines = iter(text.split("\n"))
    assert next(lines) == "\\data\\"
    counts = {}
    for line in _until_blank(lines):
        match = re.fullmatch(r"ngram ([0-9]+)=([0-9]+)", line)
        assert match, line
        counts[int(match[1])] = int(match[2])
    order = len(counts)
    assert list(counts) == list(range(1, order + 1))
    probabilities: dict[Gram, float] = {}
    weights: dict[Gram, float] = {}
    for length, count in counts.items():
        assert next(lines) == f"\\{length}-grams:"
        before = len(probabilities)
        for line in _until_blank(lines):
            probability, words, *weight = line.split("\t")
            gram = tuple(words.split(" "))
            assert len(gram) == length and all(gram), line
            assert gram not in probabilities, line
            assert float(probability) <= 0, line
            probabilities[gram] = float(probability)
            if weight:
                assert len(weight) == 1, line
                assert length < order or float(weight[0]) == 0, line  # nothing backs off to the longest grams
                weights[gram] = float(weight[0])
        assert len(probabilities) - before == count
    assert list(lines) == ["\\end\\", ""]
    for gram in probabilities:
        # Both are asked for by readers that keep grams in a trie: each gram's context, and its shorter self.
        assert len(gram) == 1 or {gram[:-1], gram[1:]} <= probabilities.keys(), gram
    return ArpaModel(order, probabilities, weights)


def _until_blank(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line:
            return
        yield line
