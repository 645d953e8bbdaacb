import math

import pytest

from charlm.cli.display import formatting


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(4.25, "4.2 s"), (59.96, "1 min 00 s"), (90, "1 min 30 s"), (7500, "2 h 05 min")],
)
def test_durations_read_naturally(seconds: float, expected: str) -> None:
    assert formatting.duration(seconds) == expected


def test_clock() -> None:
    assert [formatting.clock(each) for each in (0, 90, 7505)] == ["0:00", "1:30", "2:05:05"]


def test_perplexities_keep_about_four_digits() -> None:
    assert [formatting.perplexity(each) for each in (1.0, 4.4123, 65.0, 12345.6, 1e7, math.inf)] == [
        "1.000", "4.412", "65.00", "12,346", "1.00e+07", "–",
    ]  # fmt: skip


def test_what_is_not_a_number_is_a_dash() -> None:
    assert formatting.number(math.nan) == "–"
    assert formatting.number(1.23456) == "1.2346"
    assert formatting.number(153828594.9) == "1.54e+08"


def test_sparklines_span_lowest_to_highest() -> None:
    assert formatting.sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"
    assert formatting.sparkline([1.0, 1.0]) == "▁▁"
    assert formatting.sparkline([math.nan]) == ""
    assert len(formatting.sparkline(list(range(1000)), width=40)) == 40


def test_bits_are_nats_over_log_2() -> None:
    assert formatting.bits(math.log(8)) == pytest.approx(3)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (999.9, "1.00k"),
        (12_345, "12.3k"),
        (999_600, "1.00M"),
        (1e10, "10.0G"),
        (2.5e12, "2500G"),
    ],
)
def test_amounts_have_three_digits(value: float, shown: str) -> None:
    assert formatting.amount(value) == shown
