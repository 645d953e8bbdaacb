"""A training text as windows: the one place that chooses how, by what its tokenizer makes of it."""

from charlm.data.example_batches import ExampleBatches
from charlm.data.lanes import Lanes
from charlm.data.record_batches import RecordBatches
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.examples import ExampleTokenizer

Batches = Lanes | RecordBatches | ExampleBatches
"""A training text as windows, epoch after epoch without end, each a pure function of its index."""


def batch_records(
    tokens: TokenFile, tokenizer: Tokenizer, *, batch_size: int, sequence_length: int, seed: int
) -> RecordBatches | ExampleBatches | None:
    """Returns the records or examples of a text as windows; None for running text."""
    examples = batch_examples(tokens, tokenizer, batch_size=batch_size, seed=seed)
    if examples is not None:
        return examples
    if tokenizer.begin is None or tokenizer.end is None:
        return None
    return RecordBatches(
        tokens,
        begin=tokenizer.begin,
        end=tokenizer.end,
        batch_size=batch_size,
        sequence_length=sequence_length,
        seed=seed,
    )


def batch_examples(
    tokens: TokenFile, tokenizer: Tokenizer, *, batch_size: int = 64, seed: int = 0
) -> ExampleBatches | None:
    """Returns the examples of a task as windows; None where text is continued."""
    if isinstance(tokenizer, ExampleTokenizer):
        return ExampleBatches(tokens, tokenizer, batch_size=batch_size, seed=seed)
    return None
