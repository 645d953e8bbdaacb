from itertools import islice

import numpy as np
import pytest
import torch

from charlm.data.tokenizers.char import CharTokenizer
from charlm.evaluation.agreement import measure_agreement, sentences
from charlm.models.base import OWN


def some(count=300, **settings):
    return list(islice(sentences(np.random.default_rng(1), longest=5, **settings), count))


def test_sentences_agree_and_their_clauses_say_nothing_of_the_number():
    drawn = some()
    for each in drawn:
        assert (each.verb, each.other) == (("were", "was") if each.subject.endswith("s") else ("was", "were"))
        assert each.text.endswith(".\n")
        assert each.before.count(" and ") == max(0, each.things - 1)
        assert each.before.startswith(each.subject)
    assert {each.things for each in drawn} == {0, 1, 2, 3, 4, 5}
    plural = [each for each in drawn if each.verb == "were"]
    assert 0.4 < len(plural) / len(drawn) < 0.6
    # Things in the clause are one or many alike often after either subject.
    for verb in ("was", "were"):
        lasts = [each.before.rstrip(", ").endswith("s") for each in drawn if each.verb == verb and each.things]
        assert 0.35 < np.mean(lasts) < 0.65


def test_distance_by_hand():
    (sentence,) = some(1, things=1)
    between = sentence.before[sentence.before.index(",") :]
    assert sentence.distance == len(between)
    assert between.startswith(", which already ")


class Knows:
    """Gives each symbol a code length that a function of the text so far decides."""

    def __init__(self, tokenizer, cost):
        self.tokenizer = tokenizer
        self.cost = cost

    def initial_state(self, batch_size):
        return ()

    def nats(self, tokens, targets, state):
        text = self.tokenizer.decode(tokens[:, 0].tolist())
        last = self.tokenizer.decode(targets[-1].tolist())
        costs = torch.zeros(tokens.shape)
        costs[-1] = self.cost(text + last)
        return {OWN: costs}, ()


@pytest.mark.parametrize("always", ["was", "were"])
def test_a_model_that_always_says_the_same_is_right_half_of_the_time(always):
    questions = some()
    tokenizer = CharTokenizer(sorted({character for each in questions for character in "\n" + each.text + each.other}))
    model = Knows(tokenizer, lambda text: 0.0 if text.endswith(f" {always} ") else 1.0)
    told = measure_agreement(model, tokenizer, questions, device=torch.device("cpu"))
    assert told.right == pytest.approx(np.mean([each.verb == always for each in questions]))


def test_a_model_that_knows_the_subject_is_always_right():
    questions = some(40, things=3)
    tokenizer = CharTokenizer(sorted({character for each in questions for character in "\n" + each.text + each.other}))

    def cost(text):
        plural = text[: text.index(",")].endswith("s")
        return 0.0 if text.endswith(" were " if plural else " was ") else 1.0

    told = measure_agreement(Knows(tokenizer, cost), tokenizer, questions, device=torch.device("cpu"))
    assert (told.right, told.things) == (1.0, 3)
