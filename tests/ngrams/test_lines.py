import copy

from charlm.ngrams.latest import CHANGED
from charlm.ngrams.lines import Lines

END = 0


def learnt(symbols, line_end=END):
    lines = Lines(line_end)
    for symbol in symbols:
        lines.learn(symbol)
    return lines


def test_what_came_at_the_same_place_after_a_line_of_the_same_length():
    # Lines of two symbols: the third is the first after one of two, and the fourth repeats its beginning.
    lines = learnt([1, 2, END, 3, 4, END, 3, 5, END])
    assert (lines.place, lines.latest) == (0, (3, 1))
    lines.learn(3)
    assert (lines.place, lines.latest) == (1, (5, CHANGED))
    lines.learn(5)
    assert (lines.place, lines.latest) == (2, (END, 1))


def test_after_a_line_of_another_length_nothing_is_known():
    lines = learnt([1, 2, END, 3, 4, END, 3, END])
    assert (lines.place, lines.latest) == (0, None)


def test_long_lines_have_one_last_place():
    lines = learnt([1] * 200 + [2])
    assert lines.place == Lines.NUM_PLACES - 1
    assert lines.latest == (2, CHANGED)


def test_without_ends_of_lines_there_is_one_line():
    assert learnt([1, END, 1, END], line_end=None).place == 4


def test_records_are_lines_whether_they_end_with_one_or_not():
    ended, begun = learnt([1, 2, END]), learnt([1, 2])
    for lines in (ended, begun):
        lines.restart()
        lines.learn(7)
        lines.learn(END)
        lines.restart()
    assert ended.latest == begun.latest is None
    lines = learnt([1, END, 1])
    lines.restart()
    assert lines.latest == (1, 0)


def test_a_copy_reads_on_without_remembering():
    lines = learnt([1, 2, END, 1, 2, END])
    copied = copy.copy(lines)
    for symbol in (1, 3, END):
        copied.read(symbol)
    assert copied.latest == lines.latest == (1, 0)
    lines.learn(1)
    assert lines.latest == (2, 0)
