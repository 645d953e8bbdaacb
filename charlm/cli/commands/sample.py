"""`charlm sample`: text from a model, printed as it is drawn."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.cli.display.text import TextWriter, may_colour, print_json, print_line
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Run, read_prompt
from charlm.cli.settings import section_config
from charlm.cli.startup import fast_imports
from charlm.config import RunSettings, SamplingConfig
from charlm.runs.stored.workspace import Workspace

if TYPE_CHECKING:
    from charlm.generation.generator import Piece


@settings_options(SamplingConfig, (RunSettings, {"device"}))
def sample(
    *,
    flags: Mapping[str, Any],
    run: Run,
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="The beginning of the text; '-' reads stdin.")
    ] = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(
            "--prompt-file",
            "-f",
            metavar="FILE",
            help="A file with the prompt; '-' reads stdin. Only the last 16,384 symbols are read.",
        ),
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo/--no-echo", metavar="", help="Print the prompt before the new text.")
    ] = True,
    json: Json = False,
) -> None:
    """Writes text with the model of RUN, and prints it as it is drawn."""
    settings = section_config(SamplingConfig, flags)
    device = section_config(RunSettings, flags).device
    beginning = read_prompt(prompt, prompt_file)

    with fast_imports():
        from charlm.runs.sample import resolve_seed, stream

        seed = resolve_seed(settings)
        # Inside, too: some models load torch.
        samples = stream(run, beginning, settings, Workspace(), seed=seed, device=device)
    pieces, shown = samples.pieces, beginning if echo else ""
    if samples.note is not None:
        print_line(samples.note, sys.stderr)
    writer = TextWriter(sys.stdout, colour=may_colour(sys.stdout))
    if json:
        _print_as_json(pieces, beginning, count=settings.num_samples, seed=seed)
    elif settings.num_samples == 1:
        _print_one(pieces, writer, prompt=shown)
    else:
        _print_several(pieces, writer, prompt=shown, count=settings.num_samples, are_records=samples.are_records)


def _print_one(pieces: "Iterable[Piece]", writer: TextWriter, *, prompt: str) -> None:
    begun = False
    try:
        for piece in pieces:
            if not begun:
                # Only now: an error in drawing the first piece must not leave a prompt without a text.
                writer.prompt(prompt)
                begun = True
            writer.write(piece.text)
    finally:
        if begun:
            writer.end()


def _print_several(
    pieces: "Iterable[Piece]", writer: TextWriter, *, prompt: str, count: int, are_records: bool
) -> None:
    """Prints the texts in order, each when it is finished; after an interrupt, the unfinished ones too.

    Records are a line each, other texts stand under headings.
    """
    drawn: list[list[str]] = [[] for _ in range(count)]
    finished = [False] * count
    printed = 0

    def print_next() -> None:
        nonlocal printed
        if not are_records:
            writer.heading(f"sample {printed + 1} of {count}")
        writer.prompt(prompt)
        writer.write("".join(drawn[printed]) + "\n" * are_records)
        writer.end()
        printed += 1

    try:
        for piece in pieces:
            drawn[piece.sample].append(piece.text)
            finished[piece.sample] = piece.finished
            while printed < count and finished[printed]:
                print_next()
    except KeyboardInterrupt:
        while printed < count:
            print_next()
        raise


def _print_as_json(pieces: "Iterable[Piece]", prompt: str, *, count: int, seed: int) -> None:
    from charlm.generation.generator import seed_of_sample

    drawn: list[list[str]] = [[] for _ in range(count)]
    try:
        for piece in pieces:
            drawn[piece.sample].append(piece.text)
    finally:
        # An endless text ends with Ctrl-C, and what was drawn until then is its result.
        if any(drawn) or not sys.exc_info()[0]:
            print_json(
                [
                    {"prompt": prompt, "text": "".join(parts), "seed": seed_of_sample(number, seed=seed)}
                    for number, parts in enumerate(drawn)
                ]
            )
