"""Killed at every point at which the disk is touched, and at any moment: the end is the same, byte for byte."""

import itertools
import shutil

import pytest

TRAIN_EVENTS = 400
"""More than a training has; a sanity bound, not a fact."""


def kill_at(runs, whole, number, signal, *, again=None):
    """Kills a training at one of its events, goes on with it, and compares its end with the whole one's."""
    folder = runs.folder()
    faults = {number: signal} if again is None else {number: signal, number + again: signal}
    ended = runs.runner.run(folder, *runs.train, faults=faults)
    runs.finish(folder)
    assert runs.state(folder) == whole.state, f"killed by {signal} at {number}: {whole.events[number]}"
    shutil.rmtree(folder)
    return ended


def test_every_kind_of_point_is_met(whole):
    kinds = set(whole.events)
    for name in ("last", "best"):
        for point in ("open", "middle", "fsync"):
            assert f"{point} .tmp-{name}.safetensors" in kinds
        assert {f"replace {name}.safetensors", f"replaced {name}.safetensors"} <= kinds
    assert {"middle metrics.jsonl", "fsync metrics.jsonl", "replace config.toml", "middle train.bin"} <= kinds
    assert any(kind.startswith("link step-") for kind in kinds)
    assert any(kind.startswith("unlink step-") for kind in kinds)
    assert 50 < len(whole.events) < TRAIN_EVENTS


def test_every_new_name_is_synced_before_anything_else_is_done(whole):
    following = [(event, after) for event, after in itertools.pairwise(whole.events) if event.startswith("replaced ")]
    assert len(following) > 8
    for event, after in following:
        assert after == "fsync one", event
    assert whole.events[whole.events.index("fsync cache") - 1].startswith("renamed ")
    assert whole.events[whole.events.index("fsync metrics.jsonl") + 1] == "fsync one"


def stop_at(workers, whole, numbers, signal, codes, *, again=None):
    """Stops one training at each of the events."""

    def once(runs, number):
        ended = kill_at(runs, whole, number, signal, again=again)
        assert ended.code in codes, (number, whole.events[number], ended.output)

    workers.each(once, numbers, kind="trainings stopped at an event, and gone on with")


def test_killed_at_some_points(workers, whole):
    stop_at(workers, whole, range(3, len(whole.events), 23), "SIGKILL", {-9})


@pytest.mark.torture
def test_killed_at_every_point(workers, whole):
    stop_at(workers, whole, range(len(whole.events)), "SIGKILL", {-9})


@pytest.mark.parametrize(("signal", "codes"), [("SIGTERM", {143, 0}), ("SIGINT", {130, 0})])
def test_asked_to_stop_at_some_points(workers, whole, signal, codes):
    stop_at(workers, whole, range(7, len(whole.events), 61), signal, codes)


@pytest.mark.torture
@pytest.mark.parametrize(("signal", "codes"), [("SIGTERM", {143, 0}), ("SIGINT", {130, 0})])
def test_asked_to_stop_at_every_point(workers, whole, signal, codes):
    stop_at(workers, whole, range(len(whole.events)), signal, codes)


@pytest.mark.torture
def test_asked_twice_to_stop_at_every_point(workers, whole):
    stop_at(workers, whole, range(len(whole.events) - 4), "SIGINT", {130, 0}, again=3)


@pytest.mark.torture
def test_killed_a_hundred_times_at_any_moment(workers, whole):
    """A training a chain of kills: started, killed, resumed, killed, … until it has ended."""

    def chain(runs, number):
        moments = workers.cases.random("moments", number)
        folder, kills = runs.folder(), 0
        for _ in range(5):
            signal = moments.choice(["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"])
            begun = (folder / "checkpoints" / "one" / "last.safetensors").exists()
            arguments = runs.resume if begun else runs.train
            ended = runs.runner.run(folder, *arguments, kill_after=(moments.uniform(0.02, 0.5), signal))
            kills += ended.code not in (0, 2)
        runs.finish(folder)
        assert runs.state(folder) == whole.state, f"chain {number}"
        shutil.rmtree(folder)
        return kills

    kills = 0
    for first in itertools.count(step=8):
        kills += sum(workers.each(chain, range(first, first + 8), kind=None))
        if kills >= 100:
            break
    workers.cases.add("trainings killed at a random moment, and gone on with", kills)
