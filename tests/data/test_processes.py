import multiprocessing
import os
import sys
import time
from operator import neg

import pytest

from charlm.data.processes import available_cores, in_processes, usual_workers
from charlm.errors import DataError


def test_results_come_in_order_and_errors_as_they_were_raised():
    assert list(in_processes(neg, range(9), workers=2)) == [0, -1, -2, -3, -4, -5, -6, -7, -8]
    with pytest.raises(TypeError, match="bad operand"):
        list(in_processes(neg, [1, "x"], workers=1))


def test_a_process_that_dies_is_told_in_a_sentence():
    with pytest.raises(DataError, match=r"A worker process ended .* run the command again"):
        list(in_processes(os._exit, [3], workers=1))


def test_what_is_begun_is_not_waited_for_once_nobody_wants_it():
    results = in_processes(time.sleep, [0.0, *[3600.0] * 4], workers=2)
    assert next(results) is None
    results.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, 64),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
    ],
)
def test_a_container_s_share_of_the_processors_counts(monkeypatch, tmp_path, files, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert available_cores(tmp_path) == cores


@pytest.mark.parametrize(
    ("file", "is_module", "is_one"), [("x.py", False, True), ("bin/charlm", False, False), ("x.py", True, False)]
)
def test_a_script_that_every_process_would_run_again_gets_no_more(monkeypatch, file, is_module, is_one):
    assert available_cores() >= 1
    monkeypatch.setattr(sys.modules["__main__"], "__file__", file, raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", sys if is_module else None)
    assert usual_workers() == (1 if is_one else available_cores())
