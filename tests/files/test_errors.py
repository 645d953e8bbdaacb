from pathlib import Path

import pytest

from charlm.errors import CheckpointError, DataError
from charlm.files.errors import UntrustedFileError, os_errors_as, read_errors_as


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device"), "Cannot write 'a': No space left on device. Free some."),
        (OSError("of a library"), "Cannot write 'a': of a library. Free some."),
    ],
)
def test_the_reason_stands_between_the_problem_and_the_remedy(error: OSError, sentence: str):
    with pytest.raises(DataError) as raised, os_errors_as(DataError, "Cannot write 'a'", remedy="Free some."):
        raise error
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UntrustedFileError("is not a file"), "'a' is no run: it is not a file."),
        (PermissionError(13, "Permission denied"), "Cannot read 'a': Permission denied."),
    ],
)
def test_a_refused_file_is_told_from_one_that_cannot_be_read(error: Exception, sentence: str):
    with pytest.raises(CheckpointError) as raised, read_errors_as(CheckpointError, Path("a"), refusal="is no run"):
        raise error
    assert str(raised.value) == sentence
