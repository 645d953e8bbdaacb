"""How often tags are right: of characters, of tokens, and of whole spans."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.segments import Segment, parse_segments
from charlm.data.examples.stored import StoredExample
from charlm.data.tokenizers.tags import TagTokenizer
from charlm.evaluation.accuracy import Share, score_labels
from charlm.evaluation.hits import Hits
from charlm.evaluation.resampling import divided, interval_of, quotient
from charlm.evaluation.spans import has_spans, score_spans
from charlm.evaluation.tagging import tag_segments, tag_symbols
from charlm.runs.evaluate.measured import OWN, Examined, Measured, summarise

USUAL_TAG = "each character's usual tag"

_ADDED = 0.1


def measure_tags(examined: Examined) -> Measured:
    """Returns the shares of right tags, as `Measure` says, beside each character's usual tag.

    Where the tokens of a text are known, as in columns, a token gets one tag; elsewhere each symbol does, and a token
    is right if all of it is.
    """
    tokenizer = examined.labeller.tokenizer
    assert isinstance(tokenizer, TagTokenizer)
    inputs = [each.inputs for each in examined.examples]
    rows = [each[1:] for each in examined.labeller.log_probabilities(inputs, advance=examined.advance)]
    are_known = not examined.labeller.data.is_builtin
    own = _Tagged(examined.examples, rows, tokenizer, are_known=are_known)
    models = {OWN: own.measures()}
    train = examined.train()
    if train is not None:
        table = _usual_tags(train, tokenizer)
        usual = [table[each[1:]] for each in inputs]
        models[USUAL_TAG] = _Tagged(examined.examples, usual, tokenizer, are_known=are_known).measures()
    unknown = tuple(sorted(set(own.true) - set(tokenizer.labels)))
    return Measured(models, own.score.rows, own.score.confusion, unknown)


class _Tagged:
    """The tags of examples beside those that are predicted.

    Labels are compared token by token where tokens are known, else symbol by symbol.
    """

    def __init__(
        self,
        examples: Sequence[StoredExample],
        rows: Sequence[NDArray[np.floating[Any]]],
        tokenizer: TagTokenizer,
        *,
        are_known: bool,
    ) -> None:
        self.true: list[str] = []
        predicted: list[str] = []
        self._characters: list[tuple[int, int]] = []
        self._tokens = (0, 0)
        self._spans: list[Hits] = []
        for (_, example), known in zip(examples, rows, strict=True):
            segments = parse_segments(example.target)
            tokens = [segment for segment in segments if segment.tag is not None]
            true = [tag for _, tag in tokens if tag is not None]
            if not tokens:
                continue
            if are_known:
                found = tag_segments(known, segments, tokenizer)
                hits = [length * (one == other) for (length, one), other in zip(tokens, found, strict=True)]
                self._spans.append(score_spans(true, found))
            else:
                symbols = _expanded(segments)
                guesses = tag_symbols(known, tokenizer)
                hits = _hits(segments, symbols, guesses)
                true, found = symbols, guesses
            self.true += true
            predicted += found
            lengths = [length for length, _ in tokens]
            self._characters.append((sum(hits), sum(lengths)))
            whole = sum(hit == length for hit, length in zip(hits, lengths, strict=True))
            self._tokens = self._tokens[0] + whole, self._tokens[1] + len(tokens)
        self.score = score_labels(self.true, predicted)

    def measures(self) -> dict[str, Any]:
        """Returns the measures by name."""
        tokens = Share(*self._tokens)
        characters = Share(sum(hits for hits, _ in self._characters), sum(length for _, length in self._characters))
        found = {
            **summarise(self.score),
            "accuracy": tokens.value,
            "interval": list(tokens.interval),
            "examples": tokens.trials,
            "character_accuracy": characters.value,
            "character_accuracy_interval": list(interval_of(self._characters or [(0, 0)], quotient)),
            "token_accuracy": tokens.value,
        }
        if self._spans and has_spans(self.true):
            spans = sum(self._spans, Hits(0, 0, 0))
            counts = [(each.hits, each.predicted, each.true) for each in self._spans]
            for name, value, measure in (
                ("span_precision", spans.precision, quotient),
                ("span_recall", spans.recall, lambda sums: divided(sums[:, 0], sums[:, 2])),
                ("span_f1", spans.f1, lambda sums: divided(2 * sums[:, 0], sums[:, 1] + sums[:, 2])),
            ):
                found |= {name: value, f"{name}_interval": list(interval_of(counts, measure))}
        return found


def _expanded(segments: Sequence[Segment]) -> list[str]:
    return [tag or "" for length, tag in segments for _ in range(length)]


def _hits(segments: Sequence[Segment], true: Sequence[str], found: Sequence[str]) -> list[int]:
    """Returns how many symbols of each token are right."""
    hits, start = [], 0
    for length, tag in segments:
        if tag is not None:
            hits.append(sum(true[place] == found[place] for place in range(start, start + length)))
        start += length
    return hits


def _usual_tags(train: Sequence[StoredExample], tokenizer: TagTokenizer) -> NDArray[np.float64]:
    """Returns the log-probability of each tag for each symbol, `[vocabulary, labels]`, as counted in training."""
    counts = np.full((tokenizer.vocabulary_size, len(tokenizer.labels) + 1), _ADDED)
    for inputs, example in train:
        tags = np.array([tokenizer.number_of(tag) for tag in _expanded(parse_segments(example.target))])
        np.add.at(counts, (inputs[1:], tags), 1.0)
    known = counts[:, :-1]
    logarithms: NDArray[np.float64] = np.log(known / known.sum(axis=1, keepdims=True))
    return logarithms
