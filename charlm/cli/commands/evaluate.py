"""`charlm eval`: how well a model predicts text."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.cli.display.text import print_json
from charlm.cli.options import flag, settings_options
from charlm.cli.parameters import READING_SETTINGS, Json, OptionalTexts, Plot, Quiet, Run, standard_input
from charlm.cli.settings import section_config
from charlm.config import DataConfig, EvaluationConfig, ExposureConfig, RunSettings, SurprisalConfig
from charlm.errors import ConfigError
from charlm.files.writing import write_result
from charlm.runs.evaluate.choice import Split, TextChoice
from charlm.runs.stored.workspace import Workspace

OwnPart = Annotated[
    Split | None,
    typer.Option("--split", help="The part of the run's own text to score.", show_default="test, or valid without one"),
]
USUAL_TOP = 5
"""Likeliest symbols at each place for --json and --html."""
_EXPOSURE_CURVES = {
    "forced": "model, true text, having read the true text",
    "free": "model, true text, having read its own output",
    "own": "n-grams, the model's output",
    "true": "n-grams, the true text",
}


@settings_options(EvaluationConfig, (DataConfig, READING_SETTINGS), (RunSettings, {"device"}))
def perplexity(
    *,
    flags: Mapping[str, Any],
    run: Run,
    text: OptionalTexts = None,
    split: OwnPart = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Scores the run's test text, or TEXT: perplexity, bits per character and bits per byte.

    Every symbol after the first is scored exactly once. A uniform and a unigram model are scored for comparison,
    with --compressors also what compressors need for the text after the run's training text.
    """
    settings = section_config(EvaluationConfig, flags)
    if settings.compressors and importlib.util.find_spec("pyppmd") is None:
        raise ConfigError("--compressors needs pyppmd; install it with: pip install 'charlm[judges]'")
    device = section_config(RunSettings, flags).device
    chosen = _text_choice(flags, text, split)

    from charlm.cli.display.console import plain_console
    from charlm.cli.display.progress import make_display
    from charlm.cli.display.results import evaluation_json, print_evaluation
    from charlm.runs.evaluate.perplexity import perplexity as score

    result = score(run, chosen, settings, Workspace(), make_display(quiet=quiet), device=device)
    if json:
        print_json(evaluation_json(result))
    else:
        print_evaluation(plain_console(sys.stdout), result)


