"""Times nanoGPT's published recipe on tiny-shakespeare, and how soon charlm reaches the loss it ends at.

    python benchmarks/time_to_loss.py path/to/tinyshakespeare.txt --nanogpt path/to/nanoGPT

Both are whole processes, from start to saved checkpoint, with the same text, split and threads. charlm encodes
the text anew each time and also scores its model and draws from it before it ends, all of which counts. Its loss
is measured in two ways, each with a search of its own for the shortest training that gets there:

    own   the whole validation split as one stream, state carried (charlm eval perplexity)
    peer  cold windows of the peer's block size (charlm eval perplexity --context 64)

The peer's loss is what it printed, an estimate from a few random windows, and what its checkpoint scores on the
whole validation split in consecutive cold windows; the lower of the two has to be reached. Its time ends when
the checkpoint with its lowest loss is written. On a GPU its default config/train_shakespeare_char.py is run.
"""

import argparse
import importlib.util
import io
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine, thread_environment
from torch.nn import functional

# README.md of nanoGPT, "I only have a macbook".
PEER_ON_CPU = (
    "--device=cpu --compile=False --eval_iters=20 --log_interval=1 --block_size=64 --batch_size=12 --n_layer=4 "
    "--n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0.0"
)
PEER_FILES = ("train.py", "model.py", "configurator.py", "config/train_shakespeare_char.py")

# What reached the loss soonest of what docs/experiments.md lists; only the number of steps is searched for.
ON_CPU = (
    "--num-layers 1 --hidden-size 128 --embedding-size 64 --layer-norm --dropout 0 --learning-rate 0.03 --beta1 0.7 "
    "--batch-size 32 --sequence-length 32 --evaluations 1"
)
STEPS_ON_CPU = (200, 230, 260, 290, 320, 350, 400, 450, 500, 600, 700, 800, 1000, 1500, 2000, 4000)
# Never run where there was a GPU: a start for whoever has one.
ON_GPU = (
    "--num-layers 2 --hidden-size 768 --dropout 0.2 --learning-rate 0.01 --batch-size 128 --sequence-length 64 "
    "--evaluations 4"
)
STEPS_ON_GPU = (500, 700, 1000, 1400, 2000, 2800, 4000)

BUDGETS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60)


@dataclass(frozen=True)
class Peer:
    """What nanoGPT did: losses in nats per character."""

    seconds: float
    printed: float
    exact: float
    context: int

    @property
    def target(self) -> float:
        """The loss to reach."""
        return min(self.printed, self.exact)


@dataclass(frozen=True)
class Attempt:
    """What one training by charlm did: losses in nats per character, by its own measure and the peer's."""

    seconds: float
    own: float
    peer: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="tiny-shakespeare, as one file")
    parser.add_argument("--nanogpt", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5, help="seeds of the shortest training; their median counts")
    parser.add_argument("--settings", help="options of charlm train instead of the script's own")
    parser.add_argument(
        "--by", default="steps", choices=["steps", "budget"], help="what is searched: --steps N, or --budget Ns alone"
    )
    parser.add_argument("--peer-result", metavar="SECONDS,PRINTED,EXACT", help="of an earlier run, not to repeat it")
    arguments = parser.parse_args()
    print(describe_machine(arguments.device), f"{arguments.threads} threads", sep=", ", flush=True)
    peer = _peer(arguments)
    print(
        f"nanoGPT: {peer.seconds:.1f} s to its best checkpoint, {peer.printed:.4f} nats/char as printed, "
        f"{peer.exact:.4f} over the whole validation split in cold windows of {peer.context}",
        flush=True,
    )
    charlm = _Charlm(arguments.text.resolve(), arguments.device, arguments.threads, peer.context)
    candidates = list(_candidates(arguments))
    for measure in ("own", "peer"):
        place = _first_to_reach(peer.target, measure, candidates, charlm)
        if place is None:
            print(f"by the {measure} measure: {peer.target:.4f} was not reached")
            continue
        _report(measure, candidates[place], peer, charlm, repeat=arguments.repeat)
        # Cold windows are never easier: their search goes on from here.
        candidates = candidates[place:]


def _peer(arguments: argparse.Namespace) -> Peer:
    context = 64 if arguments.device == "cpu" else 256
    if arguments.peer_result:
        return Peer(*map(float, arguments.peer_result.split(",")), context)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _copy_peer(arguments.nanogpt, arguments.text, folder)
        options = PEER_ON_CPU.split() if arguments.device == "cpu" else []
        seconds, printed = _train_peer(folder, options, threads=arguments.threads)
        exact = _score_peer(folder, context=context, device=arguments.device)
    return Peer(seconds, printed, exact, context)


