import math
from pathlib import Path

import pytest
import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import Request, SamplingConfig, by_section, make_request
from charlm.errors import ConfigError, DataError, NotFiniteError
from charlm.runs.evaluate.accuracy import accuracy
from charlm.runs.evaluate.labels import MOST_FREQUENT, NAIVE_BAYES
from charlm.runs.evaluate.measured import OWN, Measured
from charlm.runs.evaluate.tags import USUAL_TAG
from charlm.runs.predict.apply import predict
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.sample import stream
from charlm.runs.stored.model import read_any_model, read_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import plan_run, start
from charlm.runs.verify import verify_run
from tests.support.names import write_names
from tests.support.reporters import StopAfter
from tests.support.training_runs import assert_same_end, train_whole

SMALL = {
    "hidden_size": 8,
    "embedding_size": 4,
    "num_layers": 1,
    "batch_size": 16,
    "steps": 120,
    "evaluations": 3,
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
}


class Warnings(SilentReporter):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


_WITHOUT_SIZES = {
    name: value for name, value in SMALL.items() if name not in ("hidden_size", "embedding_size", "num_layers")
}


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return write_names(tmp_path / "names.tsv")


def request(path: Path, **settings: object) -> Request:
    return make_request(by_section({**SMALL, "corpus": (str(path),), "task": "classify", **settings}))


def measure(run: str, workspace: Workspace, *files: Path) -> Measured:
    return accuracy(run, tuple(map(str, files)), workspace, SilentReporter()).measured


def test_names_are_classified_by_their_endings(names: Path, workspace: Workspace) -> None:
    result = train_whole(request(names, name="names"), workspace)
    assert result.unit == "label" and result.task == "classify"
    assert result.validation is not None and result.validation.num_symbols == result.validation.num_characters
    uniform = next(each for each in result.baselines if (each.name, each.split) == ("uniform", "validation"))
    assert uniform.score.perplexity == pytest.approx(3.0)
    shares = {name: each["accuracy"] for name, each in measure("names", workspace).models.items()}
    assert min(shares[OWN], shares[NAIVE_BAYES]) > 0.95 > shares[MOST_FREQUENT]
    found = list(predict("names", (str(names),), workspace, SilentReporter()))
    assert len(found) == 768 and sum(found[0].likeliest.values()) == pytest.approx(1.0, abs=1e-5)
    assert verify_run("names", workspace).is_whole


def test_a_label_never_learnt_is_counted_wrong_and_named(names: Path, workspace: Workspace, tmp_path: Path) -> None:
    train_whole(request(names, name="names", steps=2), workspace)
    other = tmp_path / "other.tsv"
    other.write_text("basen\tNorthern\nbaxyz\tElvish\n")
    measured = measure("names", workspace, other)
    assert measured.unknown_labels == ("Elvish",)
    row = next(row for row in measured.rows if row.label == "Elvish")
    assert (row.true, row.hits) == (1, 0)


