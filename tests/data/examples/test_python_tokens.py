from charlm.data.examples.python_tokens import tagged_blocks
from charlm.data.examples.segments import parse_segments

SOURCE = "def f(x):  # says\n    return f\"{x}\" + 'a' * 0x1\n"


def test_every_character_has_the_class_of_its_token() -> None:
    (block,) = tagged_blocks(SOURCE)
    assert block.input == SOURCE
    found, start = [], 0
    for length, tag in parse_segments(block.target):
        found.append((SOURCE[start : start + length], tag))
        start += length
    assert start == len(SOURCE)
    assert [each for each in found if each[1] != "blank"][:7] == [
        ("def", "keyword"),
        ("f", "name"),
        ("(", "operator"),
        ("x", "name"),
        ("):", "operator"),
        ("# says", "comment"),
        ("return", "keyword"),
    ]
    assert ("'a'", "string") in found and ("0x1", "number") in found


def test_blocks_are_whole_lines_and_a_long_string_is_not_cut() -> None:
    text = "x = 1\n" * 100 + f'"""{"words " * 100}\n{"more " * 20}"""\n' + "y = 2\n" * 10
    blocks = list(tagged_blocks(text))
    assert "".join(block.input for block in blocks) == text
    assert all(block.input.endswith("\n") and len(block.input) <= 1500 for block in blocks)
    assert sum('"""' in block.input for block in blocks) == 1


def test_a_file_with_errors_has_no_blocks() -> None:
    assert list(tagged_blocks("x = (\n")) == []
