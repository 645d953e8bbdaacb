"""The horizontal axes of losses over a training."""

from typing import Literal

Axis = Literal["steps", "characters", "seconds"]
AXES: dict[Axis, str] = {
    "steps": "training steps",
    "characters": "characters trained on",
    "seconds": "seconds of training",
}
