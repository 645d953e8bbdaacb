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
from charlm.evaluation.spans import has_spans, score_spans
from charlm.evaluation.tagging import tag_segments, tag_symbols
from charlm.runs.evaluate.measured import OWN, Examined, Measured, summarise

USUAL_TAG = "each character's usual tag"

_RESAMPLES = 200
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
        self._characters = self._tokens = (0, 0)
        self._spans: list[Hits] = []
        for (_, example), known in zip(examples, rows, strict=True):
            segments = parse_segments(example.said)
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
            self._characters = _added(self._characters, sum(hits), sum(lengths))
            whole = sum(hit == length for hit, length in zip(hits, lengths, strict=True))
            self._tokens = _added(self._tokens, whole, len(tokens))
        self.score = score_labels(self.true, predicted)

    def measures(self) -> dict[str, Any]:
        """Returns the measures by name."""
        tokens, characters = Share(*self._tokens), Share(*self._characters)
        found = {
            **summarise(self.score),
            "accuracy": tokens.value,
            "interval": list(tokens.interval),
            "examples": tokens.trials,
            "character_accuracy": characters.value,
            "token_accuracy": tokens.value,
        }
        if self._spans and has_spans(self.true):
            spans = sum(self._spans, Hits(0, 0, 0))
            low, high = _resampled(self._spans)
            found |= {"span_precision": spans.precision, "span_recall": spans.recall, "span_f1": spans.f1}
            found["span_f1_interval"] = [low, high]
        return found


def _added(share: tuple[int, int], hits: int, trials: int) -> tuple[int, int]:
    return share[0] + hits, share[1] + trials


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
        tags = np.array([tokenizer.number_of(tag) for tag in _expanded(parse_segments(example.said))])
        np.add.at(counts, (inputs[1:], tags), 1.0)
    known = counts[:, :-1]
    logarithms: NDArray[np.float64] = np.log(known / known.sum(axis=1, keepdims=True))
    return logarithms


def _resampled(spans: Sequence[Hits]) -> tuple[float, float]:
    """Returns a 95 % interval of the spans' F1: of sentences drawn with replacement (Efron 1979)."""
    counts = np.array([(each.true, each.predicted, each.hits) for each in spans])
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(counts), size=(_RESAMPLES, len(counts)))
    scores = [Hits(*counts[each].sum(axis=0).tolist()).f1 for each in drawn]
    low, high = np.quantile(scores, (0.025, 0.975))
    return float(low), float(high)
