"""What a budget decides, by numbers that can be worked out by hand; they are sums of powers of two."""

import pytest

from charlm.config import RunConfig, make_request
from charlm.data.tokenizers.build import learnt
from charlm.notation import Duration
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.train.budget import MOST_EPOCHS, choose_sizes, cut_short_at, fill_budget, sizing_task
from charlm.runs.train.timing import ScoringCosts
from charlm.training.pace import Pace
from charlm.training.planning import FEWEST_STEPS
from charlm.training.sizing import Task

TASK = Task(
    seconds=100.0, corpus_symbols=1_000_000, symbols_per_record=None, most_epochs=40, gates=4, vocabulary_size=100
)


def fill(budget: float = 8.0, **changes):
    settings = {
        "left": 8.0,
        "step_seconds": 1 / 128,
        "costs": ScoringCosts(evaluation=1 / 16, writing=0.0, stretches=0.0, stream=0.0),
        "evaluations": 4,
        "steps_per_epoch": 10_000,
        "asked": {"budget"},
    }
    return fill_budget(Duration(budget, "seconds"), **(settings | changes))


def test_steps_fill_what_evaluations_leave():
    # 4 evaluations take a quarter of a second; 7.75 s are left, at 128 steps each.
    filled = fill()
    assert (filled.division.steps, filled.division.evaluations, filled.seconds) == (992, 4, 8.0)
    assert filled.reason == "what fits in 8s at 7.8 ms a step"
    assert filled.most_steps == 40 * 10_000
    assert filled.warnings == ()


def test_evaluations_take_at_most_a_twentieth():
    # A twentieth of 8 s is 0.4 s, in which 6 of a sixteenth fit; 7.625 s are left.
    filled = fill(evaluations=100)
    assert (filled.division.evaluations, filled.division.steps) == (6, 976)


def test_three_evaluations_are_made_however_long_they_take():
    slow = ScoringCosts(evaluation=4.0, writing=0.0, stretches=0.0, stream=0.0)
    # A twentieth of 8 s for three of them: each reads a thirtieth of the text.
    division = fill(costs=slow).division
    assert (division.evaluations, division.share, division.steps) == (3, pytest.approx(1 / 30), 972)


def test_evaluations_that_were_asked_for_stand():
    assert fill(evaluations=100, asked={"evaluations"}).division.evaluations == 100


def test_a_budget_that_is_over_still_gets_a_second_and_says_what_would_suffice():
    # Three evaluations, and 19/20 s of steps. Beginning took 7 s; two more make sense.
    filled = fill(5.0, left=-2.0)
    assert (filled.division.steps, filled.division.evaluations, filled.seconds) == (121, 3, 1.0)
    assert filled.reason.startswith("what fits in 1s at")
    assert len(filled.warnings) == 1
    assert filled.warnings[0].startswith("5s is over before training can begin: what comes before and after it takes 7")
    assert "--budget 9s is about the shortest" in filled.warnings[0]


@pytest.mark.parametrize(("step_seconds", "is_warned"), [(0.15, False), (0.16, True)])
def test_a_budget_of_hardly_any_steps_says_so(step_seconds, is_warned):
    # 7.75 s of steps: 51, and 48, of which a hundred take 16 s.
    filled = fill(10.0, step_seconds=step_seconds)
    assert bool(filled.warnings) == is_warned
    if is_warned:
        assert filled.warnings[0].startswith("10s has time for 48 steps only")
        assert "--budget 18s is about the shortest" in filled.warnings[0]


def test_a_training_that_was_warned_of_its_budget_is_not_told_again_that_its_time_was_over():
    pace = Pace(100)
    pace.replan(2, total_steps=3)
    assert cut_short_at(pace, seconds=8.0) == 0.02
    assert cut_short_at(pace, seconds=fill(5.0, left=-2.0).seconds) is None


def test_a_short_text_is_read_forty_times_at_most():
    # 40 times 20 steps are 800, which take 6.25 s.
    filled = fill(steps_per_epoch=20)
    assert (filled.division.steps, filled.most_steps) == (20 * MOST_EPOCHS, 20 * MOST_EPOCHS)
    assert filled.reason == "40 epochs, the most that help on so short a text"
    assert "8s is longer than this text has use for: training ends after 40 epochs, about 7 s." in filled.warnings[0]


def test_a_very_short_text_gets_a_few_hundred_steps_all_the_same():
    filled = fill(steps_per_epoch=10)
    assert filled.division.steps == FEWEST_STEPS == 500
    assert filled.reason.startswith("50 epochs")


def test_nobody_is_warned_of_a_budget_that_nobody_chose():
    assert fill(steps_per_epoch=10, asked=set()).warnings == ()
    assert len(fill(left=0.0, asked=set()).warnings) == 1


def request(**sections):
    return make_request({"data": {"corpus": ["tale.txt"]}, **sections})


def linear_in_symbols(config: RunConfig) -> float:
    return config.training.batch_size * config.training.sequence_length * config.model.hidden_size**2 / 1e9


