"""The results of commands: printed for people, and as JSON values for programs."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from charlm.cli.display.console import print_sentence
from charlm.cli.display.formatting import duration, megabytes, number, perplexity, units_in_words
from charlm.evaluation.score import Score
from charlm.notation import counted, visible
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS
from charlm.training.planning import FEWEST_STEPS, suggested_steps

if TYPE_CHECKING:
    from charlm.evaluation.baselines import Baseline
    from charlm.runs.corpora import CorpusRow
    from charlm.runs.evaluate.perplexity import EvaluationResult
    from charlm.runs.train.result import TrainResult

_DIVERGED = 1.2
"""Times the loss of a uniform model; untrained networks are below."""
_FEWEST_TO_DIVERGE = 10
"""Steps of which the first ones, at their full rate, do not decide what is said of the whole training."""


def run_reference(run: Path) -> str:
    """Returns the argument that names a run on the command line: its name, or its path outside checkpoints/."""
    return shlex.quote(run.name if run.parent == Workspace().checkpoints else str(run))


def resume_command(run: Path) -> str:
    """Returns the command that resumes a run."""
    return f"charlm train --resume {run_reference(run)}"


def print_training(console: Console, result: "TrainResult") -> None:
    """Prints the result of a training: scores, a sample, and commands to run next."""
    console.print(visible(_training_line(result)))
    for split, score in (("validation", result.validation), ("test", result.test)):
        if score is not None:
            others = [each for each in _of_split(result.baselines, split) if each[0] != result.part]
            rows = [(", ".join(filter(None, (result.name, result.part))), score), *others]
            _print_scores(console, split, rows, unit=result.unit)
    if result.no_better_than is not None:
        print_sentence(console, _advice(result, result.no_better_than), style="bold")
    if result.cut_short_at is not None:
        print_sentence(
            console,
            f"The time was over after {result.cut_short_at:.0%} of the training that was planned, while the learning "
            "rate was still high, as when other work keeps the machine busy. Train again with a longer --budget, or go "
            f"on: {visible(_longer_command(result))}",
            style="bold",
        )
    if not result.exact:
        print_sentence(
            console,
            "To save time, the text was scored in parallel stretches, each after a warm-up on the text before it; "
            f"charlm eval perplexity {visible(run_reference(result.run))} scores it exactly, as one stream.",
            style="dim",
        )
    if result.sample:
        console.print(Text("A sample:", style="bold"))
        print_excerpt(console, result.sample)
    reference = run_reference(result.run)
    console.print(Text("\nNext:", style="bold"))
    if result.task is not None:
        _print_commands(console, [f"charlm {each.format(run=reference)}" for each in TASKS[result.task].next_commands])
        return
    more = "--num-samples 20" if result.are_records else "--length 1000"
    text = " TEXT" if result.validation is None and result.test is None else ""
    commands = [f"charlm sample {reference} {more}", f"charlm eval perplexity {reference}{text}"]
    if result.kind != "ngram":
        commands.append(_longer_command(result))
    _print_commands(console, commands)


def _longer_command(result: "TrainResult") -> str:
    return f"{resume_command(result.run)} --steps {suggested_steps(result.total_steps)}"


def _print_commands(console: Console, commands: Iterable[str]) -> None:
    for command in commands:
        console.print(f"  {visible(command)}", soft_wrap=True)


def _training_line(result: "TrainResult") -> str:
    if result.kind == "ngram":
        done = f"{counted(result.parameters, 'gram')} counted in {duration(result.seconds)}"
    else:
        sizes = f"{counted(result.parameters, 'parameter')}, {counted(result.steps, 'step')}"
        done = f"{sizes} in {duration(result.seconds)}"
    early = "; stopped early: the validation loss no longer fell" if result.stopped_early else ""
    speed = f"{result.characters_per_second:,.0f} {units_in_words(result.unit)}/s"
    if result.kind != "ngram":
        # Of the whole training; those shown meanwhile are without evaluations.
        speed += " with evaluations"
    return f"{result.name}: {done}, {speed}{early}"


def _advice(result: "TrainResult", simple: "Baseline") -> str:
    uniform = next((score for name, score in _of_split(result.baselines, "validation") if name == "uniform"), None)
    part, symbol = ("text is", "symbol") if result.unit == "char" else ("examples are", result.unit)
    is_off = uniform and result.validation and result.validation.total_nats > _DIVERGED * uniform.total_nats
    if is_off and uniform and result.steps >= _FEWEST_TO_DIVERGE:
        return (
            f"The training diverged: the validation {part} predicted worse than by a uniform model, which knows "
            f"nothing ({number(uniform.nats_per_character)} nats/{result.unit}). Try a lower --learning-rate or "
            "--clip-norm, or --precision fp32."
        )
    knows = {"unigram": f"which knows only how frequent each {symbol} is", "bigram": "which knows only the last symbol"}
    others = "a lower --learning-rate, --precision fp32, another --seed, or a longer training."
    if result.steps < FEWEST_STEPS:
        others = f"a longer training: {counted(result.steps, 'step')} {'is' if result.steps == 1 else 'are'} few."
    return (
        f"The validation {part} predicted no better than by a {simple.name} model, {knows[simple.name]} "
        f"({number(simple.score.nats_per_character)} nats/{result.unit}). Try {others}"
    )


def training_json(result: "TrainResult") -> dict[str, Any]:
    """Returns the result of a training as JSON values."""
    return {
        "run": str(result.run),
        "name": result.name,
        "model": result.kind,
        **({} if result.task is None else {"task": result.task}),
        "parameters": result.parameters,
        "steps": result.steps,
        "total_steps": result.total_steps,
        "seconds": result.seconds,
        "characters_per_second": result.characters_per_second,
        "interrupted": result.interrupted,
        "stopped_early": result.stopped_early,
        **({} if result.cut_short_at is None else {"cut_short_at": result.cut_short_at}),
        "validation": result.validation.to_json() if result.validation else None,
        "test": result.test.to_json() if result.test else None,
        "exact": result.exact,
        "baselines": {
            split: {name: score.to_json() for name, score in _of_split(result.baselines, split)}
            for split in dict.fromkeys(each.split for each in result.baselines)
        },
        "no_better_than": result.no_better_than.name if result.no_better_than else None,
        "sample": result.sample,
    }


def print_evaluation(console: Console, result: "EvaluationResult") -> None:
    """Prints the score of a text under a run's model, beside its baselines."""
    score, exact = result.score, result.exact
    rows = [(result.run if exact is None else f"{result.run}, {result.weights} weights", score)]
    if exact is not None:
        rows.append((f"{result.run}, float32", exact))
    if result.adapted is not None:
        rows.append((f"{result.run}, adapting ({result.adapt})", result.adapted))
    rows += [(each.name, each.score) for each in result.baselines]
    rows += [(f"{each.name} (adapts)", each.score) for each in result.compressors]
    _print_scores(console, result.text, rows)
    if exact is not None:
        lost = score.bits_per_character - exact.bits_per_character
        console.print(f"{result.weights} weights cost {lost:+.5f} bits/char.")
    if result.compressors:
        console.print(
            "Compressors have read the training text, too, and go on learning from this one; "
            + ("compare them with the adapting model." if result.adapted else "the model does not (--adapt does)."),
            soft_wrap=True,
        )
    unknown = f", {score.num_unknown:,} of them unknown to the model" if score.num_unknown else ""
    ends = f", {counted(score.num_ends, 'record end')} scored" if score.num_ends else ""
    print_sentence(
        console,
        f"{counted(score.num_symbols, 'symbol')} scored, {number(score.nats_per_symbol)} nats each{unknown}: "
        f"{counted(score.num_characters, 'character')}, {counted(score.num_bytes, 'byte')}{ends}",
    )


