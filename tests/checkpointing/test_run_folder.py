import pytest

from charlm.checkpointing.run_folder import RunFolder, find_run, find_state, run_folder_at
from charlm.errors import CheckpointError, ConfigError


def states_of(folder, *steps):
    for step in steps:
        folder.state_after(step).write_text(str(step))
    return folder


def test_the_last_state_outlasts_its_replacement(tmp_path):
    folder = RunFolder(tmp_path)
    folder.last.write_text("30")
    folder.keep_last(30)
    folder.keep_last(30)
    folder.last.unlink()
    assert folder.state_after(30).read_text() == "30"


def test_only_the_newest_states_from_before_the_last_are_kept(tmp_path):
    folder = states_of(RunFolder(tmp_path), 10, 9, 100, 20, 300)
    assert list(folder.states()) == [300, 100, 20, 10, 9]
    folder.prune_states(before=200, keep=2)
    assert list(folder.states()) == [100, 20]
    folder.prune_states(before=200, keep=0)
    assert list(folder.states()) == []


def test_a_state_is_found_by_its_file_and_a_run_by_its_last(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    folder.path.mkdir()
    folder.last.write_text("")
    states_of(folder, 10)
    assert find_state("mine", tmp_path) == (folder, folder.last)
    assert find_state(str(folder.state_after(10)), tmp_path) == (folder, folder.state_after(10))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[" * 100_000, "is not TOML"),
        (b"a = 1\n" * 400_000, "has more than 1,048,576 bytes"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a." * 100_000 + b"b = 1", "more than 1,000 dots"),
        (b"seed = " + b"9" * 100_000, "is not TOML"),
        (b".".join([b"a"] * 900) + b" = 1", "nested more than 50 deep"),
        (b"[data]\ncorpus = 'x'", "corpus"),
    ],
)
def test_settings_that_are_none_are_refused_in_a_sentence(tmp_path, content, sentence):
    folder = RunFolder(tmp_path)
    folder.config_file.write_bytes(content)
    with pytest.raises((CheckpointError, ConfigError), match=sentence):
        folder.read_config()


def test_a_name_that_no_folder_can_have_is_no_run(tmp_path):
    with pytest.raises(CheckpointError, match="There is no run"):
        find_run("\ud800", tmp_path)


def test_a_folder_written_for_others_is_one_as_long_as_nothing_of_a_run_is_in_it(tmp_path):
    (tmp_path / "model.safetensors").touch()
    assert run_folder_at(tmp_path).best == find_run(str(tmp_path), tmp_path).best == tmp_path / "model.safetensors"
    for name in ("config.toml", "best.safetensors", "step-3.safetensors"):
        (tmp_path / name).touch()
        assert run_folder_at(tmp_path).best == tmp_path / "best.safetensors"
        (tmp_path / name).unlink()
