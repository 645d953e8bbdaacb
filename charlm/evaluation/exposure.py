"""Exposure bias: what becomes of a model's predictions when it reads its own output instead of a true text."""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlm.models.base import OWN, LanguageModel
from charlm.models.ngram import NgramLanguageModel


@dataclass(frozen=True)
class Exposure:
    """Means over many places of a text, by position after the prefix, in nats.

    Attributes:
        forced: of the true symbol, when all symbols before it were true, too.
        free: of the true symbol, when those after the prefix were the model's own.
        own: of the model's own symbol under the judge, an n-gram model of the training text.
        true: of the true symbol under the judge.
    """

    forced: tuple[float, ...]
    free: tuple[float, ...]
    own: tuple[float, ...]
    true: tuple[float, ...]


@torch.inference_mode()
def measure_exposure(
    model: LanguageModel, judge: NgramLanguageModel, texts: Tensor, *, prefix: int, generator: torch.Generator
) -> Exposure:
    """Returns how losses go on with the position when a model reads what it drew itself.

    Two curves are of the model's own predictions of the true text: `forced` and `free` part at the second
    position, and `free` rises towards what is lost when a text is not known at all (Bengio et al. 2015 train
    against it). Two are of the quality of what is drawn, judged by a model that is not the one that drew: where
    `own` rises with the position and `true` does not, errors add up (as He et al. 2021 ask whether they do).

    Args:
        texts: true symbols, int64 `[prefix + positions, texts]`, on the CPU, as is the model.
        prefix: how many of them are read before.
        generator: of what is drawn.
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
        free.append(-float(log_probabilities.gather(-1, target[:, None]).mean()))
        drawn = torch.multinomial(log_probabilities.exp(), 1, generator=generator)[:, 0]
        nats, judge_state = judge.nats(symbols[None], drawn[None], judge_state)
        own.append(float(nats[OWN].mean()))
        symbols = drawn
    return Exposure(forced, tuple(free), tuple(own), true)


def _means(model: LanguageModel, tokens: Tensor, targets: Tensor, state: tuple[Tensor, ...]) -> tuple[float, ...]:
    nats, _ = model.nats(tokens, targets, state)
    return tuple(nats[OWN].mean(dim=1).tolist())
