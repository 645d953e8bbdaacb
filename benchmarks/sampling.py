"""Times sampling, one symbol after another: torch's own layers against charlm's step engine, and the command.

    python benchmarks/sampling.py
    python benchmarks/sampling.py --run checkpoints/NAME     also times 'charlm sample' with a run

Untrained weights are as fast as trained ones. Every figure is the median of repetitions that take turns, so
that what else the machine does falls on all of them; the ratios are within this one process. "loop" is what
one would write with torch: a model of nn.LSTM layers called for each symbol, with oneDNN on and off, on one
thread and on all. Drawing the symbol is left out of the steps and shown apart, as whole characters.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from machine import describe_machine

from charlm.config import ModelConfig, SamplingConfig
from charlm.data.tokenizers.char import CharTokenizer
from charlm.generation.generator import generate
from charlm.models.build import build_network
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_step_model

VOCABULARY_SIZE = 66
SHAPES = ("1x256", "2x256", "2x512")
BATCH_SIZES = (1, 16, 64)

Timed = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=7, help="repetitions of every measurement")
    parser.add_argument("--seconds", type=float, default=0.05, help="length of one repetition")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument("--shapes", nargs="+", default=SHAPES, help="layers and units, such as 2x256")
    parser.add_argument("--run", help="a run to time 'charlm sample' with")
    arguments = parser.parse_args()
    print(f"{describe_machine()}, NumPy {np.__version__}, {torch.get_num_threads()} threads")
    for shape in arguments.shapes:
        num_layers, hidden_size = map(int, shape.split("x"))
        for batch_size in arguments.batch_sizes:
            _compare(num_layers, hidden_size, batch_size, repeat=arguments.repeat, seconds=arguments.seconds)
    if arguments.run:
        _time_command(arguments.run, repeat=arguments.repeat)


def _compare(num_layers: int, hidden_size: int, batch_size: int, *, repeat: int, seconds: float) -> None:
    config = ModelConfig(num_layers=num_layers, hidden_size=hidden_size)
    model = build_network(config, vocabulary_size=VOCABULARY_SIZE).eval()
    model.initialize(torch.Generator().manual_seed(1))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    settings = {"vocabulary_size": VOCABULARY_SIZE, "source": "here"}
    exact = build_step_model(config, weights, **settings)
    reduced = build_step_model(config, weights, weights="int8", **settings)
    threads = torch.get_num_threads()
    steps = {
        "engine": _engine_step(exact, batch_size),
        "engine int8": _engine_step(reduced, batch_size),
        "loop, 1 thread": _loop_step(model, batch_size, onednn=False, num_threads=1),
        f"loop, {threads} threads": _loop_step(model, batch_size, onednn=False, num_threads=threads),
        "loop, oneDNN": _loop_step(model, batch_size, onednn=True, num_threads=1),
    }
    drawn = {
        "engine with drawing": _drawing(exact, batch_size),
        "engine int8 with drawing": _drawing(reduced, batch_size),
    }
    times = _medians(steps | drawn, repeat=repeat, seconds=seconds)
    num_weights = sum(parameter.size for name, parameter in weights.items() if "weight_" in name)
    num_weights -= hidden_size * 4 * hidden_size  # the first layer's input matrix is a table
    num_weights += VOCABULARY_SIZE * hidden_size
    reading = _reading_time(num_weights * 4)
    best = min(times["loop, 1 thread"], times[f"loop, {threads} threads"])
    print(f"\n{num_layers}x{hidden_size}, {batch_size} stream{'s' if batch_size > 1 else ''}")
    print(f"  {'':<26}{'us/step':>9}{'characters/s':>14}{'loop, 1 thread':>16}{'best loop':>11}")
    for name, duration in times.items():
        ratios = (times["loop, 1 thread"] / duration, best / duration)
        print(
            f"  {name:<26}{1e6 * duration:>9.1f}{batch_size / duration:>14,.0f}{ratios[0]:>15.2f}x{ratios[1]:>10.2f}x"
        )
    print(
        f"  reading the {num_weights * 4 / 1e6:.1f} MB of weights takes {1e6 * reading:.1f} us "
        f"({num_weights * 4 / reading / 1e9:.0f} GB/s, all threads): the engine reaches "
        f"{100 * reading / times['engine']:.0f} % of that limit"
    )


def _engine_step(model: StepModel, batch_size: int) -> Timed:
    stepper = model.stepper(model.initial_state(batch_size))
    tokens = np.ones(batch_size, dtype=np.int64)
    return lambda: stepper.step(tokens)


def _loop_step(model: RecurrentLanguageModel, batch_size: int, *, onednn: bool, num_threads: int) -> Timed:
    tokens = torch.ones(1, batch_size, dtype=torch.int64)
    state = model.initial_state(batch_size)

    def step() -> None:
        nonlocal state
        with torch.inference_mode():
            _, state = model(tokens, state)

    def in_setting(run: Timed) -> None:
        onednn_before, threads_before = torch.backends.mkldnn.enabled, torch.get_num_threads()
        torch.backends.mkldnn.enabled = onednn
        torch.set_num_threads(num_threads)
        run()
        torch.backends.mkldnn.enabled = onednn_before
        torch.set_num_threads(threads_before)

    step.in_setting = in_setting  # type: ignore[attr-defined]
    return step


def _drawing(model: StepModel, batch_size: int) -> Timed:
    tokenizer = CharTokenizer([chr(0x100 + index) for index in range(VOCABULARY_SIZE - 1)])
    pieces = generate(model, tokenizer, "", SamplingConfig(length=0, num_samples=batch_size), seed=1)

    def step() -> None:
        for _ in range(batch_size):
            next(pieces)

    return step


def _medians(steps: dict[str, Timed], *, repeat: int, seconds: float) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(repeat + 1):
        for name, step in steps.items():
            duration = _time(step, seconds=seconds)
            if number > 0:
                times[name].append(duration)
    return {name: statistics.median(each) for name, each in times.items()}


def _time(step: Timed, *, seconds: float) -> float:
    """Returns the seconds that one call takes, after some that warm up caches and threads."""
    taken = 0.0

    # Threads of NumPy's pool and of torch's go on waiting in a loop for a while, in each other's way.
    time.sleep(0.1)

    def run() -> None:
        nonlocal taken
        count = 0
        for _ in range(10):
            step()
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            for _ in range(10):
                step()
            count += 10
        taken = elapsed / count

    getattr(step, "in_setting", lambda each: each())(run)
    return taken


def _reading_time(num_bytes: int) -> float:
    """Returns the seconds in which all threads read an array of this size: a product that does nothing else."""
    columns = 1024
    array = np.ones((num_bytes // 4 // columns, columns), dtype=np.float32)
    vector, sums = np.ones(columns, dtype=np.float32), np.empty(len(array), dtype=np.float32)
    return statistics.median(_time(lambda: np.dot(array, vector, out=sums), seconds=0.05) for _ in range(5))


def _time_command(run: str, *, repeat: int) -> None:
    for options in ((), ("--weights", "int8")):
        command = [sys.executable, "-m", "charlm", "sample", run, "--no-echo", "--length", "2000", *options]
        durations = []
        for _ in range(repeat):
            started = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.read(1)
                durations.append(time.perf_counter() - started)
                process.stdout.read()
        print(f"\n{' '.join(['charlm sample', *options])}: first output after {statistics.median(durations):.2f} s")


if __name__ == "__main__":
    main()
