"""charlm decompress on damaged and forged files: called in a process of its own, which does a few thousand of them."""

import random
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from charlm.compression.container import Header, read_blocks, read_header, write_block, write_header
from charlm.compression.packing import pack
from tests.support.quick_commands import problem_of, reuse_parser, run_here
from tests.support.tale import write_tale

FILE = Path("letter.txt.charlm")
COMMAND = f"decompress {FILE} -o back --run one --force --quiet"
NUMBERS = (0, 1, 2, 7, 255, 256, 1 << 17, 1 << 18, (1 << 18) + 1, 1 << 22, (1 << 31) - 1, (1 << 32) - 1)
BYTES = (b"", b"\0", b"\xff" * 8, bytes(4096), pack(b""), pack(b"\xff" * 64), pack(bytes(4 << 20)), pack(b"\1\0\0\0"))


def attack(seed: int) -> dict[str, Any]:
    """Makes a run and a compressed file, and decompresses all that can be made of the file.

    Returns:
        How many were `flipped`, `cut` and `forged`, and the `problems`.
    """
    warnings.simplefilter("ignore")
    reuse_parser()
    text = write_tale(Path("tale.txt")).read_text()
    assert run_here("train tale.txt --name one --model ngram --order 3 --quiet").code == 0
    FILE.with_suffix("").write_text(text[-300:].replace("cat", "c\u00e4t"), newline="\r\n")
    assert run_here(f"compress one {FILE.with_suffix('')} --streams 2 --quiet").code == 0
    whole, original = FILE.read_bytes(), FILE.with_suffix("").read_bytes()
    kinds = {"flipped": _flipped(whole), "cut": _cut(whole), "forged": _forged(whole, random.Random(seed))}
    counts, problems = dict.fromkeys(kinds, 0), []
    for kind, contents in kinds.items():
        for content in contents:
            FILE.write_bytes(content)
            told = run_here(COMMAND)
            counts[kind] += 1
            problem = problem_of(COMMAND, told)
            # Some of what is forged makes no difference, such as the name of the run.
            if problem is None and told.code == 0 and (kind != "forged" or Path("back").read_bytes() != original):
                problem = "decompressed, although it is not what was written"
            if problem is not None:
                problems.append(f"{kind} {counts[kind]}: {problem}")
    return {**counts, "problems": problems}


def _flipped(whole: bytes) -> Iterator[bytes]:
    for place in range(len(whole)):
        for bit in range(8):
            yield whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]


def _cut(whole: bytes) -> Iterator[bytes]:
    for place in range(len(whole)):
        yield whole[:place]
        yield whole[:place] + bytes(len(whole) - place)


def _forged(whole: bytes, rng: random.Random) -> Iterator[bytes]:
    """Yields files with right checksums in which one or two values are others."""
    path = FILE.with_name("whole")
    path.write_bytes(whole)
    with path.open("rb") as file:
        header = read_header(file)
        (block,) = read_blocks(file, header)
    for _ in range(2000):
        changes = {name: _other(name, getattr(block, name), rng) for name in rng.choices(block._fields, k=2)}
        forged = block._replace(**changes) if rng.random() < 0.8 else block
        yield write_header(_other_header(header, rng) if forged is block else header) + write_block(forged)


def _other(name: str, value: Any, rng: random.Random) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return rng.choice(NUMBERS) % 256 if name == "line_end" else rng.choice((*NUMBERS, value + 1))
        case bytes():
            return rng.choice((*BYTES, value[:-4], value + value, rng.randbytes(len(value))))
        case list():
            return [rng.choice((*NUMBERS, number, number + 1)) for number in value]
    raise AssertionError(name)


def _other_header(header: Header, rng: random.Random) -> Header:
    return replace(
        header,
        num_bytes=rng.choice((*NUMBERS, header.num_bytes, (1 << 63))),
        num_streams=rng.choice((0, 1, 2, 8, 9, 255)),
        encoding=rng.choice(("utf-8", "utf-16", "punycode", "rot13", "", "x" * 300)),
        run=rng.choice((header.run, "../one", "\x1b[2J", "/dev/zero")),
        sha256=rng.choice((header.sha256, bytes(32))),
    )
