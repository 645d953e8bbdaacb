"""Times training steps of every cell and size against this machine's matrix products.

    python benchmarks/throughput.py [--quick] [--parts cells,batch] [--device cuda] [--plot docs/throughput.svg]

A step is the real trainer's: window, forward and backward pass, clipping, AdamW. Its arithmetic is counted as 6
multiply-adds' worth of operations for each weight and symbol, over the matrices of the recurrent layers and the
output; "peak" is the best of square matrix products in the same precision and process. Medians; the text is random.

Without AMX, on a processor that has it: ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from rich.console import Console

from charlm.cells import CELLS, cell_names
from charlm.cli.display.live import LiveDisplay
from charlm.config import CellName, ComparisonConfig, DataConfig, ModelConfig, Request, RunConfig, TrainingConfig
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.char import CharTokenizer
from charlm.models.lane_groups import usual_groups
from charlm.runs.compare.grid import variants_of_equal_parameters
from charlm.runs.reporting import StepReport, StopRequest, TrainingSummary
from charlm.runs.train.setup import TrainingSetup
from charlm.training.trainer import Trainer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LIBRARY_CELLS: tuple[CellName, ...] = ("lstm", "gru", "rnn")
"""Those that torch has, too."""
WIDTHS = (128, 192, 256, 384, 512, 768, 1024)
PARTS = ("cells", "variants", "groups", "width", "depth", "batch", "window", "vocabulary", "overhead")
NUM_SYMBOLS = 1_000_000


@dataclass(frozen=True)
class Shape:
    """What one point is about."""

    cell: CellName = "lstm"
    width: int = 256
    depth: int = 1
    batch: int = 64
    window: int = 64
    vocabulary: int = 65
    precision: str = "bf16"
    groups: int | None = None
    embedding_dropout: float | None = None

    @property
    def weights(self) -> int:
        """Numbers in the matrices of the recurrent layers and of the output; the embedding is as wide as they are."""
        pairs = CELLS[self.cell].num_matrix_pairs
        return self.depth * 2 * pairs * self.width**2 + self.width * self.vocabulary


@dataclass(frozen=True)
class Point:
    """What was measured: seconds of a step, characters and operations a second."""

    shape: Shape
    seconds: float

    @property
    def characters(self) -> float:
        """Characters a second."""
        return self.shape.batch * self.shape.window / self.seconds

    @property
    def operations(self) -> float:
        """Operations a second: 6 for each weight and character."""
        return 6.0 * self.shape.weights * self.characters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, with commas")
    parser.add_argument("--precisions", default="fp32,bf16", help="with commas; fp16 on CUDA only")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=0.7, help="time for one point, at least three steps")
    parser.add_argument("--quick", action="store_true", help="bf16 and three widths only")
    parser.add_argument("--plot", type=Path, help="draw the sweeps into this file")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    precisions = ["bf16"] if arguments.quick else arguments.precisions.split(",")
    bench = Bench(torch.device(arguments.device), seconds=arguments.seconds)
    print(f"{describe_machine(arguments.device)}, {torch.get_num_threads()} threads")
    peaks = {precision: bench.peak(DTYPES[precision]) for precision in precisions}
    print(", ".join(f"{precision} peak {peak / 1e9:,.0f} GFLOP/s" for precision, peak in peaks.items()))
    if "cells" in parts:
        for precision in precisions:
            _cells(bench, precision, peaks[precision], widths=(128, 256, 512) if arguments.quick else WIDTHS)
    if "groups" in parts:
        _groups(bench, precisions[-1])
    if "variants" in parts:
        for precision in precisions:
            _variants(bench, precision, widths=(128, 256, 512))
    sweeps = {
        "width": [Shape(width=width) for width in WIDTHS],
        "depth": [Shape(depth=depth) for depth in (1, 2, 3, 4)],
        "batch": [Shape(batch=batch) for batch in (8, 16, 32, 64, 128, 256)],
        "window": [Shape(window=window) for window in (16, 32, 64, 128, 256)],
        "vocabulary": [Shape(vocabulary=size) for size in (50, 200, 1000, 5000)],
    }
    drawn = {}
    for axis in [] if arguments.quick else [name for name in sweeps if name in parts]:
        drawn[axis] = _sweep(bench, axis, [replace(each, precision=precisions[-1]) for each in sweeps[axis]])
    if "overhead" in parts:
        _overhead(bench, Shape(batch=32, precision=precisions[-1]))
    if arguments.plot:
        _draw(arguments.plot, drawn, title=f"{describe_machine(arguments.device)}, {precisions[-1]}")


class Bench:
    """Measures on one device, each point for about so long."""

    def __init__(self, device: torch.device, *, seconds: float) -> None:
        self._device = device
        self._seconds = seconds

    def median(self, work: Callable[[], object]) -> float:
        """Returns the seconds that `work` takes, after two rounds that warm up."""
        for _ in range(2):
            work()
        times: list[float] = []
        while len(times) < 3 or sum(times) < self._seconds:
            self._wait()
            started = time.perf_counter()
            work()
            self._wait()
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    def peak(self, dtype: torch.dtype) -> float:
        """Returns operations a second of the best square matrix product."""
        best = 0.0
        for size in (1024, 2048, 4096):
            one, other = (torch.randn(size, size, device=self._device).to(dtype) for _ in range(2))
            out = torch.empty_like(one)
            seconds = self.median(lambda one=one, other=other, out=out: torch.mm(one, other, out=out))  # type: ignore[misc]
            best = max(best, 2.0 * size**3 / seconds)
        return best

    def point(self, shape: Shape) -> Point:
        """Returns the time of a whole step."""
        return Point(shape, self.median(self.trainer(shape).take_step))

    def trainer(self, shape: Shape) -> Trainer:
        """Returns a trainer on random symbols."""
        model = ModelConfig(
            cell=shape.cell,
            hidden_size=shape.width,
            embedding_size=shape.width,
            num_layers=shape.depth,
            dropout=0.05,
            embedding_dropout=shape.embedding_dropout,
        )
        return self.trainer_of(model, shape)

    def trainer_of(self, model: ModelConfig, shape: Shape) -> Trainer:
        """Returns a trainer of any network on random symbols; the shape says batch, window and vocabulary."""
        config = RunConfig(
            data=DataConfig(corpus=("random",)),
            model=model,
            training=TrainingConfig(
                learning_rate=1e-3,
                batch_size=shape.batch,
                sequence_length=shape.window,
                random_length=False,
                lane_groups=shape.groups or (usual_groups(shape.batch) if self._device.type == "cpu" else 1),
            ),
        )
        symbols = np.random.default_rng(1).integers(0, shape.vocabulary, NUM_SYMBOLS)
        tokens = TokenFile(symbols.astype(np.uint8 if shape.vocabulary < 256 else np.uint16))
        # With the unknown symbol, as many as the shape says.
        tokenizer = CharTokenizer([chr(0x4E00 + number) for number in range(shape.vocabulary - 1)])
        setup = TrainingSetup(tokens, tokenizer, self._device, shape.precision)  # type: ignore[arg-type]
        return setup.build(config)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _cells(bench: Bench, precision: str, peak: float, *, widths: Iterable[int]) -> None:
    print(
        f"\n{precision}, one layer, batch {Shape().batch} x {Shape().window}: characters/s, GFLOP/s, share of the peak"
    )
    for width in widths:
        points = {cell: bench.point(Shape(cell=cell, width=width, precision=precision)) for cell in LIBRARY_CELLS}
        figures = [
            f"{cell} {point.characters:>9,.0f} {point.operations / 1e9:>6,.0f} {point.operations / peak:>4.0%}"
            for cell, point in points.items()
        ]
        ratio = points["gru"].characters / points["lstm"].characters
        whole = {
            cell: bench.point(Shape(cell=cell, width=width, precision=precision, embedding_dropout=0.0)).characters
            for cell in ("lstm", "gru")
        }
        print(
            f"{width:>5} units: {' | '.join(figures)} | GRU/LSTM {ratio:.2f}, with whole embeddings "
            f"{whole['gru'] / whole['lstm']:.2f}",
            flush=True,
        )


def _groups(bench: Bench, precision: str) -> None:
    """Prints what steps take in groups of lanes, each on one thread, and with products that all threads share."""
    print(f"\n{precision}, two LSTM layers, windows of {Shape().window}: ms a step in groups, and with shared products")
    for width in WIDTHS:
        for batch in (32, 64):
            shape = Shape(width=width, depth=2, batch=batch, precision=precision)
            # In turns, as the machine's speed changes: the least of each.
            shapes = (replace(shape, groups=max(2, usual_groups(batch))), replace(shape, groups=1)) * 2
            seconds = [bench.point(each).seconds for each in shapes]
            groups, shared = min(seconds[::2]), min(seconds[1::2])
            print(
                f"{width:>5} units, {batch:>3} lanes: {1e3 * groups:>7.1f} {1e3 * shared:>7.1f}, "
                f"speed of groups {shared / groups:.2f}",
                flush=True,
            )


def _variants(bench: Bench, precision: str, *, widths: Iterable[int]) -> None:
    """Prints the speed of every cell against an LSTM with as many weights."""
    shape = Shape(precision=precision)
    print(f"\n{precision}, two layers, batch {shape.batch} x {shape.window}, as many weights as the LSTM: characters/s")
    names = ["lstm", *(cell for cell in cell_names() if cell != "lstm")]
    for width in widths:
        settings = ComparisonConfig(models=",".join(names), layers="2", match="parameters")
        config = RunConfig(data=DataConfig(corpus=("random",)), model=ModelConfig(hidden_size=width, dropout=0.05))
        speeds = {}
        for each in variants_of_equal_parameters(settings, Request(config), vocabulary_size=shape.vocabulary):
            model = each.model.model_copy(update={"embedding_size": each.model.hidden_size})
            seconds = bench.median(bench.trainer_of(model, shape).take_step)
            speeds[each.kind] = (shape.batch * shape.window / seconds, each.model.hidden_size)
        lstm, _ = speeds["lstm"]
        told = ", ".join(
            f"{kind} {speed:,.0f} ({units} units, {speed / lstm:.2f})" for kind, (speed, units) in speeds.items()
        )
        print(f"{width:>5} units: {told}", flush=True)


def _sweep(bench: Bench, axis: str, shapes: list[Shape]) -> list[Point]:
    print(f"\nLSTM by {axis} ({shapes[0].precision}, otherwise 1 x 256, batch 64 x 64)")
    points = []
    for shape in shapes:
        points.append(bench.point(shape))
        print(
            f"{getattr(shape, axis):>6}: {1e3 * points[-1].seconds:>8.1f} ms a step, "
            f"{points[-1].characters:>9,.0f} characters/s, {points[-1].operations / 1e9:>6,.0f} GFLOP/s",
            flush=True,
        )
    return points


def _overhead(bench: Bench, shape: Shape) -> None:
    """Prints the share of a step that is not the model's forward and backward pass."""
    trainer = bench.trainer(shape)
    step = bench.median(trainer.take_step)
    parts = {
        "window": bench.median(lambda: trainer.batches.window(trainer.step)),
        "clipping": 0.0,
        "optimizer": 0.0,
    }
    for parameter in trainer.parameters:
        parameter.grad = torch.full_like(parameter, 1e-4)
    parts["clipping"] = bench.median(lambda: trainer.clip(trainer.parameters))
    parts["optimizer"] = bench.median(trainer.optimizer.step)
    shares = {name: seconds / step for name, seconds in parts.items()} | {"logging": _logging_share(step)}
    told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    print(
        f"\nStep of 1 x {shape.width}, batch {shape.batch} x {shape.window}: {1e3 * step:.1f} ms, of which {told}: "
        f"{sum(shares.values()):.1%} together"
    )


