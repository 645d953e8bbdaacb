"""Beam search: the likeliest answers of a network that answers a text with a text."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.data.tokenizers.targets import END_NUMBER
from charlm.models.transducing import TransducingNetwork

_BATCH_SIZE = 64
_NORMALISATION = 0.6
_BETWEEN = 1
_SHORTEST_LIMIT, _FACTOR = 20, 3


class Hypothesis(NamedTuple):
    """An answer.

    Attributes:
        labels: the numbers of its symbols, without the end.
        log_probability: of the answer and its end.
    """

    labels: tuple[int, ...]
    log_probability: float

    @property
    def score(self) -> float:
        """The log-probability, divided by what grows with the length (Wu et al. 2016, section 7)."""
        return float(self.log_probability / ((6 + len(self.labels)) / 6) ** _NORMALISATION)


def search(
    model: TransducingNetwork,
    inputs: Sequence[NDArray[np.int64]],
    *,
    first_label: int,
    beam: int,
    device: torch.device,
    advance: Callable[[int], None] | None = None,
) -> list[list[Hypothesis]]:
    """Returns the best answers to each text, the best first, at most `beam` of them.

    An answer ends after three times as many symbols as were read, and 20 more.

    Args:
        model: in evaluation mode.
        inputs: the symbols of each text, its begin first.
        first_label: the symbol of label 0.
        advance: is given the number of texts that were answered since its last call.
    """
    found: list[list[Hypothesis]] = [[]] * len(inputs)
    order = sorted(range(len(inputs)), key=lambda number: len(inputs[number]))
    for start in range(0, len(order), _BATCH_SIZE):
        chosen = order[start : start + _BATCH_SIZE]
        answers = _search_batch(model, [inputs[number] for number in chosen], first_label, beam, device)
        for number, hypotheses in zip(chosen, answers, strict=True):
            found[number] = hypotheses
        if advance is not None:
            advance(len(chosen))
    return found


@torch.inference_mode()
def _search_batch(
    model: TransducingNetwork, inputs: Sequence[NDArray[np.int64]], first_label: int, beam: int, device: torch.device
) -> list[list[Hypothesis]]:
    """Returns the best answers to a few texts, which are searched side by side, a lane a hypothesis."""
    longest = max(map(len, inputs))
    tokens = np.zeros((longest, len(inputs)), dtype=np.int64)
    for lane, each in enumerate(inputs):
        tokens[: len(each), lane] = each
    lengths = torch.tensor([len(each) for each in inputs], device=device)
    memory, state = model.encode(torch.from_numpy(tokens).to(device), lengths)
    memory, lengths = memory.repeat_interleave(beam, dim=1), lengths.repeat_interleave(beam)
    state = tuple(part.repeat_interleave(beam, dim=1) for part in state)
    num_lanes = len(inputs) * beam
    previous = torch.full((1, num_lanes), _BETWEEN, device=device)
    totals = torch.full((len(inputs), beam), -torch.inf, device=device)
    totals[:, 0] = 0.0
    written = np.zeros((num_lanes, 0), dtype=np.int64)
    done: list[list[Hypothesis]] = [[] for _ in inputs]
    for _ in range(_FACTOR * longest + _SHORTEST_LIMIT):
        logits, state = model.decode(previous, memory, state, lengths)
        known = logits[0].float().log_softmax(dim=-1).view(len(inputs), beam, -1)
        num_labels = known.shape[-1]
        values, places = (totals[..., None] + known).flatten(1).topk(min(2 * beam, beam * num_labels), dim=1)
        lanes, labels = places // num_labels, places % num_labels
        kept_lanes, kept_labels, kept = [], [], []
        for text in range(len(inputs)):
            rows: list[tuple[int, int, float]] = []
            ranked = zip(values[text].tolist(), lanes[text].tolist(), labels[text].tolist(), strict=True)
            for value, lane, label in ranked:
                if label == END_NUMBER:
                    if value > -np.inf:
                        done[text].append(Hypothesis(tuple(written[text * beam + lane].tolist()), value))
                elif len(rows) < beam:
                    rows.append((text * beam + lane, label, value))
            rows += [(text * beam, 0, -np.inf)] * (beam - len(rows))
            for lane, label, value in rows:
                kept_lanes.append(lane)
                kept_labels.append(label)
                kept.append(value)
        if all(_is_settled(done[text], kept[text * beam], beam) for text in range(len(inputs))):
            break
        chosen = torch.tensor(kept_lanes, device=device)
        state = tuple(part[:, chosen] for part in state)
        written = np.concatenate([written[kept_lanes], np.array(kept_labels)[:, None]], axis=1)
        totals = torch.tensor(kept, device=device).view(len(inputs), beam)
        previous = (torch.tensor(kept_labels, device=device) + first_label)[None]
    return [sorted(each, key=lambda hypothesis: -hypothesis.score)[:beam] or [Hypothesis((), -np.inf)] for each in done]


def _is_settled(done: Sequence[Hypothesis], best_open: float, beam: int) -> bool:
    """Returns whether there are enough answers, the best of them likelier than any that is still open."""
    return len(done) >= beam and max(each.log_probability for each in done) > best_open
