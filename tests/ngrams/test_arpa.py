import math

import numpy as np
import pytest

from charlm.ngrams.arpa import arpa_lines
from charlm.ngrams.build import count_model

TEXT = np.random.default_rng(3).choice(5, size=300, p=[0.4, 0.3, 0.15, 0.1, 0.05])
WORDS = ["<unk>", "a", "b", "<U+0020>", "d", "never"]


def written(tmp_path, smoothing, order=4):
    model = count_model(TEXT, order=order, smoothing=smoothing, vocabulary_size=6).model
    path = tmp_path / "model.arpa"
    path.write_text("".join(arpa_lines(model, WORDS, begin="<s>", end="</s>")))
    return model, path


def read_arpa(path):
    """Returns log10 probabilities and back-off weights by gram."""
    probabilities, weights, sizes, order = {}, {}, {}, 0
    for line in path.read_text().split("\n"):
        if line.startswith("ngram "):
            size = line.removeprefix("ngram ").split("=")
            sizes[int(size[0])] = int(size[1])
        elif line.startswith("\\") and line.endswith("-grams:"):
            order = int(line[1:].split("-")[0])
        elif order and "\t" in line:
            probability, gram, *weight = line.split("\t")
            words = tuple(gram.split(" "))
            assert len(words) == order
            probabilities[words] = float(probability)
            weights[words] = float(weight[0]) if weight else 0.0
    assert sizes == {each: sum(len(gram) == each for gram in probabilities) for each in sizes}
    return probabilities, weights


def back_off(probabilities, weights, history, word):
    gram = (*history, word)
    if gram in probabilities:
        return probabilities[gram]
    return weights.get(history, 0.0) + back_off(probabilities, weights, history[1:], word)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
def test_a_reader_of_the_format_finds_the_model_s_probabilities(tmp_path, smoothing):
    model, path = written(tmp_path, smoothing)
    probabilities, weights = read_arpa(path)
    heard = np.random.default_rng(4).integers(0, 6, 40)
    contexts = model.contexts_after(heard[:, None], model.first_contexts(1))[:, :, 0]
    for place, row in enumerate(model.distributions(contexts)):
        history = tuple(WORDS[symbol] for symbol in heard[max(0, place - 2) : place + 1])
        told = [10 ** back_off(probabilities, weights, history, word) for word in WORDS]
        assert told == pytest.approx(row.tolist(), rel=1e-5)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@pytest.mark.parametrize("order", [2, 4])
def test_kenlm_gives_the_same_scores(tmp_path, smoothing, order):
    kenlm = pytest.importorskip("kenlm")
    model, path = written(tmp_path, smoothing, order)
    judge = kenlm.Model(str(path))
    heard = TEXT[:120]
    contexts = model.contexts_after(heard[:-1, None], model.first_contexts(1))
    own = np.log10(model.probabilities(contexts, heard[1:, None])[:, 0])
    scores = list(judge.full_scores(" ".join(WORDS[symbol] for symbol in heard), bos=False, eos=False))
    assert [score for score, *_ in scores[1:]] == pytest.approx(own.tolist(), abs=1e-4)


def test_beginning_and_end_are_there_and_impossible(tmp_path):
    _, path = written(tmp_path, "kneser-ney")
    probabilities, _ = read_arpa(path)
    assert probabilities["<s>",] == probabilities["</s>",] == -99
    assert sum(10**value for gram, value in probabilities.items() if len(gram) == 1) == pytest.approx(1, abs=1e-5)
    assert math.isfinite(min(probabilities.values()))
