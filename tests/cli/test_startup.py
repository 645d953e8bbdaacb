import gc
import os
import subprocess
import sys

import pytest

from charlm.cli.startup import fast_imports


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_inside_and_goes_on_as_before(enabled):
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with fast_imports():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_what_was_imported_is_out_of_its_way():
    with fast_imports():
        objects = [[] for _ in range(1000)]
    assert gc.get_freeze_count() >= len(objects)


def test_a_failed_import_leaves_the_collector_on():
    with pytest.raises(ImportError), fast_imports():
        raise ImportError
    assert gc.isenabled()


def test_pydantic_comes_without_the_module_that_finds_plugins_but_finds_them_when_it_looks():
    code = (
        "import sys; from charlm.cli.startup import load_pydantic; load_pydantic(); "
        "from pydantic.plugin import _loader; assert 'importlib.metadata' not in sys.modules; "
        "assert tuple(_loader.get_plugins()) == (); import importlib.metadata; "
        "assert importlib.metadata.version('pydantic')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
