import math

import pytest
import torch

from charlm.models.hashed_ngrams import HashedNgrams
from charlm.stepping.shapes import hashed_rows


def drawn(*, dropout: float = 0.0) -> HashedNgrams:
    ngrams = HashedNgrams(3, dropout=dropout)
    with torch.no_grad():
        ngrams.weight.normal_(generator=torch.Generator().manual_seed(1))
    return ngrams


def row(ngram: list[int]) -> int:
    number = 0
    for symbol in reversed(ngram):
        number = (number * 1_000_003 + symbol + 1) % (2**31 - 1)
    return number % hashed_rows(3)


def expected(example: list[int], weight: torch.Tensor) -> torch.Tensor:
    marked = [*example, 0]
    ngrams = [marked[i : i + n] for n in (1, 2, 3, 4) for i in range(len(marked) - n + 1)]
    return 3.0 * weight[[row(ngram) for ngram in ngrams]].sum(dim=0) / math.sqrt(len(ngrams))


def test_the_weights_of_all_ngrams_with_both_ends_add_up() -> None:
    ngrams = drawn()
    tokens = torch.tensor([[0, 0, 0], [5, 7, 0], [6, 0, 0], [5, 0, 0], [9, 0, 0]])
    found = ngrams(tokens, torch.tensor([5, 2, 1]), None)
    for lane, example in enumerate(([0, 5, 6, 5, 9], [0, 7], [0])):
        torch.testing.assert_close(found[lane], expected(example, ngrams.weight))


def test_some_ngrams_are_left_out_in_training_alone() -> None:
    ngrams, generator = drawn(dropout=0.5), torch.Generator().manual_seed(1)
    tokens, lengths = torch.tensor([[0], [5], [6]]).expand(3, 2000), torch.full((2000,), 3)
    whole = ngrams.eval()(tokens, lengths, generator)
    assert torch.equal(whole, whole[:1].expand_as(whole))
    halved = ngrams.train()(tokens, lengths, generator)
    assert not torch.equal(halved[0], halved[1])
    torch.testing.assert_close(halved.mean(dim=0), whole[0], atol=0.3, rtol=0)


@pytest.mark.parametrize(("num_labels", "rows"), [(2, 262_144), (18, 29_127), (10**9, 1)])
def test_more_labels_have_fewer_rows(num_labels: int, rows: int) -> None:
    assert hashed_rows(num_labels) == rows
