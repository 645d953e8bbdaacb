import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from charlm.cli.display import results
from charlm.evaluation.baselines import Baseline
from charlm.evaluation.score import Score
from charlm.runs.corpora import listing
from charlm.runs.evaluate.perplexity import EvaluationResult
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.result import TrainResult

# 100 symbols at 1 bit each, 100 characters, 200 bytes: 1 bit per character, half a bit per byte, perplexity 2.
ONE_BIT = Score(
    100 * math.log(2), num_symbols=100, num_characters=100, num_bytes=200, num_unknown=3, unknown_nats=60 * math.log(2)
)
THREE_BITS = Score(300 * math.log(2), num_symbols=100, num_characters=100, num_bytes=200)


def train_result(*, outcome: str = "finished", test: Score | None = None, exact: bool = True) -> TrainResult:
    return TrainResult(
        run=Path("checkpoints/demo"),
        name="demo",
        kind="recurrent",
        parameters=12345,
        steps=100,
        total_steps=100,
        seconds=61.0,
        characters_per_second=2500.0,
        validation=ONE_BIT,
        test=test,
        exact=exact,
        baselines=(Baseline("uniform", "validation", THREE_BITS),),
        sample="a [bold]b\x1b[31m",
        outcome=outcome,  # type: ignore[arg-type]
    )


def printed(show: "object", value: "object") -> str:
    console = Console(file=io.StringIO(), width=100, markup=False, highlight=False)
    show(console, value)  # type: ignore[operator]
    return console.file.getvalue()  # type: ignore[attr-defined]


def row_of(text: str, name: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_training_is_shown_beside_its_baselines() -> None:
    text = printed(results.print_training, train_result())
    assert row_of(text, "demo")[1:] == ["0.6931", "1.0000", "0.5000", "2.000"]
    assert row_of(text, "uniform")[1:] == ["2.0794", "3.0000", "1.5000", "8.000"]
    assert "12,345 parameters, 100 steps in 1 min 01 s, 2,500 characters/s with evaluations" in text
    assert "  a [bold]b␛[31m\n" in text
    assert "charlm train --resume demo --steps 500" in text
    assert "test" not in text.split()


@pytest.mark.parametrize(("part", "other"), [("mixture", "network alone"), ("network alone", "mixture")])
def test_a_mixture_and_its_network_are_told_apart(part: str, other: str) -> None:
    baselines = tuple(
        Baseline(name, "validation", THREE_BITS)
        for name in ("mixture", "network alone")
        if name != "mixture" or part != name
    )
    text = printed(results.print_training, replace(train_result(), part=part, baselines=baselines))
    rows = [line.strip() for line in text.splitlines() if "0.6931" in line or "2.0794" in line]
    assert len(rows) == 2
    assert rows[0].startswith(f"demo, {part} ") and rows[1].startswith(f"{other} ")


def test_what_unknown_characters_take_of_a_score_is_shown_where_there_are_any() -> None:
    for text in (
        printed(results.print_training, train_result(test=THREE_BITS)),
        printed(results.print_evaluation, EvaluationResult("demo", "b.txt", ONE_BIT, ())),
    ):
        assert text.count("has no symbol for") == 1
        assert "has no symbol for 3 of " in text
        assert "naming them costs 0.6000 bits/char, which every row has" in " ".join(text.split())
    assert "has no symbol" not in printed(results.print_evaluation, EvaluationResult("demo", "b.txt", THREE_BITS, ()))


def test_an_early_stop_is_shown() -> None:
    text = printed(results.print_training, train_result(outcome="stopped early"))
    assert "with evaluations; stopped early: " in " ".join(text.split())


def test_a_network_that_learnt_nothing_is_told_apart_with_what_to_try() -> None:
    weak = replace(train_result(), no_better_than=Baseline("bigram", "validation", THREE_BITS))
    text = printed(results.print_training, weak)
    assert "no better than by a bigram model, which knows only the last symbol (2.0794 nats/char)." in text
    assert "Try a longer training: 100 steps are few." in text
    text = printed(results.print_training, replace(weak, steps=500))
    assert "Try a lower --learning-rate, --precision fp32, another --seed, or a longer training." in text
    assert results.training_json(weak)["no_better_than"] == "bigram"
    assert "no better than" not in printed(results.print_training, train_result())
    assert results.training_json(train_result())["no_better_than"] is None


def test_a_training_that_diverged_is_told_so() -> None:
    uniform = Baseline("uniform", "validation", THREE_BITS)
    far_off = replace(THREE_BITS, total_nats=2 * THREE_BITS.total_nats)
    diverged = replace(train_result(), validation=far_off, baselines=(uniform,), no_better_than=uniform)
    text = printed(results.print_training, diverged)
    assert "The training diverged" in text and "a uniform model, which knows nothing (2.0794 nats/char)" in text
    assert "Try a lower --learning-rate or --clip-norm" in text
    # One step says nothing of where a training goes.
    unigram = Baseline("unigram", "validation", THREE_BITS)
    text = printed(results.print_training, replace(diverged, steps=1, no_better_than=unigram))
    assert "diverged" not in text and "Try a longer training: 1 step is few." in text


def test_a_training_whose_time_was_over_long_before_its_end_says_so() -> None:
    cut = replace(train_result(), cut_short_at=0.41)
    text = " ".join(printed(results.print_training, cut).split())
    assert "The time was over after 41% of the training that was planned" in text and "with a longer --budget" in text
    assert results.training_json(cut)["cut_short_at"] == 0.41
    assert "planned" not in printed(results.print_training, train_result())


def test_a_score_of_parallel_stretches_is_marked() -> None:
    assert "stretches" not in printed(results.print_training, train_result())
    text = " ".join(printed(results.print_training, train_result(exact=False)).split())
    assert "scored in parallel stretches" in text
    assert "charlm eval perplexity demo scores it exactly, as one stream" in text
    assert results.training_json(train_result(exact=False))["exact"] is False


def test_training_as_json_has_the_promised_keys() -> None:
    value = results.training_json(train_result())
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert {"run", "parameters", "steps", "seconds", "characters_per_second", "validation", "test"} <= set(value)
    assert value["validation"]["perplexity"] == pytest.approx(2)
    assert value["test"] is None
    assert value["baselines"]["validation"]["uniform"]["bits_per_character"] == pytest.approx(3)


def test_a_score_is_shown_with_its_counts() -> None:
    result = EvaluationResult("demo", "b.txt", ONE_BIT, (Baseline("unigram", "b.txt", THREE_BITS),))
    text = printed(results.print_evaluation, result)
    assert row_of(text, "demo") == ["demo", "0.6931", "1.0000", "0.5000", "2.000"]
    assert "100 symbols scored, 0.6931 nats each, 3 of them unknown to the model: 100 characters, 200 bytes" in text


def test_a_score_as_json_has_the_promised_keys() -> None:
    value = results.evaluation_json(EvaluationResult("demo", "b.txt", ONE_BIT, ()))
    promised = ("nats_per_symbol", "perplexity", "bits_per_character", "bits_per_byte")
    assert {*promised, "symbols", "characters", "bytes", "unknown"} <= set(value)
    assert value["unknown"] == 3


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("checkpoints/demo", "charlm train --resume demo"),
        ("/home/ann/my runs/demo", "charlm train --resume '/home/ann/my runs/demo'"),
    ],
)
def test_the_resuming_command_can_be_pasted(run: str, expected: str) -> None:
    assert results.resume_command(Path(run)) == expected


