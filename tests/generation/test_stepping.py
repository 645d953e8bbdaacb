import numpy as np
import pytest
import torch
from torch import nn

from charlm.generation import stepping
from charlm.generation.stepping import TorchStepModel, inference, single_steps
from charlm.models.recurrent import RecurrentLanguageModel

CPU = torch.device("cpu")


class Counts:
    """A model that is no torch module."""

    vocabulary_size = 2


def recurrent(**options) -> RecurrentLanguageModel:
    model = RecurrentLanguageModel(6, embedding_size=4, hidden_size=5, num_layers=2, output_dropout=0.5, **options)
    model.initialize(torch.Generator().manual_seed(2))
    return model


def test_steps_give_the_logits_and_the_state_of_the_whole_window():
    model = recurrent().eval()
    tokens = np.array([[0, 5], [1, 1], [2, 0]])
    stepper = TorchStepModel(model, device=CPU).stepper(TorchStepModel(model, device=CPU).initial_state(2))
    rows = [stepper.step(row) for row in tokens]
    with torch.no_grad():
        logits, state = model(torch.from_numpy(tokens), model.initial_state(2))
    assert np.stack(rows) == pytest.approx(logits.numpy(), abs=1e-6)
    for part, expected in zip(stepper.state(), state, strict=True):
        assert part == pytest.approx(expected.numpy(), abs=1e-6)


def test_a_text_is_read_in_chunks_with_the_same_result(monkeypatch):
    model = TorchStepModel(recurrent(), device=CPU)
    tokens = np.arange(13) % 6
    whole = model.read(tokens, model.initial_state(1))
    monkeypatch.setattr(stepping, "READING_CHUNK", 5)
    for part, expected in zip(model.read(tokens, model.initial_state(1)), whole, strict=True):
        assert part == pytest.approx(expected, abs=1e-6)
    assert all((part == 0).all() for part in model.read(tokens[:0], model.initial_state(1)))


@pytest.mark.parametrize("training", [True, False])
def test_between_steps_the_model_and_torch_are_as_before(training):
    model = recurrent().train(training)
    threads, onednn, random_state = torch.get_num_threads(), torch.backends.mkldnn.enabled, torch.get_rng_state()
    stepped = TorchStepModel(model, device=CPU)
    stepper = stepped.stepper(stepped.read(np.array([1, 2]), stepped.initial_state(1)))
    stepper.step(np.array([3]))
    assert [module.training for module in model.modules()] == [training] * len(list(model.modules()))
    assert torch.get_num_threads() == threads
    assert torch.backends.mkldnn.enabled == onednn
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert torch.equal(torch.get_rng_state(), random_state)


def test_dropout_does_not_disturb_the_steps():
    model = recurrent()
    rows = []
    for training in (True, False):
        stepped = TorchStepModel(model.train(training), device=CPU)
        rows.append(stepped.stepper(stepped.initial_state(1)).step(np.array([1])).tolist())
    assert rows[0] == rows[1]


def test_inside_onednn_is_off_and_afterwards_as_before():
    before = torch.backends.mkldnn.enabled, torch.get_num_threads()
    with single_steps():
        assert (torch.backends.mkldnn.enabled, torch.get_num_threads()) == (False, 1)
    assert (torch.backends.mkldnn.enabled, torch.get_num_threads()) == before


def test_an_error_inside_sets_everything_back():
    model = nn.Dropout(0.5).train()
    before = torch.backends.mkldnn.enabled, torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), inference(model), single_steps():
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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_steps_and_reads_as_the_cpu_does():
    model = recurrent()
    tokens = np.array([[0, 5], [1, 1], [2, 0]])
    results = []
    for device in (CPU, torch.device("cuda")):
        stepped = TorchStepModel(model.to(device), device=device)
        stepper = stepped.stepper(stepped.initial_state(2))
        rows = np.stack([stepper.step(row) for row in tokens])
        results.append([rows, *stepper.state(), *stepped.read(tokens[:, 0], stepped.initial_state(1))])
    for part, expected in zip(*results, strict=True):
        assert part == pytest.approx(expected, abs=1e-5)
