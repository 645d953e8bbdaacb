"""Numbers and values as sentences hold them."""

import pytest

from charlm.notation import Duration, counted, either, nearest, parse_counts, quoted


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "1 step"), (0, "0 steps"), (2, "2 steps"), (1.5, "1.5 steps"), (10**7, "10,000,000 steps")],
)
def test_what_is_one_has_no_plural(number, expected):
    assert counted(number, "step") == expected


def test_alternatives_are_listed_as_in_a_sentence():
    assert [either(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]


def test_a_duration_is_written_as_people_write_it():
    assert str(Duration(1, "epochs")) == "1 epoch"
    assert str(Duration(0.5, "epochs")) == "0.5 epochs"
    assert [str(Duration(seconds, "seconds")) for seconds in (90, 300, 5400, 7200)] == ["90s", "5m", "90m", "2h"]


def test_a_short_value_is_quoted_whole_and_a_long_one_cut():
    assert quoted("soon") == "'soon'"
    assert quoted("x" * 79) == "'" + "x" * 79 + "…"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lsmt", "lstm"),
        ("temprature", "temperature"),
        ("shakespeare", "tiny-shakespeare"),
        ("score", None),  # Not 'compare', which has four of its letters.
        ("run-3", None),  # Not 'run-2': another number is another run.
        ("run2", "run-2"),
        ("", None),
    ],
)
def test_a_misspelt_name_is_nearly_the_same(name, meant):
    assert nearest(name, ["lstm", "temperature", "tiny-shakespeare", "compare", "run-2"]) == meant
    assert nearest(name, []) is None


def test_the_only_name_that_ends_in_the_given_words_is_meant():
    assert nearest("--budget", ["--trial-budget", "--budgets"]) == "--trial-budget"
    assert nearest("size", ["batch_size", "hidden_size"]) is None


def test_counts_are_whole_numbers_with_commas():
    assert parse_counts("1,20,300", most=300) == (1, 20, 300)
    for text in ("", "1,x", "1,,2", "0", "301", "-1", "1.5", "1 2", "9" * 5000):
        with pytest.raises(ValueError, match="should be whole numbers from 1 to 300 with commas, as in 1,2,3"):
            parse_counts(text, most=300)