def test_names_that_users_choose_are_shown_as_they_are() -> None:
    name = "[/x]\x1b[2J\x9b"
    trained = replace(train_result(exact=False), run=Path("elsewhere") / name, name=name)
    scored = EvaluationResult(name, name, ONE_BIT, (Baseline(name, name, THREE_BITS),))
    for text in (printed(results.print_training, trained), printed(results.print_evaluation, scored)):
        assert "[/x]␛[2J\\u009b" in text
        assert "\x1b" not in text and "\x9b" not in text


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {},
            [
                "charlm sample demo --length 1000",
                "charlm eval perplexity demo",
                "charlm train --resume demo --steps 500",
            ],
        ),
        ({"are_records": True}, ["charlm sample demo --num-samples 20"]),
        ({"validation": None}, ["charlm eval perplexity demo TEXT"]),
    ],
)
def test_hints_fit_the_run(changed: dict[str, Any], expected: list[str]) -> None:
    lines = [line.strip() for line in printed(results.print_training, replace(train_result(), **changed)).splitlines()]
    assert set(expected) <= set(lines)


def test_the_corpora_fit_eighty_columns() -> None:
    console = Console(file=io.StringIO(), width=80, markup=False, highlight=False)
    results.print_corpora(console, listing(Workspace(Path("nowhere"))))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert all(len(line.rstrip()) <= 80 for line in lines)
    assert any(line.startswith("tiny-shakespeare") and "not fetched" in line for line in lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_wraps_an_excerpt_between_words_and_a_pipe_does_not() -> None:
    for stream, expected in (
        (Terminal(), "  aaaa bbbb\n  cccc\n  d\n"),
        (io.StringIO(), "  aaaa bbbb cccc\n  d\n"),
    ):
        results.print_excerpt(Console(file=stream, width=12, highlight=False), "aaaa bbbb cccc\nd")
        assert stream.getvalue() == expected
