import pytest
import torch

from charlm.models.threads import using_threads


def test_the_number_of_threads_is_set_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), using_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before
