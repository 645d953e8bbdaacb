"""What a model says while it is trained: a text; or labels and answers of held-out examples, a line each."""

from collections.abc import Callable
from itertools import islice
from pkgutil import resolve_name

import numpy as np
import torch

from charlm.config import RunConfig, SamplingConfig
from charlm.data.corpus import EncodedCorpus
from charlm.data.examples.stored import StoredExample, stored_examples
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.data.tokenizers.labels import LabelTokenizer
from charlm.data.tokenizers.tags import TagTokenizer
from charlm.data.tokenizers.targets import TargetTokenizer
from charlm.errors import NotFiniteError
from charlm.evaluation.labels import label_log_probabilities
from charlm.generation.beam import search
from charlm.generation.generator import generate_texts, sample_text
from charlm.models.base import LanguageModel, Network
from charlm.models.transducing import TransducingNetwork
from charlm.notation import shortened
from charlm.runs.stored.loading import step_model
from charlm.runs.train.setup import seeds_of
from charlm.tasks import TASKS

EXAMPLES_SHOWN = 8
"""Examples whose predictions are shown."""
LENGTH_SHOWN = 60
"""Characters of a text on a condition that are shown."""

Sample = Callable[[LanguageModel, RunConfig, EncodedCorpus, torch.device], str]
"""From a model, the settings of its run, its corpus and its device to a few lines."""


def draw_sample(
    model: LanguageModel, config: RunConfig, corpus: EncodedCorpus, device: torch.device, *, length: int
) -> str:
    """Returns a text drawn with the run's own seed for samples; of a task, a few lines of what the model says.

    It is empty where the model's output is not finite: that ends a training, or does not, by its losses.

    Args:
        length: characters of the text.
    """
    task = config.data.task
    if isinstance(model, Network):
        model.eval()
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            if task is not None:
                sample: Sample = resolve_name(TASKS[task].sample)
                return sample(model, config, corpus, device)
            engine, seed = step_model(model, config.model), seeds_of(config).samples
            return sample_text(engine, corpus.tokenizer, length=length, seed=seed)
    except NotFiniteError:
        return ""


def sample_labels(model: LanguageModel, config: RunConfig, corpus: EncodedCorpus, device: torch.device) -> str:
    """Returns a few examples with their likeliest labels."""
    tokenizer = corpus.tokenizer
    assert isinstance(model, Network)
    assert isinstance(tokenizer, LabelTokenizer | TagTokenizer)
    chosen = _chosen(corpus, tokenizer)
    known = label_log_probabilities(model, [each.inputs for each in chosen], device=device)
    return "\n".join(tokenizer.show(each.example, rows) for each, rows in zip(chosen, known, strict=True))


def sample_answers(model: LanguageModel, config: RunConfig, corpus: EncodedCorpus, device: torch.device) -> str:
    """Returns a few examples with their likeliest answers, and the true ones where they are others."""
    tokenizer = corpus.tokenizer
    assert isinstance(model, TransducingNetwork)
    assert isinstance(tokenizer, TargetTokenizer)
    chosen = _chosen(corpus, tokenizer)
    inputs = [each.inputs for each in chosen]
    lines = []
    for (_, example), found in zip(
        chosen, search(model, inputs, first_label=tokenizer.first_label, beam=1, device=device), strict=True
    ):
        answer = tokenizer.name_numbers(found[0].labels)
        truth = "" if answer == example.target else f" (it is {example.target})"
        lines.append(f"{shortened(example.input)}: {answer}{truth}")
    return "\n".join(lines)


def sample_texts(model: LanguageModel, config: RunConfig, corpus: EncodedCorpus, device: torch.device) -> str:
    """Returns a short text on each of the most frequent conditions."""
    tokenizer = corpus.tokenizer
    assert isinstance(tokenizer, ConditionTokenizer)
    stepped, settings = step_model(model, config.model), SamplingConfig(length=LENGTH_SHOWN)
    seed = seeds_of(config).samples
    drawn = (
        (label, generate_texts(stepped, tokenizer.given(label), "", settings, seed=seed)[0])
        for label in tokenizer.labels[:EXAMPLES_SHOWN]
    )
    return "\n".join(f"{label}: {text}" for label, text in drawn)


def _chosen(corpus: EncodedCorpus, tokenizer: ExampleTokenizer) -> list[StoredExample]:
    """Returns a few held-out examples from all over their file, which may be sorted; or else those for training."""
    text = corpus.valid or corpus.test or corpus.train
    distance = max(1, text.num_records // EXAMPLES_SHOWN)
    return list(islice(stored_examples(text.tokens, tokenizer, step=distance), EXAMPLES_SHOWN))
