"""Readers beside a training, and accidents from outside at its events: no reader fails, and no state is lost."""

import json
import shutil
import threading

import pytest

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.errors import CheckpointError
from tests.support.intrusions import ACCIDENTS, OF_FOLDERS, OTHER, READS, RUN

EVERY = 15
"""Each accident happens at each so many of the events."""
WITHIN_WRITES = ("open", "middle", "fsync", "link", "linkd", "replace")
"""Between two of a write's own operations, nothing asks whether the folder is still the same."""
BUSY = ("--steps", "300", "--evaluations", "150", "--keep", "3")


def read_at_events(runs, cases, whole, *, every):
    folder = runs.folder()
    ended = runs.runner.run(folder, *runs.train, action="tests.support.intrusions:read", given={"every": every})
    assert ended.code == 0, ended.output
    notes = [json.loads(line) for line in (folder / READS).read_text().splitlines()]
    assert [note["event"] for note in notes] == list(range(0, len(whole.events), every))
    cases.add("readers beside a training", sum(note["commands"] for note in notes))
    problems = [(note["event"], whole.events[note["event"]], problem) for note in notes for problem in note["problems"]]
    assert not problems, problems[:5]
    assert runs.state(folder) == whole.state


def test_readers_at_some_events_see_whole_files(runs, cases, whole):
    read_at_events(runs, cases, whole, every=17)


@pytest.mark.torture
def test_readers_at_every_event_see_whole_files(runs, cases, whole):
    read_at_events(runs, cases, whole, every=1)


@pytest.mark.torture
def test_readers_all_the_while_see_whole_files(runs, cases):
    folder = runs.folder()
    reader = runs.another_runner()
    read = []
    try:
        done = folder / "done"
        given = {"done": str(done)}
        thread = threading.Thread(
            target=lambda: read.append(reader.run(folder, call="tests.support.intrusions:read_until", given=given))
        )
        thread.start()
        ended = runs.runner.run(folder, *runs.train, *BUSY)
        done.touch()
        thread.join()
    finally:
        reader.close()
    assert ended.code == 0, ended.output
    (seen,) = read
    assert seen.code == 0, seen.output
    cases.add("readers beside a training", seen.result["commands"])
    assert not seen.result["problems"], seen.result["problems"][:5]


@pytest.fixture(scope="module")
def other(workers):
    """Another run of the same settings but for its seed."""
    folder = workers.first.folder()
    assert workers.first.runner.run(folder, *workers.first.train, "--seed", "2").code == 0
    return folder / RUN


def last_of(run):
    return {
        name: tensor.numpy().tobytes() for name, tensor in read_checkpoint(run / "last.safetensors").tensors.items()
    }


def assert_one_sentence_or_none(ended):
    sentences = sum(line.startswith("Error: ") for line in ended.output.splitlines())
    assert ended.code in (0, 1, 2) and sentences == (ended.code != 0), ended.output
    assert "Traceback" not in ended.output


def meddle(runs, whole, other, accident, at):
    """Lets an accident happen to a training, and goes on with what there is."""
    folder = runs.folder()
    shutil.copytree(other, folder / OTHER)
    given = {"at": at, "accident": accident}
    ended = runs.runner.run(folder, *runs.train, action="tests.support.intrusions:meddle", given=given)
    assert_one_sentence_or_none(ended)
    run = folder / RUN
    if accident.endswith("its name used again") and (folder / "moved").exists():
        # Whoever has the name now has its files untouched, unless it got the name in the middle of a write.
        is_within = ended.events[at].split()[0] in WITHIN_WRITES
        assert is_within or last_of(run) == last_of(other), ended.events[at]
    if "--resume one-rescued" in ended.output:
        run = run.with_name("one-rescued")
    elif ended.code and (accident in OF_FOLDERS or not run.exists()):
        return
    wanted = {key.partition(":")[2]: value for key, value in whole.state.items() if key.startswith("last.safetensors:")}
    wanted.pop("values")
    for command in (("verify", run.name), ("train", "--resume", run.name, "--quiet")):
        again = runs.runner.run(folder, *command)
        assert "Traceback" not in again.output, again.output
        if command[0] == "train":
            assert_one_sentence_or_none(again)
    try:
        found = last_of(run)
    except CheckpointError:
        # Only the accident itself may have taken the last state, after it was written for the last time.
        assert accident.startswith("last"), again.output
        return
    if again.code == 0 or "is finished" in again.output:
        assert found == (
            last_of(other) if accident == "last.safetensors of another run" and found != wanted else wanted
        )
    shutil.rmtree(folder)


def meddle_each(workers, whole, other, *, every):
    def once(runs, item):
        accident, at = item
        try:
            meddle(runs, whole, other, accident, at)
        except AssertionError as error:
            raise AssertionError(f"{accident} at {at}, {whole.events[at]}: {error}") from error

    firsts = {accident: workers.cases.random("accidents", accident).randrange(every) for accident in ACCIDENTS}
    events = [(accident, at) for accident, first in firsts.items() for at in range(first, len(whole.events), every)]
    workers.each(once, events, kind="accidents from outside at an event")


def test_some_accidents_from_outside(workers, whole, other):
    meddle_each(workers, whole, other, every=4 * len(whole.events))


@pytest.mark.torture
def test_accidents_from_outside_at_all_kinds_of_events(workers, whole, other):
    meddle_each(workers, whole, other, every=EVERY)
