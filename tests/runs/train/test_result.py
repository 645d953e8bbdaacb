from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm.data.corpus import EncodedCorpus
from charlm.data.encoder import EncodedText
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.char import CharTokenizer
from charlm.evaluation.scorer import score_parts
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.runs.reporting import SilentReporter
from charlm.runs.train.result import score_held_out

CPU = torch.device("cpu")


class CountingReporter(SilentReporter):
    def __init__(self):
        self.labels, self.counts = [], []

    def progress(self, label, total):
        self.labels.append(f"{label} of {total}")
        return nullcontext(self.counts.append)


def text(count):
    symbols = TokenFile(np.random.default_rng(count).integers(0, 5, count).astype(np.uint8))
    return EncodedText(
        symbols,
        num_symbols=count,
        num_characters=count,
        num_bytes=count,
        num_unknown=0,
        num_records=0,
        first_bytes=1,
    )


def corpus(*, valid, test):
    return EncodedCorpus(
        label="a test",
        key="key",
        folder=Path("folder"),
        digest="digest",
        tokenizer=CharTokenizer(["a", "b", "c", "d"]),
        train=text(10),
        valid=valid,
        test=test,
        split="separate files",
        reused=False,
    )


@pytest.fixture
def model():
    model = RecurrentLanguageModel(5, embedding_size=3, hidden_size=6, num_layers=2, residual=True)
    model.initialize(torch.Generator().manual_seed(4))
    return model.eval()


@pytest.mark.parametrize(
    "modes", [None, {"validation": "exact", "test": "exact"}, {"validation": "fast", "test": "exact"}]
)
def test_texts_scored_side_by_side_have_the_scores_that_each_has_alone(model, modes):
    encoded, reporter = corpus(valid=text(1100), test=text(700)), CountingReporter()
    scores = score_held_out(model, encoded, reporter, device=CPU, modes=modes)
    modes = modes or {"validation": "exact", "test": "exact"}
    for split, each in {"validation": encoded.valid, "test": encoded.test}.items():
        assert scores[split] == score_parts(model, each, encoded.tokenizer, device=CPU, mode=modes[split])
    assert list(scores) == ["validation", "test"]
    assert reporter.labels == ["scoring validation and test of 1800"]
    assert sum(reporter.counts) == 1099 + 699


def test_without_a_held_out_text_nothing_is_scored(model):
    reporter = CountingReporter()
    assert score_held_out(model, corpus(valid=None, test=None), reporter, device=CPU) == {}
    assert reporter.labels == []


def test_an_error_while_one_text_is_scored_ends_the_scoring_of_both(model):
    class FailingReporter(CountingReporter):
        def progress(self, label, total):
            super().progress(label, total)

            def advance(num_symbols):
                raise KeyboardInterrupt

            return nullcontext(advance)

    with pytest.raises(KeyboardInterrupt):
        score_held_out(model, corpus(valid=text(1100), test=text(700)), FailingReporter(), device=CPU)