@settings_options(SurprisalConfig, (DataConfig, READING_SETTINGS), (RunSettings, {"device"}))
def surprisal(
    *,
    flags: Mapping[str, Any],
    run: Run,
    text: OptionalTexts = None,
    split: OwnPart = None,
    by: Annotated[
        Literal["character", "line"],
        typer.Option(
            "--by", help="Show the text, or its lines by their bits per character: the oddest first, empty ones last."
        ),
    ] = "character",
    html: Annotated[
        # A string: as a path, './-' would be '-'.
        str | None,
        typer.Option("--html", metavar="FILE", help="Write the text as a page into this file; '-' is stdout."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how many bits each character of the run's test text, or of TEXT, takes.

    What the model did not expect takes many. A terminal shows it in colours;
    elsewhere, and with NO_COLOR, each line has a line of bars below it.
    A symbol of several characters has the colour of its bits per character.
    A line end that was not expected is shown as ⏎, a tab as ⇥. The bits sum to
    the score of charlm eval perplexity.

    A mixed model adds what its network expects and what its n-grams expect, in
    shares that change from symbol to symbol: the first line shows their means,
    and --top, --json (network_share) and --html the network's share at each place.

    The page of --html shows the likeliest symbols under the mouse. It has no
    scripts and loads nothing; it takes some 100 bytes a character.
    """
    settings = section_config(SurprisalConfig, flags)
    chosen = _text_choice(flags, text, split)
    if by == "line" and (html is not None or "top" in flags):
        raise ConfigError(f"--by line shows whole lines; leave out {'--top' if html is None else '--html'}.")
    if html == "-" and json:
        raise ConfigError("--html - and --json both write to stdout; give --html a file.")
    if settings.top is None and by == "character" and (json or html is not None):
        settings = settings.model_copy(update={"top": USUAL_TOP})

    from charlm.cli.display.progress import make_display
    from charlm.cli.display.surprisal import print_odd_lines, print_summary, print_surprisal, print_surprisal_json
    from charlm.cli.display.surprisal_page import surprisal_page
    from charlm.runs.evaluate.surprisal import surprisal as measure

    result = measure(
        run,
        chosen,
        settings,
        Workspace(),
        make_display(quiet=quiet),
        device=section_config(RunSettings, flags).device,
    )
    if html is not None:
        write_result(sys.stdout.buffer if html == "-" else Path(html), surprisal_page(result))
    if json:
        print_surprisal_json(result, sys.stdout, by=by)
    elif by == "line":
        print_odd_lines(result, sys.stdout)
    elif html is None:
        print_surprisal(result, sys.stdout, top=settings.top)
    elif html != "-":
        print_summary(result, sys.stdout)


def _text_choice(flags: Mapping[str, Any], text: list[str] | None, split: Split | None) -> TextChoice:
    """Returns what is to be scored, and how it is read.

    Raises:
        ConfigError: an option says how to read a text that is not there, or names a part beside one.
    """
    reading = section_config(DataConfig, {"corpus": ("-",), **flags}).model_dump(
        include=READING_SETTINGS & flags.keys()
    )
    if text and split is not None:
        raise ConfigError("--split names a part of the run's own text; leave it out, or leave out TEXT.")
    if reading and not text:
        raise ConfigError(f"{flag(min(reading))} says how to read TEXT; give one, or leave it out.")
    return TextChoice(tuple(text or ()), split, reading, standard_input(*(text or ())))


@settings_options(ExposureConfig)
def exposure(
    *,
    flags: Mapping[str, Any],
    run: Run,
    plot: Plot = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shows how predictions get worse when RUN reads its own output: loss by position after a true prefix.

    "forced" is the loss of the true text when the model reads the true text; "free" is its loss when the model
    reads its own output. "own" and "true" are the loss of the output and of the true text under an n-gram model
    of the training text.
    """
    settings = section_config(ExposureConfig, flags)

    from charlm.cli.display.plots import CurvePlot, plot_curves
    from charlm.cli.display.progress import make_display
    from charlm.cli.display.tables import print_curves
    from charlm.runs.evaluate.exposure import exposure as measure

    curves = asdict(measure(run, settings, Workspace(), make_display(quiet=quiet)))
    if plot is not None:
        look = CurvePlot(
            "Predictions when the model reads its own output",
            x="symbols since the true beginning",
            y="loss (nats per symbol)",
            is_logarithmic=False,
            names=_EXPOSURE_CURVES,
        )
        plot_curves(curves, plot, look)
    if json:
        print_json(curves)
    else:
        print_curves(curves, heading="position", first=1)


@settings_options((DataConfig, READING_SETTINGS), (RunSettings, {"device"}))
def accuracy(
    *,
    flags: Mapping[str, Any],
    run: Run,
    text: OptionalTexts = None,
    split: OwnPart = None,
    confusion: Annotated[
        bool, typer.Option("--confusion", metavar="", help="Show which labels are taken for which.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measures how often the labels of RUN's model are right, on its test examples or those in TEXT.

    Shares have 95 % intervals. The most frequent label and naive Bayes on
    n-grams of characters are measured for comparison.
    """
    chosen = _text_choice(flags, text, split)

    from charlm.cli.display.accuracy import accuracy_json, print_accuracy
    from charlm.cli.display.console import plain_console
    from charlm.cli.display.progress import make_display
    from charlm.runs.evaluate.accuracy import accuracy as measure

    result = measure(
        run,
        chosen,
        Workspace(),
        make_display(quiet=quiet),
        device=section_config(RunSettings, flags).device,
        confusion=confusion,
    )
    if json:
        print_json(accuracy_json(result, confusion=confusion))
    else:
        print_accuracy(plain_console(sys.stdout), result, confusion=confusion)
