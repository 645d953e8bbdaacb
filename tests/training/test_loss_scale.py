from charlm.training.loss_scale import LossScale


def test_an_overflow_halves_the_scale_and_starts_counting_anew():
    scale = LossScale(factor=1024.0, good_steps=1500)
    scale.after_step(finite=False)
    assert (scale.factor, scale.good_steps) == (512.0, 0)


def test_two_thousand_good_steps_double_it():
    scale = LossScale(factor=1024.0)
    for _ in range(1999):
        scale.after_step(finite=True)
    assert scale.factor == 1024.0
    scale.after_step(finite=True)
    assert (scale.factor, scale.good_steps) == (2048.0, 0)
