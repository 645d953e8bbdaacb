"""What a file is refused for, and the sentences that the system's refusals become."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from charlm.errors import CharlmError


class UntrustedFileError(ValueError):
    """Why a file was refused, such as "is not a file"; the caller completes the sentence."""


@contextmanager
def os_errors_as(error_class: type[CharlmError], problem: str, *, remedy: str = "") -> Iterator[None]:
    """Raises the system's errors in the block as `error_class`: the problem, the system's reason and the remedy."""
    try:
        yield
    except OSError as error:
        raise error_class(f"{problem}: {error.strerror or error}.{remedy and ' '}{remedy}") from error


@contextmanager
def read_errors_as(error_class: type[CharlmError], path: Path, *, refusal: str) -> Iterator[None]:
    """Raises the errors of reading `path` in the block as `error_class`.

    Args:
        refusal: the sentence about a file that was refused, without its name and the reason.
    """
    with os_errors_as(error_class, f"Cannot read '{path}'"):
        try:
            yield
        except UntrustedFileError as error:
            raise error_class(f"'{path}' {refusal}: it {error}.") from None