def test_a_label_of_the_own_test_examples_alone_is_named(names: Path, workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.tsv"
    other.write_text("basen\tNorthern\nbaxyz\tElvish\n")
    stop, reporter = StopRequest(), Warnings()
    asked = request(names, name="names", steps=2, valid=(str(names),), test=(str(other),))
    start(asked, workspace, reporter, stop)
    assert any("1 label of the test examples is none of those for training" in each for each in reporter.warnings)
    assert measure("names", workspace).unknown_labels == ("Elvish",)
    other.unlink()  # What was encoded still serves, without the name.
    assert measure("names", workspace).unknown_labels == ("<unknown label>",)


@pytest.mark.parametrize(("task", "swap", "said"), [("generate", None, "conditions"), ("classify", True, "labels")])
def test_sides_that_seem_exchanged_are_told(
    names: Path, workspace: Workspace, task: str, swap: bool | None, said: str
) -> None:
    stop, reporter = StopRequest(), Warnings()
    start(request(names, name="names", steps=1, task=task, swap=swap, split="100/0/0"), workspace, reporter, stop)
    assert f"768 different {said}, but only 3 different texts" in reporter.warnings[0]
    assert ("leave out --swap" if swap else "exchange them with --swap") in reporter.warnings[0]


def test_texts_are_written_on_a_condition_and_bayes_finds_it(names: Path, workspace: Workspace) -> None:
    sizes = {"steps": 400, "hidden_size": 24, "embedding_size": 24}
    result = train_whole(request(names, task="generate", swap=True, name="write", **sizes), workspace)
    assert result.unit == "char" and verify_run("write", workspace).is_whole
    for condition, ending in {"Northern": "sen", "Eastern": "ov", "Southern": "ez"}.items():
        settings = SamplingConfig(condition=condition, num_samples=20, temperature=0.5)
        drawn = [""] * 20
        for piece in stream("write", "", settings, workspace, seed=1).pieces:
            drawn[piece.sample] += piece.text
        assert sum(text.rstrip("\n").endswith(ending) for text in drawn) >= 15
    own = measure("write", workspace).models[OWN]
    assert own["accuracy"] > 0.9
    # Knowing one of three conditions saves at most ln 3 nats a text, and so less a character.
    saved = own["nats_per_character_without_condition"] - own["nats_per_character"]
    assert 0 < saved < math.log(3)
    found = list(predict("write", (str(names),), workspace, SilentReporter()))
    true = [line.split("\t")[1] for line in names.read_text().splitlines()]
    assert sum(answer.line == label for answer, label in zip(found, true, strict=True)) > 700


def test_a_condition_is_needed_and_known(names: Path, text: Path, workspace: Workspace) -> None:
    train_whole(request(names, task="generate", swap=True, name="write", steps=2), workspace)
    with pytest.raises(ConfigError, match="name one with --condition: Eastern, Northern, Southern"):
        list(stream("write", "", SamplingConfig(), workspace, seed=1).pieces)
    with pytest.raises(DataError, match="'Northen'; nearest: Northern"):
        list(stream("write", "", SamplingConfig(condition="Northen"), workspace, seed=1).pieces)
    train_whole(make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace)
    with pytest.raises(ConfigError, match="--condition is for models trained with --task generate"):
        list(stream("tale", "", SamplingConfig(condition="Northern"), workspace, seed=1).pieces)


def test_a_diverging_training_ends_with_what_to_change_in_it(names: Path, workspace: Workspace) -> None:
    settings = {"task": "generate", "swap": True, "learning_rate": 1e6, "clip_norm": 0.0, "rollbacks": 1}
    with pytest.raises(NotFiniteError, match=r"10 steps in a row.*Try a lower --learning-rate"):
        train_whole(request(names, name="wild", **settings), workspace)


def test_a_stopped_writer_goes_on_bit_for_bit(names: Path, workspace: Workspace) -> None:
    settings = {"task": "generate", "swap": True, "steps": 12, "dropout": 0.2}
    whole = train_whole(request(names, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(names, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)


@pytest.fixture
def spellings(tmp_path: Path) -> Path:
    """Words and their letters one by one in capitals."""
    path = tmp_path / "spellings.tsv"
    words = (f"{a}{b}{c}" for a in "abcd" for b in "abcd" for c in ("", "a", "bc", "dab"))
    path.write_text("".join(f"{word}\t{' '.join(word.upper())}\n" for word in words))
    return path


def test_answers_are_learnt_and_searched_for(spellings: Path, workspace: Workspace, tmp_path: Path) -> None:
    asked = {"task": "transduce", "target_symbols": "spaces", "hidden_size": 24, "embedding_size": 16, "steps": 600}
    result = train_whole(request(spellings, name="spell", split="70/15/15", **asked), workspace)
    assert result.unit == "symbol" and verify_run("spell", workspace).is_whole
    with pytest.raises(ConfigError, match="--confusion is for labels; 'spell' answers with texts"):
        accuracy("spell", (), workspace, SilentReporter(), confusion=True)
    own = measure("spell", workspace, spellings).models[OWN]
    assert own["exact"] == own["accuracy"] > 0.7 and own["error_rate"] < 15
    new = tmp_path / "new.txt"
    new.write_text("abbc\n\nda\tX Y\n")
    answers = list(predict("spell", (str(new),), workspace, SilentReporter(), beam=3))
    assert [answer.line for answer in answers] == ["A B B C", "", "D A"]
    assert len(answers[0].likeliest) == 3 and sum(answers[0].likeliest.values()) <= 1.0 + 1e-5


def test_of_several_right_answers_the_nearest_counts(spellings: Path, workspace: Workspace, tmp_path: Path) -> None:
    asked = {"task": "transduce", "target_symbols": "spaces", "hidden_size": 24, "embedding_size": 16, "steps": 600}
    train_whole(request(spellings, name="spell", **asked), workspace)
    several = tmp_path / "several.tsv"
    several.write_text("abbc\tD D D D D\nabbc\tA B B C\nab\tA B Z\n")
    measured = measure("spell", workspace, several)
    assert measured.models[OWN]["examples"] == 2 and measured.unknown_labels == ("Z",)
    assert measured.models[OWN]["error_rate"] == pytest.approx(100 / 7)


def test_a_stopped_transducer_goes_on_bit_for_bit(spellings: Path, workspace: Workspace) -> None:
    settings = {"task": "transduce", "steps": 12, "dropout": 0.2, "split": "70/15/15"}
    whole = train_whole(request(spellings, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(spellings, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)


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
    new.write_text("ko Ba\n\nsu")
    answers = list(predict("tags", (str(new),), workspace, SilentReporter(), are_sentences=True))
    assert [answer.line for answer in answers] == ["ko\tO", "Ba\tB-N", "", "", "su\tO", ""]
    reporter = Warnings()
    new.write_text("-DOCSTART- -X- O\n\nko Ba su mel\n\nko Ba Ω mel\n")
    with pytest.raises(DataError, match="'new', line 3, has 4 columns, the lines before it 3"):
        list(predict("tags", (str(new),), workspace, reporter))
    new.write_text("ko Ba su mel\n\nΩ Ba Ω mel\n\nξ X X X")
    assert next(answer.line for answer in predict("tags", (str(new),), workspace, reporter)) == "ko Ba su mel O"
    sentence, unknown = reporter.warnings
    assert "line 1, is read as one token, 'ko', with its columns. For lines that are whole" in sentence
    assert unknown.endswith("unknown symbol: Ω ξ")


def test_a_stopped_tagger_goes_on_bit_for_bit(sentences: Path, workspace: Workspace) -> None:
    settings = {"task": "tag", "steps": 12, "dropout": 0.2}
    whole = train_whole(request(sentences, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(sentences, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)


def test_a_classifier_starts_from_a_language_model_whose_layers_are_held_at_first(
    names: Path, workspace: Workspace, tmp_path: Path
) -> None:
    text = tmp_path / "names.txt"
    text.write_text("".join(line.split("\t")[0] + "\n" for line in names.read_text().splitlines()))
    few = {"corpus": (str(text),), "name": "language", "steps": 3}
    for records in ("none", "lines"):
        asked = {**SMALL, **few, "name": f"language-{records}", "records": records}
        origin = train_whole(make_request(by_section(asked)), workspace)
        sizes = {
            name: value for name, value in SMALL.items() if name not in ("hidden_size", "embedding_size", "num_layers")
        }
        asked = {**sizes, "corpus": (str(names),), "task": "classify", "name": f"tuned-{records}", "steps": 3}
        tuned = train_whole(make_request(by_section(asked)), workspace, init_from=origin.name)
        before, after = (read_checkpoint(run.run / "last.safetensors").tensors for run in (origin, tuned))
        # A step of three is before a third of the training: the layers learnt in the last two only, and little.
        moved = (after["model.layers.0.weight_hh_l0"] - before["model.layers.0.weight_hh_l0"]).abs().max()
        assert 0 < float(moved) < 0.05
        head = after["model.output.weight"]
        assert head.shape == (3, 24)
        known = before["model.embedding.weight"]
        first = 2 if records == "lines" else 0
        torch.testing.assert_close(
            after["model.embedding.weight"][2 : 2 + len(known) - first], known[first:], atol=0.05, rtol=0
        )
        assert verify_run(tuned.name, workspace).is_whole


@pytest.mark.parametrize("records", ["none", "lines"])
def test_texts_on_conditions_start_from_all_weights_of_a_language_model(
    names: Path, workspace: Workspace, tmp_path: Path, records: str
) -> None:
    text = tmp_path / "names.txt"
    text.write_text("".join(line.split("\t")[0] + "\n" for line in names.read_text().splitlines()))
    asked = {**SMALL, "corpus": (str(text),), "name": "language", "steps": 3, "records": records}
    origin = train_whole(make_request(by_section(asked)), workspace)
    asked = {**_WITHOUT_SIZES, "corpus": (str(names),), "task": "generate", "swap": True, "name": "write", "steps": 1}
    tuned = train_whole(make_request(by_section({**asked, "learning_rate": 1e-6})), workspace, init_from="language")
    before, after = (read_checkpoint(run.run / "best.safetensors").tensors for run in (origin, tuned))
    old, new = (read_any_model(run.name, workspace).tokenizer for run in (origin, tuned))
    shared = {name: number for number in range(2, new.first_label) if (name := new.symbol_name(number))}
    rows = {old.symbol_name(number): number for number in range(old.vocabulary_size)}
    for name in ("model.embedding.weight", "model.output.weight", "model.output.bias"):
        for symbol, number in shared.items():
            if symbol in rows:
                torch.testing.assert_close(after[name][number], before[name][rows[symbol]], atol=1e-4, rtol=0)
        end = old.end if old.end is not None else next(n for n, piece in enumerate(old.pieces) if piece == b"\n")
        torch.testing.assert_close(after[name][1], before[name][end], atol=1e-4, rtol=0)
    assert len(shared.keys() & rows.keys()) > 10 and verify_run("write", workspace).is_whole


def test_an_encoder_starts_from_a_language_model(spellings: Path, text: Path, workspace: Workspace) -> None:
    origin = train_whole(
        make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace
    )
    asked = {**_WITHOUT_SIZES, "corpus": (str(spellings),), "task": "transduce", "target_symbols": "spaces"}
    asked |= {"attention": "none", "name": "spell", "split": "70/15/15", "steps": 2}
    tuned = train_whole(make_request(by_section(asked)), workspace, init_from="tale")
    before, after = (read_checkpoint(run.run / "last.safetensors").tensors for run in (origin, tuned))
    moved = (after["model.layers.0.weight_hh_l0"] - before["model.layers.0.weight_hh_l0"]).abs().max()
    assert float(moved) < 0.05 and "model.query.weight" not in after
    assert [each.line for each in predict("spell", (str(spellings),), workspace, SilentReporter())]
    assert " " in read_any_model("spell", workspace).tokenizer.to_json()["separator"]


def test_a_stopped_tuning_goes_on_bit_for_bit(names: Path, text: Path, workspace: Workspace) -> None:
    train_whole(make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace)
    asked = {**_WITHOUT_SIZES, "steps": 12}

    def tuned(name: str) -> Request:
        return make_request(by_section({**asked, "corpus": (str(names),), "task": "classify", "name": name}))

    whole = train_whole(tuned("whole"), workspace, init_from="tale")
    stop = StopRequest()
    start(tuned("parts"), workspace, StopAfter(stop, 2), stop, init_from="tale")
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)


@pytest.mark.parametrize("settings", [{}, {"average": 0.9, "accumulation": 2}, {"direction": "forward", "cell": "gru"}])
def test_a_stopped_training_goes_on_bit_for_bit(names: Path, workspace: Workspace, settings: dict[str, object]) -> None:
    settings = {**settings, "steps": 12, "dropout": 0.2}
    whole = train_whole(request(names, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(names, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    stopped = read_checkpoint(workspace.checkpoints / "parts" / "last.safetensors")
    assert not any(name.startswith("state.") for name in stopped.tensors)
    resumed = resume("parts", workspace, SilentReporter(), StopRequest())
    assert_same_end(whole.run, resumed.run)


def test_the_direction_is_chosen_and_a_budget_plans(names: Path, workspace: Workspace) -> None:
    config, plan = plan_run(request(names, steps=None, budget="2s"), workspace, SilentReporter())
    assert config.model.direction == "both" and config.model.mixed_order is None
    assert "length:" in plan.reasons


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"model": "ngram", **dict.fromkeys(SMALL)}, "needs a recurrent network"),
        ({"cell": "jordan"}, "needs a recurrent network"),
        ({"mix": "ngram:4"}, "--mix is for language models of text; a model of --task classify predicts labels"),
        ({"mix": "ngram:4", "task": "generate"}, "--mix is for language models of text; n-grams know no condition"),
        ({"task": "transduce", "layer_norm": True}, "--layer-norm is not for --task transduce"),
        ({"tie_weights": True, "embedding_size": 8}, "--tie-weights is for language models"),
        ({"teacher_forcing": "linear:0.5"}, "--teacher-forcing is for language models of text"),
        ({"task": "tag", "tokenizer": "sentencepiece"}, "--tokenizer sentencepiece"),
        ({"attention": "none"}, "--attention is for --task transduce"),
        ({"records": "lines"}, "--records is for language models"),
        ({"task": None, "direction": "both"}, "has already seen it"),
        ({"task": "generate", "direction": "both"}, "has already seen it"),
    ],
)
def test_what_no_model_can_be_is_refused(
    names: Path, workspace: Workspace, settings: dict[str, object], problem: str
) -> None:
    given = dict({**SMALL, "corpus": (str(names),), "task": "classify", **settings}.items())
    asked = make_request(by_section({key: value for key, value in given.items() if value is not None}))
    with pytest.raises(ConfigError, match=problem):
        start(asked, workspace, SilentReporter(), StopRequest())
    assert not workspace.checkpoints.exists()


def test_a_length_of_windows_is_told_to_do_nothing(names: Path, workspace: Workspace) -> None:
    stop, reporter = StopRequest(), Warnings()
    start(request(names, name="names", steps=1, sequence_length=32), workspace, reporter, stop)
    assert reporter.warnings[0].startswith("--sequence-length is for text that is continued, and does nothing here")


def test_settings_of_examples_need_a_task() -> None:
    with pytest.raises(ConfigError, match="swap is for data"):
        make_request(by_section({"corpus": ("x",), "swap": True}))


def test_a_classifier_is_no_language_model_and_the_other_way_round(
    names: Path, text: Path, workspace: Workspace
) -> None:
    train_whole(request(names, name="names", steps=2), workspace)
    with pytest.raises(
        ConfigError, match="continues no text, as this needs; it is for charlm predict names or charlm eval"
    ):
        read_model("names", workspace)
    with pytest.raises(ConfigError, match="--init-from starts from a model that continues text; 'names' was trained"):
        train_whole(request(names), workspace, init_from="names")
    train_whole(make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace)
    with pytest.raises(ConfigError, match="charlm eval perplexity tale"):
        accuracy("tale", (), workspace, SilentReporter())
