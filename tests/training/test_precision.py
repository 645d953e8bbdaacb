import torch

from charlm.training.precision import LossScale
from charlm.training.state import LossScaleState

CPU = torch.device("cpu")
GOOD, OVERFLOW = torch.tensor(0.0), torch.tensor(1.0)


def test_an_overflow_halves_the_scale_and_starts_counting_anew():
    scale = LossScale(CPU, LossScaleState(1024.0, 1500))
    scale.after_step(OVERFLOW)
    assert scale.state() == LossScaleState(512.0, 0)


def test_two_thousand_good_steps_double_it():
    scale = LossScale(CPU, LossScaleState(1024.0, 0))
    for _ in range(1999):
        scale.after_step(GOOD)
    assert scale.state().factor == 1024.0
    scale.after_step(GOOD)
    assert scale.state() == LossScaleState(2048.0, 0)


def test_gradients_come_back_to_their_own_size():
    gradients = [torch.tensor([3.0, -0.5]), torch.tensor([[8.0]])]
    LossScale(CPU, LossScaleState(4.0, 0)).unscale(gradients)
    assert [gradient.tolist() for gradient in gradients] == [[0.75, -0.125], [[2.0]]]