def _copy_peer(checkout: Path, text: Path, folder: Path) -> None:
    """Copies what the recipe needs, so that the checkout stays as it is, and prepares the text by its own script."""
    data = "data/shakespeare_char"
    for name in (*PEER_FILES, f"{data}/prepare.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / name, folder / name)
    # It is there already, so that the script downloads nothing.
    shutil.copy(text, folder / data / "input.txt")
    subprocess.run([sys.executable, f"{data}/prepare.py"], cwd=folder, check=True, capture_output=True)


def _train_peer(folder: Path, options: Sequence[str], *, threads: int) -> tuple[float, float]:
    """Returns the seconds until the checkpoint with the lowest loss was written, and that loss as printed."""
    command = [sys.executable, "-u", "-W", "ignore", "train.py", "config/train_shakespeare_char.py", *options]
    started = time.perf_counter()
    seconds, best, latest, saving = math.nan, math.nan, math.nan, False
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, env=thread_environment(threads)
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if saving:  # The first line after the one that announces the checkpoint: it is written.
                seconds, best = time.perf_counter() - started, latest
            if found := re.match(r"step \d+: .*val loss ([\d.]+)", line):
                latest = float(found[1])
            saving = line.startswith("saving checkpoint")
    if process.returncode or math.isnan(seconds):
        sys.exit("nanoGPT failed, or saved no checkpoint")
    return seconds, best


def _score_peer(folder: Path, *, context: int, device: str) -> float:
    """Returns the nats per character of its checkpoint over all of val.bin, in consecutive cold windows."""
    specification = importlib.util.spec_from_file_location("nanogpt_model", folder / "model.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["nanogpt_model"] = module  # Its dataclass looks itself up there.
    specification.loader.exec_module(module)
    place = folder / "out-shakespeare-char/ckpt.pt"
    stored = torch.load(place, map_location=device, weights_only=True)  # noqa: TID251, nanoGPT's own format
    with redirect_stdout(io.StringIO()):
        model = module.GPT(module.GPTConfig(**stored["model_args"])).to(device)
    # torch.compile puts a prefix before every name.
    model.load_state_dict({name.removeprefix("_orig_mod."): tensor for name, tensor in stored["model"].items()})
    model.eval()
    symbols = np.fromfile(folder / "data/shakespeare_char/val.bin", dtype=np.uint16).astype(np.int64)
    num_targets = len(symbols) - 1
    total = 0.0
    for start, stop, rows in _windows(num_targets, context):
        inputs = torch.from_numpy(symbols[start:stop].reshape(rows, -1)).to(device)
        targets = torch.from_numpy(symbols[start + 1 : stop + 1].reshape(rows, -1)).to(device)
        with torch.no_grad():
            logits, _ = model(inputs, targets)
        total += float(functional.cross_entropy(logits.flatten(0, 1).double(), targets.flatten(), reduction="sum"))
    return total / num_targets


def _windows(num_targets: int, context: int) -> Iterator[tuple[int, int, int]]:
    """Yields where each batch of windows starts and stops, and how many they are; a short last one comes alone."""
    whole = num_targets - num_targets % context
    for start in range(0, whole, 64 * context):
        stop = min(start + 64 * context, whole)
        yield start, stop, (stop - start) // context
    if whole < num_targets:
        yield whole, num_targets, 1


def _candidates(arguments: argparse.Namespace) -> Iterator[list[str]]:
    """Yields the options of one training after the other, each longer than the one before."""
    if arguments.by == "budget":
        for seconds in BUDGETS:
            yield [*(arguments.settings or "").split(), "--budget", f"{seconds}s"]
        return
    own, lengths = (ON_CPU, STEPS_ON_CPU) if arguments.device == "cpu" else (ON_GPU, STEPS_ON_GPU)
    for steps in lengths:
        yield [*(arguments.settings or own).split(), "--steps", str(steps)]


class _Charlm:
    """Trains and scores in processes of their own."""

    def __init__(self, text: Path, device: str, threads: int, context: int) -> None:
        self._text = text
        self._device = device
        self._threads = threads
        self._context = context

    def attempt(self, options: Sequence[str], *, seed: int) -> Attempt:
        """Returns the time of one training, and what its model scores."""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            command = ["train", str(self._text), "--split", "90/10/0", "--name", "model", "--seed", str(seed)]
            command += ["--device", self._device, "--threads", str(self._threads), "--quiet", "--json", *options]
            started = time.perf_counter()
            self._run(command, folder)
            seconds = time.perf_counter() - started
            return Attempt(seconds, self._score(folder), self._score(folder, "--context", str(self._context)))

    def _score(self, folder: Path, *options: str) -> float:
        command = ["eval", "perplexity", "model", "--split", "valid", "--quiet", "--json", *options]
        return float(json.loads(self._run(command, folder))["nats_per_symbol"])

    def _run(self, command: Sequence[str], folder: Path) -> str:
        finished = subprocess.run(
            [sys.executable, "-m", "charlm", *command],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env=thread_environment(self._threads),
        )
        if finished.returncode:
            sys.exit(finished.stderr)
        return finished.stdout


def _first_to_reach(target: float, measure: str, candidates: Sequence[Sequence[str]], charlm: _Charlm) -> int | None:
    """Returns the place of the first candidate that reaches the target, tried in order with one seed."""
    for place, options in enumerate(candidates):
        attempt = charlm.attempt(options, seed=1)
        print(f"  {' '.join(options[-2:])}: {_shown(attempt)}", flush=True)
        if getattr(attempt, measure) <= target:
            return place
    return None


def _report(measure: str, options: Sequence[str], peer: Peer, charlm: _Charlm, *, repeat: int) -> None:
    attempts = [charlm.attempt(options, seed=seed) for seed in range(1, repeat + 1)]
    for seed, attempt in enumerate(attempts, start=1):
        print(f"  seed {seed}: {_shown(attempt)}")
    seconds = statistics.median(attempt.seconds for attempt in attempts)
    losses = [getattr(attempt, measure) for attempt in attempts]
    reached = sum(loss <= peer.target for loss in losses)
    print(
        f"by the {measure} measure: charlm train {' '.join(options)}\n"
        f"  median {seconds:.2f} s and {statistics.median(losses):.4f} nats/char, {reached} of {repeat} seeds reach "
        f"{peer.target:.4f}; 1/{peer.seconds / seconds:.1f} of nanoGPT's time",
        flush=True,
    )


def _shown(attempt: Attempt) -> str:
    return f"{attempt.seconds:.2f} s, {attempt.own:.4f} nats/char in one stream, {attempt.peer:.4f} in cold windows"


if __name__ == "__main__":
    main()
