"""Times the coder of charlm compress with a run's model, in both directions, and compares its size with the score.

    python benchmarks/compression.py RUN TEXT
    python benchmarks/compression.py RUN TEXT --characters 20000 --streams 1 8 --adapt

Each figure is the median of repetitions. The whole command codes the text once and decodes it once.
"""

import argparse
import io
import statistics
import time
from pathlib import Path

import numpy as np
from machine import describe_machine

from charlm.compression.codec import Coding, compressed
from charlm.compression.coder import decode, encode
from charlm.compression.container import write_block
from charlm.compression.lanes import cut_lanes
from charlm.runs.compress.models import coding_of
from charlm.runs.stored.model import read_model
from charlm.runs.stored.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("text", type=Path)
    parser.add_argument("--characters", type=int, default=20_000)
    parser.add_argument("--streams", type=int, nargs="+", default=(1, 8))
    parser.add_argument("--adapt", action="store_true", help="let the model learn from what it has coded")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, NumPy {np.__version__}")
    stored = read_model(arguments.run, Workspace())
    coding = coding_of(stored, adapts=arguments.adapt)
    text = arguments.text.read_bytes().decode()[: arguments.characters]
    for num_streams in arguments.streams:
        times = [_time_both(coding, text, num_streams=num_streams) for _ in range(arguments.repeat)]
        coding_us, decoding_us = (1e6 * statistics.median(each) / len(text) for each in zip(*times, strict=True))
        blocks = compressed(
            io.BytesIO(text.encode()), coding, encoding="utf-8", num_streams=num_streams, advance=lambda _: None
        )
        num_bytes = sum(len(write_block(block)) for block in blocks)
        print(
            f"{num_streams} streams: coding {coding_us:.1f} us a character ({1e6 / coding_us:,.0f}/s), decoding "
            f"{decoding_us:.1f} us ({1e6 / decoding_us:,.0f}/s), {num_bytes:,} bytes"
        )


def _time_both(coding: Coding, text: str, *, num_streams: int) -> tuple[float, float]:
    """Returns the seconds of coding and of decoding a text."""
    tokenizer = coding.tokenizer
    tokens = tokenizer.encode(text)
    coded = tokens if tokenizer.begin is None else tokens[tokens != tokenizer.begin]
    lanes = cut_lanes(coded, num_lanes=num_streams, end=tokenizer.end)
    writing, reading = (coding.reader(num_lanes=num_streams) for _ in range(2))
    start = time.perf_counter()
    code = encode(writing, lanes, advance=lambda _: None)
    middle = time.perf_counter()
    decode(reading, code, list(map(len, lanes)), advance=lambda _: None)
    return middle - start, time.perf_counter() - middle


if __name__ == "__main__":
    main()