def _logging_share(step_seconds: float, *, seconds: float = 2.0) -> float:
    """Returns what the live display takes of one core, with a report at every step."""
    report = StepReport(1, 2.0, 0.01, 1.0, 0.1, 0, 1e5, 1000, share=0.001)
    with Path(os.devnull).open("w") as nowhere:
        display = LiveDisplay(Console(file=nowhere, force_terminal=True, width=100, height=40), StopRequest())
        with display.training(TrainingSummary(Path("run"), (("corpus", "random"),), total_steps=1000)):
            started = time.process_time()
            for _ in range(int(seconds / step_seconds)):
                display.step(report)
                time.sleep(step_seconds)
            return (time.process_time() - started) / seconds


def _draw(path: Path, sweeps: dict[str, list[Point]], *, title: str) -> None:
    try:
        from matplotlib import pyplot
    except ImportError:
        sys.exit("Drawing needs Matplotlib: pip install 'charlm[plots]'")
    figure, axes = pyplot.subplots(1, len(sweeps), figsize=(3.4 * len(sweeps), 3.2), squeeze=False)
    for axis, (name, points) in zip(axes[0], sweeps.items(), strict=True):
        sizes = [getattr(point.shape, name) for point in points]
        axis.plot(sizes, [1e3 * point.seconds for point in points], marker="o")
        axis.set(xlabel=name, xscale="log", yscale="log")
        axis.set_xticks(sizes, [str(size) for size in sizes], fontsize=7)
        axis.minorticks_off()
    axes[0][0].set_ylabel("ms a step")
    figure.suptitle(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
