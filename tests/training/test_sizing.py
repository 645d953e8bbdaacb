import pytest

from charlm.training.sizing import BATCHES, WIDTHS, Sizes, Task, candidates, choose, estimate

ASKED = Sizes(192, 2, 32, 64)


def task(**changes):
    values = {
        "seconds": 60.0,
        "corpus_symbols": 1_000_000,
        "symbols_per_record": None,
        "most_epochs": 40,
        "gates": 4,
        "vocabulary_size": 65,
    }
    return Task(**(values | changes))


def seconds(sizes: Sizes) -> float:
    """A machine of no kind in particular."""
    return 1e-3 + sizes.batch_size * sizes.sequence_length * (1e-6 + 2e-11 * sizes.hidden_size**2 * sizes.num_layers)


def test_everything_is_open_but_what_was_asked_for():
    assert len(candidates(task(), ASKED, set())) == len(WIDTHS) * len(BATCHES)
    assert {each.num_layers for each in candidates(task(), ASKED, set())} == {2}
    assert {each.hidden_size for each in candidates(task(), ASKED, {"hidden_size"})} == {192}
    assert {each.batch_size for each in candidates(task(), ASKED, {"batch_size"})} == {32}
    assert {each.sequence_length for each in candidates(task(), ASKED, {"sequence_length"})} == {64}
    everything = {"hidden_size", "num_layers", "batch_size", "sequence_length"}
    assert candidates(task(), ASKED, everything) == [ASKED]


@pytest.mark.parametrize(("symbols", "widest"), [(36, 48), (10_000, 96), (1_000_000, 1024)])
def test_a_model_has_a_sensible_size_for_its_text(symbols, widest):
    # Two LSTM layers have 16 times the square of their width weights: at most 50,000, or 20 for each symbol.
    choices = candidates(task(corpus_symbols=symbols), ASKED, set())
    assert max(each.hidden_size for each in choices) == widest


def test_a_device_may_want_widths_of_its_own():
    assert all(each.hidden_size % 128 == 0 for each in candidates(task(), ASKED, set(), width_multiple=128))
    assert {each.hidden_size for each in candidates(task(), ASKED, {"hidden_size"}, width_multiple=128)} == {192}


@pytest.mark.parametrize("budget", [5.0, 60.0, 600.0, 6000.0])
def test_with_time_to_time_the_choice_is_as_good_as_timing_everything(budget):
    job, choices = task(seconds=budget), candidates(task(), ASKED, set())
    best, timed = choose(job, choices, seconds, may_go_on=lambda: True)
    least = min(job.forecast(each, seconds(each)) for each in choices)
    assert job.forecast(best, seconds(best)) <= 1.03 * least
    assert len(timed) < 10


def test_without_time_the_first_that_was_timed_is_taken():
    best, timed = choose(task(), candidates(task(), ASKED, set()), seconds, may_go_on=lambda: False)
    assert list(timed) == [best]


def test_a_faster_machine_and_a_longer_budget_get_wider_models():
    def width(job, slowness):
        choices = candidates(task(), ASKED, set())
        return choose(job, choices, lambda each: slowness * seconds(each), may_go_on=lambda: True)[0].hidden_size

    assert width(task(), 4.0) < width(task(), 1.0) < width(task(seconds=1200.0), 1.0)


def test_an_estimate_is_exact_for_what_was_timed_and_grows_with_the_arithmetic():
    known = {ASKED: 0.02}
    assert estimate(task(), ASKED, known) == 0.02
    wider = Sizes(256, 2, 32, 64)
    assert 0.02 < estimate(task(), wider, known) < 0.02 * (256 / 192) ** 2


def test_a_short_text_has_fewer_stretches_and_short_records_fewer_symbols():
    assert task(corpus_symbols=640).batch_symbols(ASKED) == 640
    assert task(symbols_per_record=7.5).batch_symbols(ASKED) == 32 * 7.5


def test_steps_end_with_the_time_or_with_the_last_epoch_of_use():
    assert task(seconds=10.0).steps(ASKED, 0.1) == 100
    assert task(seconds=1e9).steps(ASKED, 0.1) == -(-40 * 1_000_000 // 2048)
    assert task(seconds=0.001).steps(ASKED, 0.1) == 1
