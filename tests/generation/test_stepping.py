import pytest
import torch
from torch import nn

from charlm.generation.stepping import inference, single_steps


class Counts:
    """A model that is no torch module."""

    vocabulary_size = 2


def test_inside_onednn_is_off_and_afterwards_as_before():
    before = torch.backends.mkldnn.enabled, torch.get_num_threads()
    with single_steps(num_threads=1):
        assert (torch.backends.mkldnn.enabled, torch.get_num_threads()) == (False, 1)
    assert (torch.backends.mkldnn.enabled, torch.get_num_threads()) == before


def test_an_error_inside_sets_everything_back():
    model = nn.Dropout(0.5).train()
    before = torch.backends.mkldnn.enabled, torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), inference(model), single_steps(num_threads=1):
        raise KeyboardInterrupt
    assert (torch.backends.mkldnn.enabled, torch.get_num_threads()) == before
    assert model.training
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("training", [True, False])
def test_inference_has_no_dropout_and_no_gradients(training):
    model = nn.Dropout(0.5).train(training)
    with inference(model):
        assert not model.training
        assert torch.is_inference_mode_enabled()
    assert model.training == training


def test_a_model_without_modes_is_left_alone():
    with inference(Counts()):
        assert torch.is_inference_mode_enabled()
