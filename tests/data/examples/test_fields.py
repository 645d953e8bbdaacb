import pytest

from charlm.config import DataConfig
from charlm.data.examples.example import Example
from charlm.data.examples.fields import given_text, read_fields
from charlm.errors import DataError


def read(*lines: str, **settings: object) -> list[Example]:
    data = DataConfig(corpus=("names.tsv",), task="classify", **settings)
    return list(read_fields(iter(enumerate(lines, start=1)), data, "names.tsv"))


def test_left_of_the_tab_is_the_input_and_right_of_it_the_target() -> None:
    assert read("Rossi\tItalian", "", " Kant \t German ") == [Example("Rossi", "Italian"), Example("Kant", "German")]


def test_fields_can_be_exchanged() -> None:
    assert read("Italian\tRossi", swap=True) == [Example("Rossi", "Italian")]


def test_fasttext_has_its_label_first() -> None:
    assert read("__label__pos a fine\tfilm", layout="fasttext") == [Example("a fine film", "pos")]


@pytest.mark.parametrize(
    ("line", "settings", "problem"),
    [
        ("Rossi Italian", {}, "line 2, has no tab: 'Rossi Italian'"),
        ("a\tb\tc", {}, "line 2, has 2 tabs"),
        ("\tItalian", {}, "line 2, has nothing before the tab"),
        ("Rossi\t ", {}, "line 2, has nothing after the tab"),
        ("\tItalian", {"swap": True}, "line 2, has nothing before the tab"),
        ("toolong\tItalian", {"max_length": 6}, "line 2, has 7 characters to read, more than --max-length 6"),
        ("no label", {"layout": "fasttext"}, "line 2, does not begin with __label__"),
        ("__label__x", {"layout": "fasttext"}, "line 2, has no text"),
        ("__label__x __label__y text", {"layout": "fasttext"}, "line 2, has several labels"),
    ],
)
def test_a_line_that_is_no_example_is_named(line: str, settings: dict[str, object], problem: str) -> None:
    first = "__label__x y" if "layout" in settings else "a\tb"
    with pytest.raises(DataError) as error:
        read(first, line, **settings)
    assert str(error.value).startswith(f"'names.tsv', {problem}")


def test_the_layout_of_a_line_is_guessed() -> None:
    with pytest.raises(DataError, match=r"has no tab.* Lines of __label__x text are read with --layout fasttext"):
        read("a\tb", "__label__x text")


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        (
            {"task": "classify"},
            "A line is TEXT<TAB>LABEL, with exactly one tab. To make two columns of several: cut -f 1,2",
        ),
        ({"task": "generate", "swap": True}, "A line is TEXT<TAB>CONDITION"),
        (
            {"task": "transduce"},
            r"""To make two columns of several: awk -F '\t' '{print $1 " " $3 "\t" $2}' FILE""",
        ),
    ],
)
def test_what_a_line_should_be_is_told(settings: dict[str, object], advice: str) -> None:
    data = DataConfig(corpus=("x",), **settings)
    with pytest.raises(DataError) as error:
        list(read_fields(iter([(1, "walk\twalked\tV;PST")]), data, "x"))
    assert advice in str(error.value)


def test_a_label_may_be_missing_where_one_is_asked_for() -> None:
    data = DataConfig(corpus=("x",), task="classify")
    assert [given_text(line, data) for line in ("Rossi", "Rossi\tItalian", " ")] == ["Rossi", "Rossi", ""]
    assert given_text("Italian\tRossi", data.model_copy(update={"swap": True})) == "Rossi"
    fasttext = data.model_copy(update={"layout": "fasttext"})
    assert [given_text(line, fasttext) for line in ("__label__x a b", "a b")] == ["a b", "a b"]
