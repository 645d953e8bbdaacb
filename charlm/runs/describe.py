"""A run in words: its text, its model, its training and its machine."""

from typing import TYPE_CHECKING

import numpy as np

from charlm.config import RunConfig
from charlm.data.tokenizers.examples import UNKNOWN_LABEL, ExampleTokenizer
from charlm.data.tokenizers.targets import END
from charlm.notation import counted
from charlm.tasks import unit_of
from charlm.training.pace import shortened_warmup

if TYPE_CHECKING:
    import torch

    from charlm.data.batches import Batches
    from charlm.data.corpus import EncodedCorpus
    from charlm.data.encoder import EncodedText

_LABELS_SHOWN = 8


def describe_model(config: RunConfig, *, parameters: int) -> str:
    """Returns one line on the model."""
    model = config.model
    if model.model == "ngram":
        return f"n-grams up to order {model.order}, {model.smoothing} smoothing, {parameters:,} grams"
    extras = [
        f"dropout {model.dropout:g}" if model.dropout else "",
        "read in both directions" if model.direction == "both" else "",
        "n-grams weighed beside" if model.label_ngrams == "hashed" else "",
        "residual" if model.residual and (model.num_layers > 1 or model.embedding_size == model.hidden_size) else "",
        "layer norm" if model.layer_norm else "",
        "tied weights" if model.tie_weights else "",
        ""
        if model.mixed_order is None
        else f"mixed with n-grams up to order {model.mixed_order}, {model.known_mixing}",
    ]
    kind = f"{model.nonlinearity} {model.cell}" if model.cell in ("rnn", "jordan") else model.cell
    is_mlp = model.model == "mlp"
    layer = "hidden layer" if is_mlp else f"{kind} layer"
    parts = [
        f"{counted(model.num_layers, layer)} of {counted(model.hidden_size, 'unit')}",
        f"a window of {counted(model.window, 'symbol')}" if is_mlp else "",
        f"embedding {model.embedding_size}",
        *extras,
        f"{parameters:,} parameters",
    ]
    return ", ".join(filter(None, parts))


def name_model(config: RunConfig) -> str:
    """Returns the model in a few words, such as 'lstm 2 x 512'."""
    model = config.model
    if model.model == "ngram":
        return f"{model.order}-gram"
    kind = "mlp" if model.model == "mlp" else model.cell
    mix = "" if model.mixed_order is None else f" + {model.mixed_order}-gram"
    return f"{kind} {model.num_layers} x {model.hidden_size}{mix}"


def describe_corpus(corpus: "EncodedCorpus") -> list[tuple[str, str]]:
    """Returns the rows on the text, its vocabulary and its split."""
    parts = {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}
    present = {name: part for name, part in parts.items() if part is not None}
    tokenizer = corpus.tokenizer
    total = sum(part.num_characters for part in present.values())
    size = sum(part.num_bytes for part in present.values())
    num_records = sum(part.num_records for part in present.values())
    are_examples = isinstance(tokenizer, ExampleTokenizer)
    record = "example" if are_examples else "record"
    records = "" if tokenizer.begin is None else f", {counted(num_records, record)}"
    sizes = ", ".join(
        f"{name} {part.num_records if are_examples else part.num_characters:,}" for name, part in present.items()
    )
    rows = [
        ("corpus", f"{corpus.label}: {counted(total, 'character')}, {counted(size, 'byte')}{records}"),
        ("vocabulary", f"{counted(tokenizer.vocabulary_size, 'symbol')} ({tokenizer.kind})"),
        ("split", f"{corpus.split}: {sizes}" + (" examples" if are_examples else "")),
    ]
    if isinstance(tokenizer, ExampleTokenizer):
        label = "condition" if tokenizer.outputs is None else unit_of(tokenizer.task)
        rows += [(f"{label}s, {name}", _label_counts(part, tokenizer)) for name, part in present.items()]
    unknown = [f"{name} {part.num_unknown:,}" for name, part in present.items() if part.num_unknown]
    if unknown:
        rows.append(("unknown characters", f"{', '.join(unknown)} (never seen in training; charged in every score)"))
    return rows


def describe_training(
    config: RunConfig, batches: "Batches", *, origin: str, is_estimate: bool
) -> list[tuple[str, str]]:
    """Returns the rows on batches, length and optimizer.

    Args:
        origin: where the number of steps comes from.
        is_estimate: whether that number changes on the way.
    """
    training = config.training
    fewer = "" if batches.num_lanes == training.batch_size else f" (not {training.batch_size}: the text is short)"
    assert training.steps is not None
    assert training.learning_rate is not None
    steps = f"{'about ' if is_estimate else ''}{counted(training.steps, 'step')}"
    epochs = training.steps / batches.windows_per_epoch
    read = counted(round(epochs) if epochs >= 100 else float(f"{epochs:.3g}"), "epoch")
    rate, last_rate = training.learning_rate, training.learning_rate * training.final_learning_rate
    warmup = shortened_warmup(training.warmup_steps, total_steps=training.steps)
    evaluations = counted(min(training.evaluations, training.steps), "evaluation")
    if config.data.task is not None:
        windows = f"{counted(batches.num_lanes, 'example')}{fewer}"
    else:
        lane, carried = ("record", "") if config.data.are_records else ("lane", ", state carried")
        windows = f"{counted(batches.num_lanes, lane)}{fewer} x {counted(training.sequence_length, 'symbol')}{carried}"
    return [
        ("batches", f"{windows}, {counted(batches.windows_per_epoch, 'step')} an epoch"),
        ("length", f"{steps}, {read} ({origin}), {evaluations}"),
        (
            "optimizer",
            f"AdamW, learning rate {rate:g} after {counted(warmup, 'warm-up step')}, cosine to {last_rate:g}, "
            f"weight decay {training.weight_decay:g}, {_clipping(config)}",
        ),
    ]


def describe_machine(device: "torch.device", precision: str, *, threads: int | None, processes: int) -> str:
    """Returns one line on what computes."""
    together = f", {processes} processes" if processes > 1 else ""
    if device.type == "cuda":
        import torch

        return f"{torch.cuda.get_device_name(device)}{together}, {precision}"
    if device.type == "cpu":
        each = " each" if together else ""
        return f"cpu{together}, {threads} {'thread' if threads == 1 else 'threads'}{each}, {precision}"
    return f"{device.type}{together}, {precision}"


def _clipping(config: RunConfig) -> str:
    training = config.training
    if training.clip_value is not None:
        return f"gradient clipped to ±{training.clip_value:g}"
    return f"gradient norm clipped to {training.clip_norm:g}" if training.clip_norm else "no clipping"


def _label_counts(part: "EncodedText", tokenizer: ExampleTokenizer) -> str:
    """Returns the most frequent labels of a part with their counts, and how many others there are."""
    counts = np.zeros(tokenizer.vocabulary_size, dtype=np.int64)
    for piece in part.tokens.pieces():
        counts += np.bincount(piece, minlength=tokenizer.vocabulary_size)
    found = zip((*tokenizer.labels, UNKNOWN_LABEL), tokenizer.label_counts(counts).tolist(), strict=True)
    ranked = sorted((each for each in found if each[1] and each[0] != END), key=lambda each: -each[1])
    shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:_LABELS_SHOWN])
    more = len(ranked) - _LABELS_SHOWN
    return f"{shown}, {counted(more, 'other')}" if more > 0 else shown
