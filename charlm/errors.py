"""The errors that charlm raises for the people who use it: one sentence each, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager


class CharlmError(Exception):
    """Something a user can mend: the message says what is wrong, where, and what to do."""


class ConfigError(CharlmError):
    """A setting is unknown, out of range, or contradicts another one."""


class DataError(CharlmError):
    """A text is missing, unreadable, too short, or has changed."""


class CheckpointError(CharlmError):
    """A run or checkpoint is missing, damaged, foreign, or would be overwritten."""


class DistributedError(CharlmError):
    """The processes of a training cannot work together, or one of them has ended.

    An error of any class without words is one that another process tells.
    """


class TrainingError(CharlmError):
    """Training could not go on: not finite, or out of memory. The last good checkpoint is kept."""


class NotFiniteError(TrainingError):
    """Losses, gradients, weights or outputs are not finite numbers."""


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that there is not enough memory, on whichever device."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # torch's allocator for the CPU has no error class of its own.
    return isinstance(error, RuntimeError) and any(
        sign in str(error) for sign in ("allocate memory", "not enough memory", "bad_alloc")
    )


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Raises a lack of memory in the block as a TrainingError, a sentence on what to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            "Out of memory; every checkpoint written so far is kept. Lower --batch-size, --sequence-length or "
            "--hidden-size, or raise --accumulation; when sampling, lower --num-samples."
        ) from error
