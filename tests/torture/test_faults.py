"""What the system refuses: one sentence, exit code 1, nothing lost, and the same end when it is mended."""

import shutil
import threading

import pytest

ERRORS = ("ENOSPC", "EIO", "EACCES", "EMFILE", "EROFS", "EDQUOT")


def assert_one_sentence(ended, *, code=1):
    assert ended.code == code, ended.output
    assert "Traceback" not in ended.output
    assert sum(line.startswith("Error: ") for line in ended.output.splitlines()) == 1, ended.output


def refuse_at(runs, whole, number, error):
    """Lets the system refuse one thing that a training asks for, goes on, and compares the end."""
    folder = runs.folder()
    ended = runs.runner.run(folder, *runs.train, faults={number: error})
    # Some things may fail without harm: leftovers that cannot be removed, links that a file system does not have.
    if ended.code:
        assert_one_sentence(ended)
    runs.finish(folder)
    assert runs.state(folder) == whole.state, f"{error} at {number}: {whole.events[number]}"
    shutil.rmtree(folder)
    return ended


def refuse_each(workers, whole, numbers):
    """Refuses one thing at each of the events; returns how many trainings ended by it."""

    def once(runs, number):
        return refuse_at(runs, whole, number, ERRORS[number % len(ERRORS)]).code

    return sum(workers.each(once, numbers, kind="trainings refused something at an event, and gone on with"))


def test_refused_at_some_points(workers, whole):
    refuse_each(workers, whole, range(1, len(whole.events), 17))


@pytest.mark.torture
def test_refused_at_every_point(workers, whole):
    assert refuse_each(workers, whole, range(len(whole.events))) > 0.8 * len(whole.events)


@pytest.mark.parametrize("limit", [500, 1_000, 3_000, 6_000, 10_000])
def test_files_that_may_not_grow(runs, whole, limit):
    folder = runs.folder()
    ended = runs.runner.run(folder, *runs.train, limits={"FSIZE": limit})
    assert_one_sentence(ended)
    runs.finish(folder)
    assert runs.state(folder) == whole.state


@pytest.mark.parametrize("limit", [8, 10, 12, 16])
def test_no_more_file_handles(runs, whole, limit):
    folder = runs.folder()
    ended = runs.runner.run(folder, *runs.train, limits={"NOFILE": limit})
    if ended.code:
        assert_one_sentence(ended)
    runs.finish(folder)
    assert runs.state(folder) == whole.state


def test_a_clock_that_runs_backwards(runs, whole):
    folder = runs.folder()
    assert runs.runner.run(folder, *runs.train, broken_clock=True).code == 0
    assert runs.state(folder) == whole.state


def test_a_run_whose_folder_is_deleted_under_it(runs):
    folder = runs.folder()
    run = folder / "checkpoints" / "one"

    def delete():
        while not (run / "last.safetensors").exists():
            pass
        shutil.rmtree(run, ignore_errors=True)

    thief = threading.Thread(target=delete)
    thief.start()
    ended = runs.runner.run(folder, *runs.train, "--steps", "2000")
    thief.join()
    assert_one_sentence(ended)
    # Where it is noticed between two of a write's own operations, the sentence is the system's.
    assert "one-rescued" in ended.output or "No such file" in ended.output


def test_a_text_that_changes_is_refused_by_its_hash_and_named(runs):
    folder = runs.folder()
    ended = runs.runner.run(folder, *runs.train, faults={120: "SIGKILL"})
    assert ended.code == -9
    (folder / "tale.txt").write_text("another tale. " * 100)
    ended = runs.runner.run(folder, *runs.resume)
    assert_one_sentence(ended)
    assert "'tale' has changed since the run was started (SHA-256" in ended.output


def test_a_second_process_on_a_run_is_refused(runs):
    folder = runs.folder()
    runs.runner.run(folder, *runs.train, faults={120: "SIGKILL"})
    blocker = runs.another_runner()
    try:
        process = threading.Thread(target=blocker.run, args=(folder, *runs.resume, "--steps", "100000"))
        process.start()
        while not any(line.startswith("open") for line in blocker.events_so_far()):
            process.join(0.01)
            assert process.is_alive()
        assert_one_sentence(refused := runs.runner.run(folder, *runs.resume))
        assert "in use by another charlm" in refused.output
        blocker.kill()
        process.join()
    finally:
        blocker.close()
    runs.finish(folder)
