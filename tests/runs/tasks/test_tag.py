from pathlib import Path

import pytest

from charlm.data.builtin import BUILTINS, BuiltinText
from charlm.data.examples.example import Example
from charlm.data.examples.segments import Segment, write_segments
from charlm.data.sources import StringSource
from charlm.errors import DataError
from charlm.runs.evaluate.measured import OWN
from charlm.runs.evaluate.tags import USUAL_TAG
from charlm.runs.predict.apply import predict
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from tests.support.reporters import StopAfter
from tests.support.tasks import Warnings, measure, request
from tests.support.training_runs import assert_same_end, train_whole


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """Sentences in columns whose capitals are names: B-N and I-N."""
    path = tmp_path / "sentences.tsv"
    words = ("ba", "ko", "ri", "su", "mel", "tan")
    rows = (
        f"{one}\tO\n{other.title()}\tB-N\n{one.title()}\tI-N\n{other}{number}\tO\n\n"
        for one in words
        for other in words
        for number in range(8)
    )
    path.write_text("".join(rows))
    return path


def test_tokens_are_tagged_and_spans_are_found(sentences: Path, workspace: Workspace, tmp_path: Path) -> None:
    result = train_whole(request(sentences, task="tag", name="tags"), workspace)
    assert result.unit == "tag" and verify_run("tags", workspace).is_whole
    # Three tags, whether a token begins or goes on.
    uniform = next(each for each in result.baselines if (each.name, each.split) == ("uniform", "validation"))
    assert uniform.score.perplexity == pytest.approx(3.0)
    measures = measure("tags", workspace).models
    assert measures[OWN]["token_accuracy"] > 0.95 and measures[OWN]["span_f1"] > 0.95
    assert measures[OWN]["span_f1"] >= measures[USUAL_TAG]["span_f1"]
    new = tmp_path / "new.tsv"
    new.write_text("# comment\nko\tX\nBa\tY\n\nsu\tX")
    lines = [answer.line for answer in predict("tags", (str(new),), workspace, SilentReporter())]
    assert lines == ["# comment", "ko\tX\tO", "Ba\tY\tB-N", "", "su\tX\tO"]
    # The end of a file ends a sentence, whether a blank line says so or not.
    (tmp_path / "newer.tsv").write_text("ko\tX\n\n")
    files = (str(new), str(tmp_path / "newer.tsv"), str(tmp_path / "newer.tsv"))
    answers = predict("tags", files, workspace, SilentReporter())
    assert [answer.line for answer in answers] == [*lines, "", "ko\tX\tO", "", "ko\tX\tO", ""]
    new.write_text("ko Ba\n\nsu")
    answers = predict("tags", (str(new),), workspace, SilentReporter(), are_sentences=True)
    assert [answer.line for answer in answers] == ["ko\tO", "Ba\tB-N", "", "", "su\tO", ""]
    reporter = Warnings()
    new.write_text("-DOCSTART- -X- O\n\nko Ba su mel\n\nko Ba Ω mel\n")
    with pytest.raises(DataError, match=r"new\.tsv', line 3, has 4 columns, the lines before it 3"):
        list(predict("tags", (str(new),), workspace, reporter))
    new.write_text("ko Ba su mel\n\nΩ Ba Ω mel\n\nξ X X X")
    assert next(answer.line for answer in predict("tags", (str(new),), workspace, reporter)) == "ko Ba su mel O"
    sentence, unknown = reporter.warnings
    assert "line 1, is read as one token, 'ko', with its columns. For lines that are whole" in sentence
    assert unknown.endswith("unknown symbol: Ω ξ")


def test_a_model_of_bytes_tags_the_characters_of_a_text(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("é", "àö", "ûé", "öàé", "a")
    examples = [
        Example(f"{word}{number}", write_segments([Segment(len(word), "word"), Segment(len(number), "number")]))
        for word in words
        for number in map(str, range(0, 300, 7))
    ]
    text = StringSource("".join(example.to_line() for example in examples))
    monkeypatch.setitem(BUILTINS, "builtin:sums", BuiltinText("", "", lambda: text, tasks=("tag",)))
    train_whole(request(Path("builtin:sums"), task="tag", tokenizer="byte", name="bytes", steps=60), workspace)
    (tmp_path / "new.txt").write_text("éàé12\nû3\n")
    answers = predict("bytes", (str(tmp_path / "new.txt"),), workspace, SilentReporter())
    assert [answer.line for answer in answers] == ["éàé\tword", "12\tnumber", "", "û\tword", "3\tnumber", ""]


def test_a_stopped_tagger_goes_on_bit_for_bit(sentences: Path, workspace: Workspace) -> None:
    settings = {"task": "tag", "steps": 12, "dropout": 0.2}
    whole = train_whole(request(sentences, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(sentences, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)
