import pytest
import torch
from torch import nn

from charlm.models.threads import SMALL_STEP, threads_for_steps, using_threads


def test_a_small_step_takes_one_thread_and_a_large_one_all():
    layer = nn.Linear(1024, 16, bias=False, device="meta")
    largest = SMALL_STEP // (1024 * 16)
    assert threads_for_steps(layer, batch_size=largest) == 1
    assert threads_for_steps(layer, batch_size=largest + 1) == torch.get_num_threads()


def test_a_model_without_parameters_takes_one_thread():
    assert threads_for_steps(object(), batch_size=64) == 1


def test_the_number_of_threads_is_set_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), using_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before
