"""Long texts that are encoded block by block: by any number of processes, and gone on with where it stopped."""

import gzip
import json
import os

import pytest

from charlm.config import DataConfig
from charlm.data import parts as parts_module
from charlm.data.inputs import open_corpus
from charlm.errors import DataError
from tests.support.corpora import Progress, counts, folders, prepare

TEXT = "Der Fluß\r\nfließt träge, 漢字 😀 e\u0301\n\n" * 40


@pytest.fixture
def files(tmp_path):
    """A folder of a text with a byte order mark, one without, and a packed one."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    (folder / "b.txt").write_bytes((TEXT + "kein Ende").encode())
    (folder / "c.txt.gz").write_bytes(gzip.compress(TEXT.encode(), mtime=0))
    return folder


def encode(files, data, *, kind="char", workers=1, block_bytes=500, progress=None, **reading):
    config = DataConfig(corpus=(str(files),), split="60/20/20", **reading)
    text = open_corpus(config, folder=data, stdin=None)
    settings = {"vocabulary_size": 300} if kind == "sentencepiece" else {}
    return prepare(
        text,
        data,
        kind=kind,
        records=config.are_records,
        progress=progress,
        reading={"workers": workers, "block_bytes": block_bytes},
        **settings,
    )


def content(corpus):
    """All that was encoded, with its counts."""
    encoded = [part for part in (corpus.train, corpus.valid, corpus.test) if part is not None]
    return corpus.key, corpus.tokenizer, [(counts(part), part.tokens.read(0, 1 << 20).tobytes()) for part in encoded]


@pytest.mark.parametrize("kind", ["char", "byte"])
@pytest.mark.parametrize("reading", [{}, {"newlines": "lf"}, {"normalize": "nfc"}, {"records": "lines"}])
def test_blocks_of_any_size_give_the_same_files(files, tmp_path, kind, reading):
    whole = content(encode(files, tmp_path / "whole", kind=kind, block_bytes=1 << 20, **reading))
    for block_bytes in (100, 777):
        assert (
            content(encode(files, tmp_path / str(block_bytes), kind=kind, block_bytes=block_bytes, **reading)) == whole
        )


@pytest.mark.parametrize("reading", [{"newlines": "lf"}, {"normalize": "nfc"}, {"records": "lines"}])
def test_packed_files_whose_lines_go_on_in_the_next_are_read_as_one_text(tmp_path, reading):
    folder = tmp_path / "texts"
    folder.mkdir()
    lines = ["eins\n", "zwei\r", "\ndrei\n", "vier e", "\u0301 fu\u0308nf\n", "", "sechs\n"] * 2
    for number, text in enumerate(lines):
        (folder / f"{number:02}.txt.gz").write_bytes(gzip.compress(text.encode() * (1 if text.strip() else 0)))
    whole, cut = (content(encode(folder, tmp_path / str(size), block_bytes=size, **reading)) for size in (1 << 20, 90))
    assert whole == cut


def test_processes_give_the_same_files(files, tmp_path):
    one, two, three = (encode(files, tmp_path / str(workers), workers=workers) for workers in (1, 2, 3))
    assert content(one) == content(two) == content(three)
    kept = [sorted(path.read_bytes() for path in corpus.folder.iterdir()) for corpus in (one, two)]
    assert kept[0] == kept[1]
    assert {path.name for path in one.folder.iterdir()} == {
        "meta.json",
        "test.bin",
        "tokenizer.json",
        "train.bin",
        "valid.bin",
    }


def test_subwords_are_the_same_by_any_number_of_processes(files, tmp_path):
    one, two = (encode(files, tmp_path / str(workers), kind="sentencepiece", workers=workers) for workers in (1, 2))
    assert content(one) == content(two)
    assert one.tokenizer.decode(one.train.tokens.read(0, 1 << 20)).startswith(TEXT[:500])


@pytest.fixture
def stopped(files, tmp_path, monkeypatch):
    """Encodes all but the last blocks; returns a function that goes on and returns the numbers of its blocks."""
    encode_block, done = parts_module.encode_block, []

    def encode_some(task, **arguments):
        if task.number == stop_at[0]:
            raise KeyboardInterrupt
        done.append(task.number)
        return encode_block(task, **arguments)

    stop_at = [5]
    monkeypatch.setattr(parts_module, "encode_block", encode_some)
    with pytest.raises(KeyboardInterrupt):
        encode(files, tmp_path / "data")
    assert done == [0, 1, 2, 3, 4]
    expected = content(encode_whole(files, tmp_path / "whole", stop_at))
    (unfinished,) = [tmp_path / "data" / "cache" / name for name in folders(tmp_path / "data")]
    assert unfinished.name.endswith(".unfinished")

    def go_on():
        done.clear()
        corpus = encode(files, tmp_path / "data")
        assert content(corpus) == expected
        assert folders(tmp_path / "data") == [corpus.key]
        return done

    return unfinished, go_on


def encode_whole(files, data, stop_at):
    stop_at[0] = None
    return encode(files, data)


def test_what_is_encoded_is_gone_on_with(stopped):
    _, go_on = stopped
    assert go_on()[0] == 5


def test_what_was_stopped_at_its_very_end_is_encoded_again(stopped):
    unfinished, go_on = stopped
    (unfinished / "meta.json").write_text("{")
    (unfinished / "tokenizer.json").touch()
    go_on()


def test_a_file_that_was_cut_or_changed_is_encoded_again_from_there(stopped):
    unfinished, go_on = stopped
    with (unfinished / "train.bin").open("r+b") as file:
        file.seek(600)
        file.write(b"\xff")
    done = go_on()
    assert 0 < done[0] < 5


def test_a_block_that_was_not_finished_is_encoded_again(stopped):
    unfinished, go_on = stopped
    with (unfinished / "train.bin").open("ab") as file:
        file.write(b"half a block")
    (unfinished / "block-5-train.bin").write_bytes(b"another half")
    assert go_on()[0] == 5


@pytest.mark.parametrize("journal", [b"", b"\xff", b'{"tokenizer": "another"}\n{}\n'])
def test_without_its_journal_it_is_encoded_from_the_start(stopped, journal):
    unfinished, go_on = stopped
    (unfinished / "blocks.jsonl").write_bytes(journal)
    assert go_on()[0] == 0


def test_a_line_of_the_journal_that_is_damaged_ends_what_is_kept(stopped):
    unfinished, go_on = stopped
    lines = (unfinished / "blocks.jsonl").read_text().splitlines()
    (unfinished / "blocks.jsonl").write_text("\n".join([*lines[:3], lines[3][:-20]]))
    assert go_on()[0] == 2


def test_a_file_that_changes_in_between_is_told(files, tmp_path, monkeypatch):
    encode_block = parts_module.encode_block

    def change(task, **arguments):
        if task.number == 3:
            path = files / "b.txt"
            path.write_bytes(path.read_bytes().replace("träge".encode(), "teäge".encode()))
            os.utime(path, ns=(1, 1))
        return encode_block(task, **arguments)

    monkeypatch.setattr(parts_module, "encode_block", change)
    with pytest.raises(DataError, match="changed while it was read"):
        encode(files, tmp_path / "data")


def test_a_file_that_is_gone_is_told(files, tmp_path, monkeypatch):
    encode_block = parts_module.encode_block

    def remove(task, **arguments):
        (files / "b.txt").unlink(missing_ok=True)
        return encode_block(task, **arguments)

    monkeypatch.setattr(parts_module, "encode_block", remove)
    with pytest.raises(DataError, match=r"'.*b.txt' cannot be read"):
        encode(files, tmp_path / "data")


def test_a_piece_that_does_not_decode_is_told_by_its_place_in_the_file(files, tmp_path):
    damaged = (files / "b.txt").read_bytes()
    place = damaged.index(b"Der", 1000)
    (files / "b.txt").write_bytes(damaged[:place] + b"\xff" + damaged[place:])
    with pytest.raises(DataError, match=rf"byte 0xff at offset {place} \(line \d+\)"):
        encode(files, tmp_path / "data", workers=2)


def test_a_part_that_is_too_short_to_train_on_leaves_nothing_behind(tmp_path):
    (tmp_path / "text.txt").write_text(" cat" * 800)
    config = DataConfig(corpus=(str(tmp_path / "text.txt"),), split="99.875/0.125/0")
    text = open_corpus(config, folder=tmp_path, stdin=None)
    subwords = {"kind": "sentencepiece", "vocabulary_size": 280, "sentencepiece_model": "bpe"}
    with pytest.raises(DataError, match=r"\(1 symbol\)"):
        prepare(text, tmp_path, reading={"block_bytes": 500}, **subwords)
    assert folders(tmp_path) == []


def test_progress_reaches_its_total_also_where_it_goes_on(stopped, files, tmp_path):
    progress = Progress()
    encode(files, tmp_path / "data", progress=progress)
    for total, seen in (each for label, each in progress.seen.items() if not label.startswith("reading")):
        assert total == seen


def test_the_journal_has_a_line_for_each_block(stopped):
    unfinished, _ = stopped
    title, *lines = (unfinished / "blocks.jsonl").read_text().splitlines()
    assert json.loads(title).keys() == {"tokenizer"}
    assert [list(json.loads(line)) for line in lines] == [["train"]] * 5
