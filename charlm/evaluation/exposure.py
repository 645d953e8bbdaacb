"""Exposure bias: the loss of a model that reads its own output instead of the true text."""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlm.errors import CharlmError
from charlm.models.base import OWN, LanguageModel
from charlm.models.ngram import NgramLanguageModel


@dataclass(frozen=True)
class Exposure:
    """Mean losses by position after the prefix, in nats; each is a mean over many places of a text.

    Attributes:
        forced: loss of the true symbol when the model reads the true text (teacher forcing).
        free: loss of the true symbol when the model reads its own output after the prefix (free running).
        own: loss of the model's own symbol under the judge, an n-gram model of the training text.
        true: loss of the true symbol under the judge.
    """

    forced: tuple[float, ...]
    free: tuple[float, ...]
    own: tuple[float, ...]
    true: tuple[float, ...]


@torch.inference_mode()
def measure_exposure(
    model: LanguageModel, judge: NgramLanguageModel, texts: Tensor, *, prefix: int, generator: torch.Generator
) -> Exposure:
    """Returns the losses at each position when a model reads the true text, and when it reads its own output.

    Two curves are the model's loss on the true text. `forced` and `free` are equal at the first position; from the
    second on, `free` rises towards the loss without any knowledge of the text (Bengio et al. 2015 train against
    this). Two curves are the quality of texts under another model, the judge. Errors accumulate if `own` rises with
    the position and `true` does not (He et al. 2021 examine whether they do).

    Args:
        model: the model, on the CPU.
        judge: the n-gram model that scores the model's output.
        texts: true symbols, int64 `[prefix + positions, texts]`, on the CPU.
        prefix: number of symbols that are read first.
        generator: source of the drawn symbols.
    """
    num_texts = texts.shape[1]
    start, following = texts[: prefix - 1], texts[prefix:]
    state = model.initial_state(num_texts)
    judge_state = judge.initial_state(num_texts)
    if prefix > 1:
        _, state = model(start, state)
        _, judge_state = judge(start, judge_state)
    forced = _means(model, texts[prefix - 1 : -1], following, state)
    true = _means(judge, texts[prefix - 1 : -1], following, judge_state)
    free, own = [], []
    symbols = texts[prefix - 1]
    for target in following:
        logits, state = model(symbols[None], state)
        log_probabilities = logits[0].float().log_softmax(dim=-1)
        if not log_probabilities.isfinite().all():
            raise CharlmError("The model's output is not finite, so no text can be drawn from it; train it again.")
        free.append(-float(log_probabilities.gather(-1, target[:, None]).mean()))
        drawn = torch.multinomial(log_probabilities.exp(), 1, generator=generator)[:, 0]
        nats, judge_state = judge.nats(symbols[None], drawn[None], judge_state)
        own.append(float(nats[OWN].mean()))
        symbols = drawn
    return Exposure(forced, tuple(free), tuple(own), true)


def _means(model: LanguageModel, tokens: Tensor, targets: Tensor, state: tuple[Tensor, ...]) -> tuple[float, ...]:
    nats, _ = model.nats(tokens, targets, state)
    return tuple(nats[OWN].mean(dim=1).tolist())
