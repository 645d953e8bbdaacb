import torch

from charlm.distributed.world import ALONE, share_of


def test_alone_the_sums_are_those_of_the_parts_and_nothing_waits():
    parts = ([torch.ones(3), None, torch.full((2,), 2.0), None] for _ in range(3))
    ones, none, twos, late = ALONE.add_in_order([*parts, [torch.ones(3), None, torch.ones(2), torch.ones(1)]], of=4)
    assert ones.tolist() == [4.0, 4.0, 4.0]
    assert none is None
    assert twos.tolist() == [7.0, 7.0]
    assert late.tolist() == [1.0]
    assert ALONE.by_first(lambda: "said") == "said"
    assert ALONE.by_first(lambda: None) == ""


def test_shares_are_neighbours_that_make_up_the_whole_and_the_first_has_one_of_anything():
    for size in range(1, 6):
        for number in range(1, 12):
            shares = [share_of(rank, size, number) for rank in range(size)]
            assert [part for share in shares for part in share] == list(range(number))
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
            assert 0 in shares[0]