def test_sizes_that_were_all_asked_for_are_left_alone_and_need_no_reason():
    asked = request(model={"hidden_size": 24}, training={"batch_size": 5, "sequence_length": 7})
    chosen = choose_sizes(asked, TASK, lambda _: 0.25, may_go_on=lambda: True)
    assert (chosen.config.model.hidden_size, chosen.config.training.batch_size) == (24, 5)
    assert chosen.config.training.sequence_length == 7
    assert (chosen.reason, chosen.step_seconds) == (None, 0.25)


def test_what_is_open_is_chosen_and_the_reason_names_it():
    timed = []

    def time_step(config: RunConfig) -> float:
        timed.append(config)
        return linear_in_symbols(config)

    chosen = choose_sizes(request(), TASK, time_step, may_go_on=lambda: True)
    model, training = chosen.config.model, chosen.config.training
    assert chosen.config.model.hidden_size in {config.model.hidden_size for config in timed}
    assert chosen.step_seconds == linear_in_symbols(chosen.config)
    assert chosen.reason.startswith(
        f"{model.num_layers} x {model.hidden_size} units, {training.batch_size} x {training.sequence_length} symbols"
    )
    assert f"({len(timed)} of " in chosen.reason
    assert model.embedding_size is not None
    assert training.learning_rate is not None


def test_more_time_never_chooses_a_smaller_network():
    def width(seconds: float) -> int:
        task = Task(seconds, 100_000_000, None, 40, 4, 100)
        return choose_sizes(request(), task, linear_in_symbols, may_go_on=lambda: True).config.model.hidden_size

    widths = [width(seconds) for seconds in (2.0, 60.0, 3600.0, 360_000.0)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_without_time_for_another_the_first_is_taken():
    timed = []
    choose_sizes(request(), TASK, lambda config: timed.append(config) or 1.0, may_go_on=lambda: False)
    assert len(timed) == 1


def test_the_width_of_a_feed_forward_network_is_not_forecast():
    chosen = choose_sizes(request(model={"model": "mlp"}), TASK, linear_in_symbols, may_go_on=lambda: True)
    assert chosen.config.model.hidden_size == 512
    own = request(model={"model": "mlp", "hidden_size": 9})
    assert choose_sizes(own, TASK, linear_in_symbols, may_go_on=lambda: True).config.model.hidden_size == 9


def test_widths_are_multiples_of_what_the_device_likes():
    chosen = choose_sizes(request(), TASK, linear_in_symbols, may_go_on=lambda: True, width_multiple=128)
    assert chosen.config.model.hidden_size % 128 == 0


@pytest.mark.parametrize(("model", "gates"), [({"cell": "lstm"}, 4), ({"cell": "gru"}, 3), ({"model": "mlp"}, 1)])
def test_the_task_is_that_of_the_text(text, workspace, model, gates):
    config = make_request({"data": {"corpus": [str(text)]}, "model": model}).config
    corpus = encode_corpus(config.data, learnt(config.tokenizer, records=False), workspace, SilentReporter())
    task = sizing_task(config, corpus, seconds=0.25)
    # 150 sentences of 24, 25 and 32 characters, nine tenths of them for training.
    training = round(0.9 * len(text.read_text()))
    assert task.corpus_symbols in (training, training - 1)
    assert (task.seconds, task.most_epochs, task.symbols_per_record) == (1.0, 40, None)
    assert (task.gates, task.vocabulary_size) == (gates, corpus.tokenizer.vocabulary_size)


def test_records_are_as_long_as_they_are_on_average(text, workspace):
    text.write_text("abc\nabcde\n" * 100)
    config = make_request({"data": {"corpus": [str(text)], "records": "lines", "split": "100/0/0"}}).config
    corpus = encode_corpus(config.data, learnt(config.tokenizer, records=True), workspace, SilentReporter())
    # Each character, a begin and an end: 5 and 7 symbols.
    assert sizing_task(config, corpus, seconds=9.0).symbols_per_record == 6.0


def test_a_classifier_is_narrower_where_the_time_has_too_few_steps():
    task = Task(64.0, 100_000, 100.0, 40, 4, 100)

    def choose(step_seconds_at_96: float, **sections):
        asked = request(**{"data": {"corpus": ["a.tsv"], "task": "classify"}, **sections})
        return choose_sizes(
            asked,
            task,
            lambda config: step_seconds_at_96 * (config.model.hidden_size / 96) ** 2,
            may_go_on=lambda: True,
        )

    enough, short, shortest = choose(0.125), choose(0.25), choose(8.0)
    assert [each.config.model.hidden_size for each in (enough, short, shortest)] == [96, 64, 48]
    assert enough.reason == "2 x 96 units, 32 examples a step"
    assert short.reason == "2 x 64 units, 32 examples a step: the time is too short for 96 units"
    # A fifth of the usual rate, for a label of a whole text.
    assert enough.config.training.learning_rate == pytest.approx(0.05 / 5)
    assert choose(8.0, model={"hidden_size": 80}).config.model.hidden_size == 80
