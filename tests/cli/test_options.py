import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from charlm.cli.app import build_app
from charlm.cli.options import flag, plain_type, settings_options
from charlm.config import EvaluationConfig, RunConfig, SamplingConfig, Section


class Paint(Section):
    surface: str
    colour: Annotated[Literal["red", "blue"], Field(description="Colour of it.")] = "red"
    coats: Annotated[int, Field(ge=1, description="How many coats.")] = 2
    thinner: Annotated[Annotated[float, Field(ge=0, lt=1)] | None, Field(description="Share.  [default: by eye]")] = (
        None
    )
    glossy: Annotated[bool, Field(description="Whether it shines [a lot].")] = True
    over: Annotated[tuple[str, ...], Field(description="What to paint over.")] = ()


def parse(*arguments: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    app = typer.Typer()

    @app.command()
    @settings_options(Paint)
    def paint(*, flags: Mapping[str, Any], again: bool = False) -> None:
        """Paints."""
        seen.update(flags)

    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False, env={"TERM": "dumb", "COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return seen if seen or "--help" not in arguments else {"help": result.output}


def test_only_what_was_typed_reaches_the_command() -> None:
    assert parse() == {}
    assert parse("--coats", "2") == {"coats": "2"}


def test_every_kind_of_field_is_parsed() -> None:
    assert parse("--colour", "blue", "--thinner", "0.5", "--no-glossy", "--over", "a", "--over", "b") == {
        "colour": "blue",
        "thinner": "0.5",
        "glossy": False,
        "over": ["a", "b"],
    }


def test_help_shows_descriptions_choices_and_defaults_literally() -> None:
    text = parse("--help")["help"]
    for expected in ("<red|blue>", "[default: 2]", "[default: (by eye)]", "shines [a lot]", "--no-glossy", "Paint"):
        assert expected in text


def test_a_required_field_is_no_option() -> None:
    assert "--surface" not in parse("--help")["help"]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, int),
        (int | None, int),
        (Annotated[float, Field(gt=0)] | None, float),
        (Literal["a", "b"], Literal["a", "b"]),
        (tuple[str, ...], tuple[str, ...]),
    ],
)
def test_plain_type_drops_bounds_and_none(annotation: Any, expected: Any) -> None:
    assert plain_type(annotation) == expected


def option_names(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def test_every_setting_of_a_run_is_an_option_of_train() -> None:
    names = option_names(typer.main.get_command(build_app()).commands["train"])
    for section in RunConfig.model_fields.values():
        for name, field in section.annotation.model_fields.items():
            if not field.is_required():
                assert flag(name) in names
                assert (field.annotation is not bool) or flag(f"no_{name}") in names


def test_every_setting_of_sampling_and_scoring_is_an_option() -> None:
    commands = typer.main.get_command(build_app()).commands
    assert {flag(name) for name in SamplingConfig.model_fields} <= option_names(commands["sample"])
    perplexity = commands["eval"].commands["perplexity"]
    assert {flag(name) for name in EvaluationConfig.model_fields} <= option_names(perplexity)


def test_every_command_and_parameter_has_help() -> None:
    def leaves(command: Any) -> list[Any]:
        return [leaf for sub in getattr(command, "commands", {}).values() for leaf in leaves(sub)] or [command]

    for command in leaves(typer.main.get_command(build_app())):
        assert inspect.cleandoc(command.help or "")
        for parameter in command.params:
            assert parameter.help, f"{command.name} {parameter.name}"
