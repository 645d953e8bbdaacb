"""ARPA files, read by a reader of the tests' own and by kenlm where it is installed (pip install kenlm)."""

import numpy as np
import pytest

from charlm.ngrams.arpa import IMPOSSIBLE, arpa_lines
from charlm.ngrams.build import count_model
from tests.support.arpa_reader import read_arpa
from tests.support.peaks import peak_bytes

WORDS = ["<unk>", "a", "b", "<U+0020>", "d", "never"]
RECORD_WORDS = ["<unk>", "a", "b", "c", "<s>", "</s>"]
BEGIN, END = 4, 5
SMOOTHINGS = ["witten-bell", "kneser-ney"]
ORDERS = [1, 2, 4]


def running_text() -> np.ndarray:
    return np.random.default_rng(3).choice(5, size=300, p=[0.4, 0.3, 0.15, 0.1, 0.05])


def records() -> np.ndarray:
    random = np.random.default_rng(5)
    return np.concatenate([[BEGIN, *random.integers(0, 4, random.integers(0, 7)), END] for _ in range(60)])


def counted(smoothing, order):
    return count_model(running_text(), order=order, smoothing=smoothing, vocabulary_size=6).model


def counted_records(smoothing, order):
    return count_model(records(), order=order, smoothing=smoothing, vocabulary_size=6, begin=BEGIN).model


def arpa_text(model, words=WORDS):
    return "".join(arpa_lines(model, words, begin="<s>", end="</s>"))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_a_sequence_of_symbols_has_the_model_s_own_probabilities(smoothing, order):
    model = counted(smoothing, order)
    symbols = np.random.default_rng(4).integers(0, 6, 200)
    contexts = model.contexts_after(symbols[:-1, None], model.first_contexts(1))
    own = np.log10(model.probabilities(contexts, symbols[1:, None])[:, 0])
    told = read_arpa(arpa_text(model)).log10_probabilities_of([WORDS[symbol] for symbol in symbols])
    # The file has seven digits; a logarithm is read with an error of 5e-7 of itself, and up to four are added.
    assert told[1:] == pytest.approx(own.tolist(), abs=1e-5)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_records_have_the_model_s_own_probabilities(smoothing, order):
    model = counted_records(smoothing, order)
    reader = read_arpa(arpa_text(model, RECORD_WORDS))
    for record in ([1, 2, 3], [], [0, 0, 3, 3, 1, 2, 2]):
        symbols = np.array([BEGIN, *record, END])
        contexts = model.contexts_after(symbols[:-1, None], model.first_contexts(1))
        own = np.log10(model.probabilities(contexts, symbols[1:, None])[:, 0])
        told = reader.log10_probabilities_of([RECORD_WORDS[symbol] for symbol in symbols])
        assert told[1:] == pytest.approx(own.tolist(), abs=1e-5)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_after_any_history_the_probabilities_sum_to_one(smoothing, order):
    reader = read_arpa(arpa_text(counted(smoothing, order)))
    random = np.random.default_rng(6)
    for length in [*range(order + 2)] * 8:
        history = random.choice(WORDS, size=length).tolist()
        total = sum(10 ** reader.log10_probability(word, history) for word in reader.vocabulary)
        assert total == pytest.approx(1, abs=1e-5), history


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_in_records_they_sum_to_one_but_for_what_the_model_gives_the_begin(smoothing, order):
    model = counted_records(smoothing, order)
    reader = read_arpa(arpa_text(model, RECORD_WORDS))
    heard = np.array([BEGIN, *np.random.default_rng(6).integers(0, 4, 60)])
    distributions = model.distributions(model.contexts_after(heard[:, None], model.first_contexts(1))[:, :, 0])
    for place, distribution in enumerate(distributions):
        history = [RECORD_WORDS[symbol] for symbol in heard[: place + 1]]
        total = sum(10 ** reader.log10_probability(word, history) for word in reader.vocabulary)
        assert total + distribution[BEGIN] == pytest.approx(1, abs=1e-5), history


def test_back_off_by_hand():
    """After a context of the file its weight counts once; after one that is not in the file nothing does."""
    text = (
        "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-0.5\ta\t-0.25\n-1\tb\n-0.75\tc\t-0.5\n\n"
        "\\2-grams:\n-0.125\ta b\n\n\\end\\\n"
    )
    reader = read_arpa(text)
    assert reader.log10_probabilities_of(["a", "b", "c", "a", "a"]) == [-0.5, -0.125, -0.75, -1.0, -0.75]


@pytest.mark.parametrize("order", ORDERS)
def test_without_records_begin_and_end_are_there_and_impossible(order):
    reader = read_arpa(arpa_text(counted("kneser-ney", order)))
    assert sorted(reader.vocabulary) == sorted([*WORDS, "<s>", "</s>"])
    assert reader.log10_probability("<s>", []) == reader.log10_probability("</s>", []) == IMPOSSIBLE


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [2, 4])  # kenlm knows no order of 1
def test_kenlm_gives_the_same_scores(tmp_path, smoothing, order):
    kenlm = pytest.importorskip("kenlm")
    path = tmp_path / "model.arpa"
    path.write_text(arpa_text(counted(smoothing, order)))
    words = [WORDS[symbol] for symbol in running_text()[:120]]
    scores = [score for score, *_ in kenlm.Model(str(path)).full_scores(" ".join(words), bos=False, eos=False)]
    told = read_arpa(path.read_text()).log10_probabilities_of(words)
    assert scores == pytest.approx(told, abs=1e-4)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [2, 4])
def test_kenlm_gives_records_the_same_scores(tmp_path, smoothing, order):
    kenlm = pytest.importorskip("kenlm")
    path = tmp_path / "model.arpa"
    path.write_text(arpa_text(counted_records(smoothing, order), RECORD_WORDS))
    judge, reader = kenlm.Model(str(path)), read_arpa(path.read_text())
    for words in (["a", "b", "c"], [], ["c", "c", "<unk>", "a"]):
        scores = [score for score, *_ in judge.full_scores(" ".join(words), bos=True, eos=True)]
        told = reader.log10_probabilities_of(["<s>", *words, "</s>"])
        assert scores == pytest.approx(told[1:], abs=1e-4)


def test_the_text_is_never_in_memory_as_a_whole():
    text = np.random.default_rng(7).integers(0, 40, 20_000)
    model = count_model(text, order=5, smoothing="witten-bell", vocabulary_size=40).model
    words = [f"<U+{number:04X}>" for number in range(40)]
    with peak_bytes() as peak:
        size = sum(map(len, arpa_lines(model, words, begin="<s>", end="</s>")))
    kept = 16 * (len(model.levels[2].keys) + len(model.levels[3].keys))
    # The rest is a piece of a few thousand lines, in several forms.
    assert peak[0] < kept + 800_000 < size / 2
