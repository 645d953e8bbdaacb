from dataclasses import replace

import pytest

from charlm.cli.display.time_left import TimeLeft, steps_in_words
from tests.support.reports import SUMMARY, step_report


def test_a_deadline_is_counted_down_whatever_the_steps_do() -> None:
    seconds = [5.0]
    left = TimeLeft(replace(SUMMARY, seconds_left=90.0), now=lambda: seconds[0])
    assert left.in_words(None) == "1:30 left"
    seconds[0] = 35.0
    assert left.in_words(step_report(1)) == left.in_words(step_report(99)) == "1:00 left"
    seconds[0] = 1000.0
    assert left.in_words(step_report(99)) == "0:00 left"
    assert left.in_words(step_report(100)) == ""


def test_without_a_deadline_it_is_an_estimate_from_the_steps_of_this_session() -> None:
    seconds = [0.0]
    left = TimeLeft(replace(SUMMARY, first_step=20), now=lambda: seconds[0])
    seconds[0] = 0.5
    assert left.in_words(step_report(40)) == ""
    seconds[0] = 60.0
    assert left.in_words(step_report(20)) == left.in_words(None) == ""
    # 20 steps in a minute, 60 to go.
    assert left.in_words(step_report(40)) == "about 3:00 left"


@pytest.mark.parametrize(
    ("total", "expected"),
    [(1000, "1,000"), (987, "990"), (1001, "1,100"), (64, "64"), (12345, "13,000")],
)
def test_before_a_deadline_the_number_of_steps_is_rounded_up(total: int, expected: str) -> None:
    assert steps_in_words(42, total_steps=total, has_deadline=True) == f"step 42 of about {expected}"
    assert steps_in_words(total, total_steps=total, has_deadline=True) == f"step {total:,} of {total:,}"
    assert steps_in_words(42, total_steps=total, has_deadline=False) == f"step 42 of {total:,}"
