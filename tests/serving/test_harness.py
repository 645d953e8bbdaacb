"""The requests of lm-evaluation-harness' local-completions, and its rules for reading the answers.

It asks for one more symbol than it needs, sums what lies between the context and that symbol, and takes a continuation
for greedy where each symbol has the highest log-probability of those that are listed.
"""

import math

import pytest

from tests.support.served import serve, train


def tokens_of(server, text: str, **model) -> list[int]:
    return server.ask("/tokenize", {"prompt": text, "add_special_tokens": False, **model}).json["tokens"]


def log_likelihoods(server, pairs, **model) -> list[tuple[float, bool]]:
    contexts = [tokens_of(server, context, **model) for context, _ in pairs]
    both = [tokens_of(server, context + rest, **model) for context, rest in pairs]
    asked = {"prompt": both, "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": True}
    answer = server.ask("/v1/completions", asked | model, Authorization="Bearer ").json
    found = []
    for choice, context in zip(sorted(answer["choices"], key=lambda each: each["index"]), contexts, strict=True):
        own = choice["logprobs"]["token_logprobs"][len(context) : -1]
        tops = choice["logprobs"]["top_logprobs"][len(context) : -1]
        found.append((sum(own), all(each == max(top.values()) for each, top in zip(own, tops, strict=True))))
    return found


@pytest.mark.parametrize("run", ["net", "mixed", "counts", "bytes", "names"])
def test_continuations_get_their_log_likelihoods(all_kinds, run):
    pairs = [("bal", "in"), ("co", "lin")] if run == "names" else [("the cat sat", " on the mat"), ("a dog", "zzz")]
    if run in ("net", "mixed", "counts"):
        pairs[1] = ("a dog", " ate")
    found = log_likelihoods(all_kinds, pairs, model=run)
    for (context, rest), (total, _) in zip(pairs, found, strict=True):
        asked = {"model": run, "max_tokens": 0, "echo": True, "logprobs": 0}
        (choice,) = all_kinds.complete(context + rest, **asked)["choices"]
        assert total == pytest.approx(math.fsum(choice["logprobs"]["token_logprobs"][len(context) :]), rel=1e-12)


def test_what_the_model_takes_for_the_likeliest_is_greedy(served):
    likeliest = served.text("the cat", temperature=0, max_tokens=8)
    assert [greedy for _, greedy in log_likelihoods(served, [("the cat", likeliest)])] == [True]
    assert [greedy for _, greedy in log_likelihoods(served, [("the cat", " hhh")])] == [False]


def test_the_tokenizer_is_found_and_gives_what_a_text_begins_after(all_kinds):
    info = all_kinds.ask("/tokenizer_info?model=net").json
    assert "eos_token" in info
    (begin,) = tokens_of(all_kinds, info["bos_token"], model="net")
    assert tokens_of(all_kinds, "", model="net") == [begin]
    symbols = tokens_of(all_kinds, "the cat", model="net")
    assert all_kinds.ask("/detokenize", {"tokens": symbols, "model": "net"}).json == {"prompt": "the cat"}


def test_tokens_are_those_of_the_text_as_the_model_reads_it(place, tmp_path):
    (tmp_path / "text.txt").write_text("caf\N{LATIN SMALL LETTER E WITH ACUTE}\nau lait\n" * 60)
    train(place, tmp_path / "text.txt", name="clean", newlines="lf", normalize="nfc")
    with serve(["clean"], place) as served:
        assert tokens_of(served, "cafe\N{COMBINING ACUTE ACCENT}\r\nau") == tokens_of(
            served, "caf\N{LATIN SMALL LETTER E WITH ACUTE}\nau"
        )


def test_a_record_may_begin_with_the_end_of_the_one_before(all_kinds):
    (end,) = tokens_of(all_kinds, all_kinds.ask("/tokenizer_info?model=names").json["eos_token"], model="names")
    asked = {"model": "names", "max_tokens": 0, "echo": True, "logprobs": 0}
    own = all_kinds.complete([end, *tokens_of(all_kinds, "balin", model="names")], **asked)["choices"][0]["logprobs"]
    plain = all_kinds.complete("balin", **asked)["choices"][0]["logprobs"]
    assert own["token_logprobs"] == [None, *plain["token_logprobs"]]


def test_texts_are_generated_until_a_string(served):
    asked = {"prompt": ["the cat"], "max_tokens": 64, "temperature": 0, "stop": ["."], "seed": 1234}
    (choice,) = served.ask("/v1/completions", asked).json["choices"]
    assert "." not in choice["text"]
