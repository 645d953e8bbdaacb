import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm.config import EvaluationConfig, SurprisalConfig
from charlm.errors import ConfigError, DataError
from charlm.evaluation.surprisal import Surprisal
from charlm.models.base import OWN
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.evaluate.surprisal import surprisal
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.start import start

FIXTURES = Path(__file__).parents[2] / "fixtures"
TEXT = "olir atana ñ ilil\nonuru 漢 ula.\n\nx"
KINDS = ["lstm", "mixed", "records", "mixed-records", "bytes", "pieces", "ngram", "ngram-records", "mlp", "jordan"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Runs of every kind that an older charlm made, and a text with characters that most of them do not know."""
    folder = tmp_path_factory.mktemp("older")
    with zipfile.ZipFile(FIXTURES / "charlm-0.1.0.zip") as archive:
        archive.extractall(folder)
    (folder / "other.txt").write_text(TEXT, encoding="utf-8")
    return Workspace(folder)


def measure(workspace, run: str, *, text: str | None = "other.txt", **settings) -> Surprisal:
    texts = TextChoice(() if text is None else (str(workspace.root / text),))
    return surprisal(run, texts, SurprisalConfig(**settings), workspace, SilentReporter(), device="cpu").surprisal


@pytest.mark.parametrize("run", KINDS)
def test_the_code_lengths_sum_to_the_score(workspace, run):
    found = measure(workspace, run, top=3)
    texts = TextChoice((str(workspace.root / "other.txt"),))
    score = perplexity(run, texts, EvaluationConfig(), workspace, SilentReporter(), device="cpu").score
    assert found.score == score
    assert math.fsum(found.nats) == pytest.approx(score.total_nats, rel=1e-9)
    assert int(found.is_scored.sum()) == score.num_symbols
    assert not found.nats[~found.is_scored].any()


@pytest.mark.parametrize("run", KINDS)
def test_lines_and_stretches_are_the_text_and_its_bits(workspace, run):
    found = measure(workspace, run)
    is_records = found.tokenizer.begin is not None
    read = TEXT.replace("\n\n", "\n") + "\n" if is_records else TEXT
    assert "".join(found.texts) == "".join(text for text, _, _ in found.stretches()) == read
    assert sum(bits for _, bits, _ in found.stretches()) == pytest.approx(found.bits.sum())
    lines = found.lines()
    assert [line.text for line in lines] == read.removesuffix("\n").split("\n")
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert sum(line.bits for line in lines) == pytest.approx(found.bits.sum())
    assert sum(line.num_characters for line in lines) == found.score.num_characters


@pytest.mark.parametrize("run", ["lstm", "mixed", "ngram"])
def test_each_place_is_what_the_model_says_when_it_reads_symbol_by_symbol(workspace, run):
    found = measure(workspace, run, top=4)
    loaded = load_model(run, workspace, device=torch.device("cpu"))
    charge = math.log(loaded.tokenizer.num_unknown_characters)
    state = loaded.model.initial_state(1)
    for place in range(1, len(found.tokens)):
        before, symbol = (int(each) for each in found.tokens[place - 1 : place + 1])
        with torch.no_grad():
            logits, state = loaded.model(torch.tensor([[before]]), state)
        probabilities = logits[0, 0].double().softmax(-1)
        unknown = charge if symbol == loaded.tokenizer.unknown else 0.0
        assert found.nats[place] - unknown == pytest.approx(-math.log(probabilities[symbol]), rel=1e-4)
        assert found.probabilities[place] == pytest.approx(probabilities.sort(descending=True)[0][:4].numpy(), rel=1e-4)
        near = (probabilities / probabilities[symbol] - 1.0).abs() < 1e-4  # which may come out in another order
        assert abs(found.ranks[place] - 1 - int((probabilities > probabilities[symbol]).sum())) < int(near.sum())


@pytest.mark.parametrize("run", KINDS)
def test_a_symbol_of_rank_n_is_the_nth_of_the_likeliest(workspace, run):
    found = measure(workspace, run, top=1000)
    size = found.tokenizer.vocabulary_size
    assert found.likeliest.shape == (len(found.tokens), size)
    own = (found.likeliest == found.tokens[:, None].astype(np.int64)) & found.is_scored[:, None]
    own_probabilities = found.probabilities[own]
    at_rank = found.probabilities[found.is_scored, found.ranks[found.is_scored] - 1]
    assert at_rank == pytest.approx(own_probabilities)
    assert found.probabilities[found.is_scored].sum(axis=1) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("run", ["mixed", "mixed-records"])
def test_the_network_share_explains_the_mixture(workspace, run):
    found = measure(workspace, run)
    loaded = load_model(run, workspace, device=torch.device("cpu"))
    (start,) = np.flatnonzero(found.is_scored)[:1]
    tokens = torch.from_numpy(found.tokens[: start + 1].astype(np.int64))[:, None]
    with torch.no_grad():
        nats, _ = loaded.model.nats(tokens[:-1], tokens[1:], loaded.model.initial_state(1))
    mixed, network, ngrams = (math.exp(-float(nats[name][-1])) for name in (OWN, "network alone", "n-grams alone"))
    share = found.network_shares[start]
    assert share * network + (1.0 - share) * ngrams == pytest.approx(mixed, rel=1e-4)


@pytest.mark.parametrize("run", ["lstm", "ngram"])
def test_other_models_have_no_shares_and_code_lengths_alone_no_ranks(workspace, run):
    found = measure(workspace, run)
    assert found.network_shares is None
    assert found.ranks is None
    assert found.likeliest.shape[1] == 0


def test_a_part_of_the_runs_own_text_and_cold_windows_are_scored_as_by_perplexity(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    own = measure(workspace, "lstm", text=None, context=16)
    settings = EvaluationConfig(context=16)
    assert own.score == perplexity("lstm", TextChoice(), settings, workspace, SilentReporter(), device="cpu").score
    assert math.fsum(own.nats) == pytest.approx(own.score.total_nats, rel=1e-9)


def test_an_unknown_character_is_shown_and_charged_for(workspace):
    found = measure(workspace, "lstm", top=0)
    place = TEXT.index("漢")
    assert found.texts[place] == "漢"
    assert found.nats[place] > math.log(found.tokenizer.num_unknown_characters)
    in_records = measure(workspace, "records")
    assert in_records.texts.count("漢") == in_records.texts.count("ñ") == 1


@pytest.mark.parametrize("records", ["none", "lines"])
def test_an_unknown_character_of_the_runs_own_text_is_shown_while_the_text_is_there(
    records, small_request, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("own.txt").write_text("a tale\n" * 60 + "ñandú\n" * 4 + "漢字\n" * 3, encoding="utf-8")
    request = small_request(corpus=("own.txt",), records=records, name="own")
    start(request, Workspace(), SilentReporter(), StopRequest())

    def shown(split: str) -> str:
        found = surprisal("own", TextChoice((), split), SurprisalConfig(), Workspace(), SilentReporter(), device="cpu")
        return "".join(found.surprisal.texts)

    parts = "".join(shown(split) for split in ("train", "valid", "test"))
    assert parts == Path("own.txt").read_text(encoding="utf-8")
    Path("own.txt").unlink()
    assert "\ufffd" in shown("test") and "漢" not in shown("test")


def test_a_text_without_anything_to_score_is_refused(workspace):
    (workspace.root / "short.txt").write_text("x")
    with pytest.raises(DataError, match="at least 2"):
        measure(workspace, "lstm", text="short.txt")


def test_records_refuse_cold_windows(workspace):
    with pytest.raises(ConfigError, match="records"):
        measure(workspace, "records", context=4)
