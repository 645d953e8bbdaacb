"""Small files with a bit flipped, or cut at a byte, read again: thousands of them in a process of their own."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from charlm.checkpointing.container import read_container
from charlm.checkpointing.metrics import read_lines
from charlm.checkpointing.run_folder import RunFolder
from charlm.data.corpus import open_cached
from charlm.data.tokenizers.build import from_json
from charlm.errors import CharlmError
from charlm.files.errors import UntrustedFileError
from charlm.files.parsing import parse_json
from tests.support.quick_commands import problem_of, reuse_parser, run_here

LONGEST_SENTENCE = 1000
COMMANDS = ("verify one --json", "info one --json", "sample one --length 5 --seed 1")


def damages(content: bytes, *, every: int, seed: str) -> Iterator[tuple[str, bytes]]:
    """Yields a content with each bit flipped, and cut at each byte; or a drawn part of these, one in `every`."""
    chance = random.Random(seed)
    for place in range(len(content)):
        for bit in range(8):
            if chance.randrange(every) == 0:
                flipped = bytes([content[place] ^ 1 << bit])
                yield f"bit {bit} of byte {place} flipped", content[:place] + flipped + content[place + 1 :]
        if chance.randrange(every) == 0:
            yield f"cut at byte {place}", content[:place]


def sweep(reader: str, path: str, every: int, commands_every: int, seed: str) -> dict[str, Any]:
    """Reads each damaged form of a file, and runs a command on some of those that reading accepts.

    Args:
        reader: a key of `READERS`.
        path: the file, in this folder.
        every: one in so many damages is tried.
        commands_every: a command is run on one in so many of those that are accepted.
        seed: chooses them.

    Returns:
        How many were `read`, `accepted` and had `commands` run on them, and the `problems`.
    """
    reuse_parser()
    file = Path(path)
    content = file.read_bytes()
    chance = random.Random(f"{seed}/commands")
    tried, accepted, commands, problems = 0, 0, 0, []
    for name, damaged in damages(content, every=every, seed=seed):
        file.write_bytes(damaged)
        tried += 1
        try:
            READERS[reader](file)
        except (CharlmError, UntrustedFileError) as error:
            if len(str(error)) > LONGEST_SENTENCE or "\n" in str(error):
                problems.append(f"{path}: {name}: not a sentence: {str(error)[:LONGEST_SENTENCE]}")
            continue
        except BaseException as error:
            problems.append(f"{path}: {name}: {type(error).__name__}: {str(error)[:LONGEST_SENTENCE]}")
            continue
        accepted += 1
        if reader in CHECKSUMMED:
            problems.append(f"{path}: {name}: taken for what was written")
        if chance.randrange(commands_every) == 0:
            command = COMMANDS[commands % len(COMMANDS)]
            commands += 1
            problem = problem_of(command, run_here(command))
            if problem is not None:
                problems.append(f"{path}: {name}: {command}: {problem}")
    file.write_bytes(content)
    return {"read": tried, "accepted": accepted, "commands": commands, "problems": problems}


def _read_tokenizer(path: Path) -> None:
    tokenizer = from_json(parse_json(path.read_bytes()))
    tokenizer.decode(tokenizer.encode("the cat").tolist())


def _read_corpus(path: Path) -> None:
    if open_cached(path.parents[2], path.parent.name) is None:
        raise UntrustedFileError("is not whole")


def _read_metrics(path: Path) -> None:
    records = [record for _, record in read_lines(path)]
    # A flipped line end joins two lines.
    assert records.count(None) <= 2, f"{records.count(None)} damaged lines"


def _read_checkpoint(path: Path) -> None:
    read_container(path)


def _read_config(path: Path) -> None:
    RunFolder(path.parent).read_config()


READERS: dict[str, Callable[[Path], object]] = {
    "checkpoint": _read_checkpoint,
    "config": _read_config,
    "corpus": _read_corpus,
    "metrics": _read_metrics,
    "tokenizer": _read_tokenizer,
}
CHECKSUMMED = ("checkpoint", "corpus")
"""Where nothing that is damaged is accepted."""
