import pytest

from charlm.data.survey import shared_out


@pytest.mark.parametrize(
    ("units", "sizes", "shares"),
    [
        ([5, 5], {"train": 10}, [{"train": 5}, {"train": 5}]),
        ([5, 0, 5], {"train": 7, "valid": 2, "test": 1}, [{"train": 5}, {}, {"train": 2, "valid": 2, "test": 1}]),
        ([4, 4, 2], {"train": 4, "test": 6}, [{"train": 4}, {"test": 4}, {"test": 2}]),
        ([9], {"train": 3, "valid": 6}, [{"train": 3, "valid": 6}]),
    ],
)
def test_blocks_are_shared_out_in_their_order(units, sizes, shares):
    assert shared_out(units, sizes) == shares
