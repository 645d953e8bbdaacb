"""Measures what a run's model gains by learning from the text, while it is scored and from a prompt.

    python benchmarks/adapting.py RUN [--text FILE] [--methods counts full]
    python benchmarks/adapting.py RUN --chapters 8 --chapter-characters 10000

The first scores the run's test text, or another, statically and with each method, and times them. The second cuts the
text into chapters, reads the first half of each as a prompt, and scores the other half: with the prompt read alone, and
with it learnt from, as `charlm sample --adapt counts` does.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine

import charlm
from charlm.cli.display.progress import make_display
from charlm.config import EvaluationConfig
from charlm.models.build import arrays_of
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_adaptive, build_step_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--text", type=Path)
    parser.add_argument("--methods", nargs="+", default=("counts", "full"))
    parser.add_argument("--chapters", type=int, default=0)
    parser.add_argument("--chapter-characters", type=int, default=10_000)
    arguments = parser.parse_args()
    print(describe_machine())
    if arguments.chapters:
        _chapters(arguments.run, arguments.text, arguments.chapters, arguments.chapter_characters)
        return
    text = TextChoice(() if arguments.text is None else (str(arguments.text),))
    workspace, quiet = Workspace(), make_display(quiet=True)
    for method in arguments.methods:
        # The first time, rates are chosen; the second is timed.
        settings = EvaluationConfig(adapt=method)
        perplexity(arguments.run, text, settings, workspace, quiet)
        start = time.perf_counter()
        perplexity(arguments.run, text, EvaluationConfig(), workspace, quiet)
        static_seconds = time.perf_counter() - start
        found = perplexity(arguments.run, text, settings, workspace, quiet)
        seconds = time.perf_counter() - start - 2 * static_seconds
        adapted = found.adapted
        assert adapted is not None
        scores = ", ".join(
            f"{name} {score.nats_per_character:.4f} ({score.bits_per_character:.4f})"
            for name, score in (("static", found.score), (method, adapted))
        )
        more, before = (1e6 * each / adapted.num_characters for each in (seconds, static_seconds))
        print(f"{found.text}, nats/char (bits): {scores}; {more:.1f} us a character more than {before:.1f}")


def _chapters(name: str, path: Path | None, number: int, length: int) -> None:
    run = charlm.load(name, device="cpu")
    loaded, tokenizer = run._loaded, run.tokenizer
    assert path is not None, "--chapters needs --text"
    text = path.read_text(encoding="utf-8")
    known = {
        "vocabulary_size": tokenizer.vocabulary_size,
        "source": name,
    }
    of_tokenizer = {"begin": tokenizer.begin, "line_end": tokenizer.line_end}
    arrays = arrays_of(loaded.model)
    static = build_step_model(loaded.config.model, arrays, **known)
    adaptive = build_adaptive(loaded.config.model, arrays, learns=False, **of_tokenizer, **known)
    totals = np.zeros(2)
    for start in np.linspace(0, len(text) - length, number).astype(int):
        chapter = tokenizer.encode(text[start : start + length])
        totals += [_nats(model, chapter, half=len(chapter) // 2) for model in (static, adaptive)]
    read, learnt = totals / number
    print(
        f"{number} chapters of {length:,}, second halves: prompt read {read:.4f} nats/symbol, learnt from {learnt:.4f}"
    )


def _nats(model: StepModel, tokens: np.ndarray, *, half: int) -> float:
    """Returns the nats of each symbol of the second half of a text, whose first is a prompt."""
    stepper = model.stepper(model.read(tokens[: half - 1], model.initial_state(1)))
    total = 0.0
    for token, target in zip(tokens[half - 1 : -1], tokens[half:], strict=True):
        logits = torch.from_numpy(stepper.step(np.array([token], dtype=np.int64))[0])
        total -= float(logits.log_softmax(-1)[int(target)])
    return total / (len(tokens) - half)


if __name__ == "__main__":
    main()
