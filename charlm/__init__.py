"""charlm: character-level recurrent language models, trained, sampled and measured.

import charlm

run = charlm.train("my.txt", budget="60s")
print(run.sample(prompt="Once", length=200))
print(run.score("Some other text.").bits_per_character)

run = charlm.load("my")
print(run.surprisal("Some other text.").bits)
"""

from typing import TYPE_CHECKING, Any

from charlm.version import __version__

if TYPE_CHECKING:
    from charlm.api import Reporter, Run, load, train
    from charlm.errors import CharlmError

__all__ = ["CharlmError", "Reporter", "Run", "__version__", "load", "train"]


def __getattr__(name: str) -> Any:
    """Loads the API, and with it torch, when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'charlm' has no attribute {name!r}")
    from charlm import api

    return getattr(api, name)
