"""Coverage-guided fuzzing of everything that reads files of others; `pip install atheris` first, Linux only.

    python tests/fuzzing/fuzz.py run|tokenizer|source [CORPUS FOLDER] [libFuzzer's options: -max_total_time=3600]

Whatever the bytes are, reading them either works or raises a CharlmError. Seeds are made on the first run.
"""

import base64
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["charlm"]):
    from charlm.checkpointing.checkpoint import Checkpoint, write_checkpoint
    from charlm.checkpointing.metrics import read_metrics
    from charlm.checkpointing.run_folder import RunFolder
    from charlm.config import DataConfig
    from charlm.data.cleaning import normalize_pieces
    from charlm.data.inputs import open_text
    from charlm.data.tokenizers.build import from_json
    from charlm.data.tokenizers.sentencepiece import train_sentencepiece
    from charlm.errors import CharlmError
    from charlm.files.errors import UntrustedFileError
    from charlm.files.parsing import parse_json
    from charlm.runs.stored.model import read_model_file
    from charlm.runs.stored.state import open_state

import numpy as np
import torch

from charlm.config import ModelConfig, RunConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.models.build import arrays_of, build_network
from charlm.stepping.build import build_step_model

PLACE = Path(tempfile.mkdtemp(prefix="fuzz-"))
SUFFIXES = (".txt", ".gz", ".bz2", ".xz", ".zst")
ENCODINGS = ("utf-8", "auto", "utf-16", "latin-1", "utf-7", "shift_jis")


def read_run(content: bytes) -> None:
    """The first byte says which file of a run the others are."""
    path = PLACE / "file"
    kind, rest = content[:1], content[1:]
    if kind == b"c":
        folder = RunFolder(PLACE)
        folder.config_file.write_bytes(rest)
        folder.read_config()
    elif kind == b"m":
        path.write_bytes(rest)
        list(read_metrics(path))
    elif kind == b"v":
        # Past the checksum, which no random change gets through: values made by the fuzzer, tensors that fit.
        values = parse_json(rest)
        if isinstance(values, dict):
            write_checkpoint(path, Checkpoint(TENSORS, values))
            _use(path)
    else:
        path.write_bytes(content)
        _use(path)


def _use(path: Path) -> None:
    with suppress(CharlmError):
        stored = read_model_file(path, name="fuzz")
        model = build_step_model(
            stored.config.model, stored.weights, vocabulary_size=stored.tokenizer.vocabulary_size, source="fuzz"
        )
        model.stepper(model.initial_state(1)).step(np.zeros(1, dtype=np.int64))
    open_state(path)


def read_tokenizer(content: bytes) -> None:
    """A tokenizer that was read encodes and decodes; after an "s", the bytes are sentencepiece's own file."""
    if content[:1] == b"s":
        stored = {"kind": "sentencepiece", "model": base64.b64encode(content[1:]).decode()}
    else:
        stored = parse_json(content)
    tokenizer = from_json(stored)
    text = "a cat\n\u00e9\U0001f600"
    tokens = tokenizer.encode(text)
    assert len(tokens) == 0 or int(tokens.max()) < tokenizer.vocabulary_size
    tokenizer.decode(tokens.tolist())


def read_source(content: bytes) -> None:
    """The first two bytes say how the others are packed and encoded."""
    if len(content) < 2:
        return
    path = PLACE / f"text{SUFFIXES[content[0] % len(SUFFIXES)]}"
    path.write_bytes(content[2:])
    data = DataConfig(corpus=(str(path),), encoding=ENCODINGS[content[1] % len(ENCODINGS)], max_bytes="1MB")
    source, _ = open_text((str(path),), data=data, folder=PLACE, stdin=None)
    first = "".join(source.chunks())
    assert first == "".join(source.chunks())
    list(normalize_pieces([first[:3], first[3:]], "NFC"))


def _example() -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    config = RunConfig.model_validate(
        {"data": {"corpus": ("a",)}, "model": {"hidden_size": 2, "embedding_size": 2, "num_layers": 1}}
    )
    tokenizer = CharTokenizer("ab")
    network = build_network(ModelConfig(**config.model.model_dump()), vocabulary_size=3)
    tensors = {f"model.{name}": torch.from_numpy(array) for name, array in arrays_of(network).items()}
    tensors["corpus.symbol_counts"] = torch.ones(3, dtype=torch.int64)
    values = {
        **{"config": config.model_dump(mode="json", exclude_none=True), "tokenizer": tokenizer.to_json()},
        **{"step": 1, "progress": {}, "trainer": {"step": 1}, "corpus": {}},
    }
    return tensors, values


TENSORS, VALUES = _example()


def _subwords() -> Tokenizer:
    return train_sentencepiece(iter(["a cat and a dog and a hen\n"] * 40), vocabulary_size=270, kind="unigram")


def seeds(target: str) -> dict[str, bytes]:
    """Returns files to begin with."""
    if target == "run":
        write_checkpoint(PLACE / "seed", Checkpoint(TENSORS, VALUES))
        return {
            "checkpoint": (PLACE / "seed").read_bytes(),
            "values": b"v" + json.dumps(VALUES).encode(),
            "config": b'c[data]\ncorpus = ["a"]\n[model]\ncell = "gru"\n',
            "metrics": b'm{"step": 1, "validation": {"total_nats": 1.0}}\n',
        }
    if target == "tokenizer":
        return {
            "char": b'{"kind": "char", "characters": "ab"}',
            "byte": b'{"kind": "byte"}',
            "records": b'{"kind": "records", "inner": {"kind": "char", "characters": "ab"}}',
            "sentencepiece": b"s" + base64.b64decode(str(_subwords().to_json()["model"])),
        }
    return {
        f"{packed}-{coded}": bytes((packed, coded)) + b"a cat\r\n\xc3\xa9" for packed in range(5) for coded in range(6)
    }


TARGETS: dict[str, Callable[[bytes], None]] = {"run": read_run, "tokenizer": read_tokenizer, "source": read_source}


def main() -> None:
    """Fuzzes one target."""
    target = sys.argv.pop(1)

    def once(content: bytes) -> None:
        with suppress(CharlmError, UntrustedFileError):
            TARGETS[target](content)

    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.argv.insert(1, str(PLACE / "corpus"))
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for name, content in seeds(target).items():
        (corpus / name).write_bytes(content)
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
