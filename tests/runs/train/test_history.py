import json
import math
from pathlib import Path

import pytest

from charlm.runs.reporting import LossPoint
from charlm.runs.train.history import loss_point, read_history
from charlm.training.pace import Pace

BIT = math.log(2)


def test_a_point_has_the_share_done_and_nats_per_character() -> None:
    line = {"step": 25, "training_nats_per_symbol": 3.0, "validation": {"bits_per_character": 2.0}}
    point = loss_point(line, Pace(100), characters_per_symbol=1.5, is_mixed=False)
    assert point == LossPoint(25, 0.25, training=2.0, validation=pytest.approx(2 * BIT))


@pytest.mark.parametrize(("is_mixed", "expected"), [(True, (1.0, 3.0)), (False, (3.0, None))])
def test_the_networks_score_counts_alone_once_the_mix_is_dropped(
    is_mixed: bool, expected: tuple[float, float | None]
) -> None:
    line = {"step": 1, "validation": {"bits_per_character": 1.0}, "validation_network": {"bits_per_character": 3.0}}
    point = loss_point(line, Pace(10), characters_per_symbol=1.0, is_mixed=is_mixed)
    found = [None if nats is None else nats / BIT for nats in (point.validation, point.network)]
    assert found == [None if bits is None else pytest.approx(bits) for bits in expected]


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    lines = [
        {"step": -1},
        {"step": 5, "training_nats_per_symbol": 10**400, "validation": {"bits_per_character": "x"}},
        {"step": 10, "training_nats_per_symbol": None, "validation": 3},
    ]
    metrics.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    points = list(read_history(metrics, Pace(10), characters_per_symbol=1.0, is_mixed=True))
    assert points == [LossPoint(5, 0.5), LossPoint(10, 1.0)]