def evaluation_json(result: "EvaluationResult") -> dict[str, Any]:
    """Returns the result of scoring as JSON values."""
    return {
        "run": result.run,
        "text": result.text,
        "weights": result.weights,
        **result.score.to_json(),
        **({} if result.exact is None else {"exact": result.exact.to_json()}),
        **({} if result.adapted is None else {"adapted": {**result.adapted.to_json(), "method": result.adapt}}),
        "baselines": {each.name: each.score.to_json() for each in result.baselines},
        **(
            {"compressors": {each.name: each.score.to_json() for each in result.compressors}}
            if result.compressors
            else {}
        ),
    }


def print_excerpt(console: Console, text: str) -> None:
    """Prints a part of a text, indented, with symbols for control characters; a terminal wraps it between words."""
    for line in visible(text).split("\n"):
        wrapped = [line]
        if console.file.isatty():
            wrapped = [each.plain.rstrip() for each in Text(line.expandtabs(4)).wrap(console, console.width - 2)]
        console.out("\n".join(f"  {each}" for each in wrapped), highlight=False)


def _of_split(baselines: Iterable["Baseline"], split: str) -> list[tuple[str, Score]]:
    return [(each.name, each.score) for each in baselines if each.split == split]


def _print_scores(console: Console, text: str, models: Sequence[tuple[str, Score]], *, unit: str = "char") -> None:
    """Prints a table of scores on a text, a row a model, the first in bold; and what unknown characters cost it."""
    has_bytes = unit == "char"
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    table.add_column(Text(visible(text), style="bold not dim"), overflow="fold", min_width=10)
    for heading in (f"nats/{unit}", f"bits/{unit}", *(["bits/byte"] if has_bytes else []), "perplexity"):
        table.add_column(heading, justify="right", no_wrap=True)
    for index, (model, score) in enumerate(models):
        means = map(number, (score.nats_per_character, score.bits_per_character, score.bits_per_byte)[: 2 + has_bytes])
        style = "bold" if index == 0 else ""
        table.add_row(Text(visible(model)), *means, perplexity(score.perplexity), style=style)
    console.print(table)
    _, score = models[0]
    if score.num_unknown:
        print_sentence(
            console,
            f"The model has no symbol for {score.num_unknown:,} of {counted(score.num_characters, 'character')}: "
            f"naming them costs {number(score.unknown_bits_per_character)} bits/char, which every row has. "
            "A model with --tokenizer byte has symbols for all.",
        )


def print_corpora(console: Console, rows: Sequence["CorpusRow"]) -> None:
    """Prints the list of corpora: a line each, and its description below."""
    cells = [(row.name, row.state, megabytes(row.size_bytes)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, (name, state, size) in zip(rows, cells, strict=True):
        line = f"{name:<{widths[0]}}  {state:<{widths[1]}}  {size:>{widths[2]}}"
        console.print(Text(visible(line), style="bold"), soft_wrap=True)
        below = f"{row.description} Split: {row.split}. Licence: {row.licence}."
        console.print(Padding(Text(visible(below)), (0, 0, 0, 4), expand=False))
