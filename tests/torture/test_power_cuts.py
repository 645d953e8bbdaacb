"""Power cuts: what was not synced is lost, torn or reordered; nothing that was reported complete is lost with it."""

import shutil

import pytest

from tests.support.serving import serving
from tests.torture.test_other_commands import COMPARE, TEXT, compared

BATCH = 10
KIND = "states after a power cut: {}"


def recorded(runs, *arguments, **order):
    """Runs a command, and returns the record of what it did to the disk."""
    folder = runs.folder()
    before = {"tale.txt": (folder / "tale.txt").read_bytes().decode("latin-1")}
    log = folder.with_suffix(".log")
    assert runs.runner.run(folder, *arguments, record=str(log), **order).code == 0
    record = {"log": str(log), "root": str(folder), "before": before}
    assert runs.runner.call("tests.support.power_cut_checks:difference_at_end", folder, **record) == []
    return record


def check_each(workers, record, *, checker, draws, every=1):
    """Checks the states after a cut after each operation, or one batch in `every`; returns how many operations."""
    seed = str(workers.cases.seed)
    number = workers.first.runner.call("tests.support.power_cut_checks:num_operations", workers.first.root, **record)

    def once(runs, first):
        given = {"record": record, "first": first, "stop": min(first + BATCH, number), "draws": draws}
        found = runs.runner.call(
            "tests.support.power_cut_checks:check", runs.folder(), **given, seed=seed, checker=checker
        )
        assert not found["problems"], "\n".join((f"{len(found['problems'])} problems:", *found["problems"][:5]))
        return found["read"]

    workers.cases.add(KIND.format("read"), sum(workers.each(once, range(0, number, BATCH * every), kind=None)))
    return number


def go_on(workers, record, cuts, finish):
    """Goes on from some cuts to the end, and lets it be compared."""
    seed = str(workers.cases.seed)

    def once(runs, cut):
        at, draw = cut
        folder = runs.root / f"cut-{at}-{draw}"
        folder.mkdir()
        runs.runner.call("tests.support.power_cut_checks:make", folder, record=record, at=at, draw=draw, seed=seed)
        finish(runs, folder, f"cut after operation {at}, draw {draw}")
        shutil.rmtree(folder)

    workers.each(once, cuts, kind=KIND.format("gone on with to the end"))


def drawn(workers, name, number, count):
    """Draws cuts: after which operation, and which of the states that it may leave."""
    chance = workers.cases.random("cuts", name)
    return sorted({(chance.randrange(number), chance.randrange(5)) for _ in range(count)})


def finish_training(whole):
    def finish(runs, folder, name):
        runs.finish(folder)
        assert runs.state(folder) == whole.state, name

    return finish


def test_some_power_cuts(workers, runs, whole):
    record = recorded(runs, *runs.train)
    number = check_each(workers, record, checker="training", draws=5, every=8)
    go_on(workers, record, drawn(workers, "some", number, 3), finish_training(whole))


@pytest.mark.torture
def test_power_cuts_at_every_operation_of_a_training(workers, runs, whole):
    record = recorded(runs, *runs.train)
    number = check_each(workers, record, checker="training", draws=25)
    go_on(workers, record, drawn(workers, "training", number, 120), finish_training(whole))


@pytest.mark.torture
@pytest.mark.parametrize("options", [("--save-every", "0.001s"), ("--split", "100/0/0"), ("--keep", "3")])
def test_power_cuts_at_every_operation_of_other_trainings(workers, runs, options):
    record = recorded(runs, *runs.train, *options)
    check_each(workers, record, checker="training", draws=10)


@pytest.mark.torture
def test_power_cuts_while_a_training_goes_on(workers, runs, whole):
    """The record of a training that goes on with one that was killed."""
    folder = runs.folder()
    assert runs.runner.run(folder, *runs.train, faults={110: "SIGKILL"}).code == -9
    before = {
        str(path.relative_to(folder)): path.read_bytes().decode("latin-1")
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
    log = folder.with_suffix(".log")
    assert runs.runner.run(folder, *runs.resume, record=str(log)).code == 0
    record = {"log": str(log), "root": str(folder), "before": before}
    number = check_each(workers, record, checker="training", draws=10)
    go_on(workers, record, drawn(workers, "resumed", number, 40), finish_training(whole))


@pytest.mark.torture
def test_power_cuts_at_every_operation_of_fetching(workers, runs):
    with serving() as server:
        remote = server.offer("play.txt", TEXT, TEXT)
        record = recorded(runs, fetch=remote)
        number = check_each(workers, record, checker="nothing more", draws=25)

        def finish(runs, folder, name):
            text = folder / "corpora" / "play.txt"
            assert not text.exists() or text.read_bytes() == TEXT, name
            assert runs.runner.run(folder, fetch=remote).code == 0, name
            assert text.read_bytes() == TEXT, name

        go_on(workers, record, [(at, draw) for at in range(number) for draw in range(3)], finish)


@pytest.mark.torture
def test_power_cuts_at_every_operation_of_a_comparison(workers, runs):
    record = recorded(runs, *COMPARE)
    number = check_each(workers, record, checker="nothing more", draws=10)
    folder = runs.folder()
    wanted = compared(runs, folder)

    def finish(runs, folder, name):
        assert compared(runs, folder) == wanted, name

    go_on(workers, record, drawn(workers, "comparison", number, 30), finish)
