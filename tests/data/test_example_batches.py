import numpy as np
import pytest

from charlm.data.example_batches import ExampleBatches
from charlm.data.lanes import IGNORED
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.labels import LabelTokenizer

TOKENIZER = LabelTokenizer(CharTokenizer("abc"), task="classify", labels=["x", "y"])
LINES = ["a\tx", "abca\ty", "bb\tz", "cab\tx", "c\ty"]


def batches(*, batch_size: int, seed: int = 1, lines: list[str] = LINES) -> ExampleBatches:
    tokens = TokenFile(TOKENIZER.encode("".join(f"{line}\n" for line in lines)))
    return ExampleBatches(tokens, TOKENIZER, batch_size=batch_size, seed=seed)


def test_the_target_of_an_example_is_its_label_in_the_first_row() -> None:
    window = batches(batch_size=5).window(0)
    assert window.fresh and window.num_targets == 4 and window.targets.shape == (1, 5)
    found = {}
    for lane in range(5):
        symbols = window.inputs[:, lane].tolist()
        assert symbols[0] == TOKENIZER.begin
        text = [symbol for symbol in symbols[1:] if symbol]
        found["".join("?abc"[symbol - 2] for symbol in text)] = int(window.targets[0, lane])
    assert found == {"a": 0, "abca": 1, "bb": IGNORED, "cab": 0, "c": 1}


def test_an_epoch_reads_every_example_once_and_lanes_without_one_are_empty() -> None:
    each = batches(batch_size=2)
    assert each.windows_per_epoch == 3 and each.num_lanes == 2 and each.targets_per_epoch == 4
    numbers = np.concatenate([each.examples_of(number) for number in range(3)])
    assert sorted(numbers.tolist()) == [0, 1, 2, 3, 4]
    windows = [each.window(index) for index in range(3)]
    assert all(window.inputs.shape[1] == 2 for window in windows)
    assert sum(window.num_targets for window in windows) == 4


@pytest.mark.parametrize("index", [0, 2, 7])
def test_a_window_is_a_function_of_its_number(index: int) -> None:
    one, other = batches(batch_size=2), batches(batch_size=2)
    other.window(5)
    assert one.window(index).inputs.equal(other.window(index).inputs)
    assert not all(one.window(3 + k).inputs.equal(one.window(k).inputs) for k in range(3))


def test_every_epoch_has_each_example_once_in_other_company() -> None:
    each = batches(batch_size=2, lines=["aa\tx", "ab\tx", "ba\tx", "bb\tx"])
    epochs = [[each.window(2 * epoch + place).inputs.T.tolist() for place in range(2)] for epoch in range(5)]
    read = [sorted(lane for batch in epoch for lane in batch) for epoch in epochs]
    assert len(set(map(tuple, read[0]))) == 4
    assert all(texts == read[0] for texts in read)
    company = [{frozenset(map(tuple, batch)) for batch in epoch} for epoch in epochs]
    assert any(pairs != company[0] for pairs in company)
