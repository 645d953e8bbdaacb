import pytest

from charlm.config import DataConfig
from charlm.data.examples.columns import read_columns
from charlm.data.examples.example import Example, parse_line
from charlm.data.examples.segments import Segment, parse_segments, write_segments
from charlm.errors import DataError


def read(text: str, **settings: object) -> list[Example]:
    data = DataConfig(corpus=("x",), task="tag", **settings)
    return list(read_columns(iter(enumerate(text.split("\n"), start=1)), data, "x"))


def segments(example: Example) -> list[tuple[str, str | None]]:
    found, start = [], 0
    for length, tag in parse_segments(example.target):
        found.append((example.input[start : start + length], tag))
        start += length
    return found


def test_tokens_are_joined_by_spaces_which_have_no_tag() -> None:
    (first, second) = read("EU\tNNP\tB-ORG\nrejects\tVBZ\tO\n\n\nPeter\tNNP\tB-PER\n")
    assert segments(first) == [("EU", "B-ORG"), (" ", None), ("rejects", "O")]
    assert first.input == "EU rejects" and segments(second) == [("Peter", "B-PER")]


def test_columns_may_be_divided_by_spaces() -> None:
    assert segments(read("EU B-ORG\n# O\n")[0]) == [("EU", "B-ORG"), (" ", None), ("#", "O")]


def test_comments_are_skipped_and_a_word_may_follow_without_a_space() -> None:
    text = "# sent 1\ndo\tSpaceAfter=No\tVERB\nn't\tX|SpaceAfter=No\tPART\n.\t_\tPUNCT"
    assert [read for read, _ in segments(read(text)[0])] == ["do", "n't", "."]


def test_ranges_of_conllu_are_skipped() -> None:
    rows = ["1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_", "1\tde\tde\tADP\t_\t_\t2\tx\t_\t_", "2\tle\tle\tDET\t_\t_\t0\tx\t_\t_"]
    assert segments(read("# text = du\n" + "\n".join(rows))[0]) == [("de", "ADP"), (" ", None), ("le", "DET")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a\tO\nb\tx\tO", "line 2, has 3 columns, the lines before it 2"),
        ("a\tO\n\nb", "line 3, has 1 column, the lines before it 2"),
        ("a\nb", "line 1, has one column"),
        ("a\tO\n\tO", "line 2, has an empty token or tag"),
        ("abc\tO\nabcd\tO", "line 1, begins a sentence of 8 characters, more than --max-length 7"),
    ],
)
def test_a_row_that_is_none_is_named(text: str, problem: str) -> None:
    with pytest.raises(DataError) as error:
        read(text, max_length=7)
    assert str(error.value).startswith(f"'x', {problem}")


def test_segments_and_lines_are_written_without_loss() -> None:
    parts = [Segment(2, "B-X y"), Segment(1, None), Segment(10, "O")]
    assert parse_segments(write_segments(parts)) == parts
    example = Example("a\tb\\n\r\n", "1 x")
    assert example.to_line().count("\t") == 1 and parse_line(example.to_line()) == example
