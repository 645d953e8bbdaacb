"""The script's tokenizers against charlm's own, on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import DataConfig, SamplingConfig
from charlm.data.inputs import clean_string
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.data.tokenizers.sentencepiece import train_sentencepiece
from charlm.generation.generator import prompt_tokens
from charlm.notation import visible
from charlm.page.tokenizer import describe_tokenizer
from tests.support.javascript import needs_node, run_script

pytestmark = needs_node

TOKENIZERS = {
    "char": CharTokenizer("\n ab<e\u0301\u00e9\u2028\U0001f600"),
    "byte": ByteTokenizer(),
    "records of characters": RecordTokenizer(CharTokenizer(" ab<\u00e9\U0001f600")),
    "records of bytes": RecordTokenizer(ByteTokenizer()),
}
LEARNT = (
    "the cat sat on the mat, and the dogs ran to the man with ten red hens;\n  indented lines  and caf\u00e9s too\n",
    "a rat, a bat, a hat: that is what the \u4e2d\u6587 cat has eaten at the table\n",
)


def subword_tokenizer(kind, size):
    text = "".join(LEARNT[number % 7 % 2] for number in range(60))
    return train_sentencepiece([text], vocabulary_size=size, kind=kind)


CHARACTERS = "\n\r\tab <&\u00e9e\u0301\u2028\ufeff\U0001f600\u4e2d\x00\x7f"
ANY_CHARACTER = st.one_of(st.sampled_from(CHARACTERS), st.characters(exclude_categories=["Cs"]))
TEXTS = st.lists(st.text(ANY_CHARACTER, max_size=30), min_size=5)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=5)  # of many texts each: every one starts Node.js
@given(texts=TEXTS)
def test_texts_have_the_symbols_that_charlm_gives_them(name, texts):
    tokenizer = TOKENIZERS[name]
    code = """
    const tokenizer = new Tokenizer(given.tokenizer);
    return given.texts.map((text) => {
      const symbols = tokenizer.encodeAll(text), decode = tokenizer.decoder();
      return { symbols, unknown: tokenizer.unknownIn(text), decoded: symbols.map(decode).join("") };
    });
    """
    found = run_script(code, tokenizer=describe_tokenizer(tokenizer, DataConfig(corpus=("x",))), texts=texts)
    for text, each in zip(texts, found, strict=True):
        symbols = tokenizer.encode(text) if text else []
        assert each["symbols"] == list(symbols)
        assert each["decoded"] == tokenizer.decode(symbols)
        assert each["unknown"] == tokenizer.unknown_characters(text)


WORDS = st.lists(st.one_of(st.sampled_from("".join(LEARNT).split(" ")), st.text(ANY_CHARACTER, max_size=3)))


@pytest.mark.parametrize(("kind", "size"), [("unigram", 300), ("unigram", 330), ("bpe", 300), ("bpe", 340)])
@settings(max_examples=5)
@given(texts=st.lists(WORDS.map(" ".join), min_size=10))
def test_subwords_are_those_of_the_library(kind, size, texts):
    tokenizer = subword_tokenizer(kind, size)
    texts = [*texts, "the cat sat " * 300, "a\u2581b " * 3, "", "ran" * 900]
    code = """
    const tokenizer = new Tokenizer(given.tokenizer);
    return given.texts.map((text) => {
      const symbols = tokenizer.encode(text), decode = tokenizer.decoder();
      return { symbols, decoded: symbols.map(decode).join("") };
    });
    """
    found = run_script(code, tokenizer=describe_tokenizer(tokenizer, DataConfig(corpus=("x",))), texts=texts)
    assert [each["symbols"] for each in found] == [tokenizer.encode(text).tolist() for text in texts]
    assert [each["decoded"] for each in found] == texts


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_prompt_begins_as_charlms_does(name):
    tokenizer = TOKENIZERS[name]
    code = "const t = new Tokenizer(given.tokenizer); return given.prompts.map((each) => t.encodePrompt(each));"
    prompts = ["", "ab", "\u00e9 a"]
    found = run_script(code, tokenizer=describe_tokenizer(tokenizer, DataConfig(corpus=("x",))), prompts=prompts)
    assert found == [prompt_tokens(tokenizer, prompt, SamplingConfig()).tolist() for prompt in prompts]


@pytest.mark.parametrize("form", [{}, {"newlines": "lf"}, {"normalize": "nfc"}, {"normalize": "nfkc"}], ids=str)
def test_a_text_gets_the_form_of_the_training_text(form):
    data = DataConfig(corpus=("x",), **form)
    texts = ["a\r\nb\rc\n", "e\u0301 \ufb01 \u212b"]
    code = "const t = new Tokenizer(given.tokenizer); return given.texts.map((each) => t.clean(each));"
    found = run_script(code, tokenizer=describe_tokenizer(TOKENIZERS["char"], data), texts=texts)
    assert found == ["".join(clean_string(text, data=data).chunks()) for text in texts]


def test_half_a_surrogate_pair_becomes_the_replacement_character():
    code = "return new Tokenizer(given.tokenizer).clean('a\\ud800b\\udc00\\ud83d\\ude00');"
    described = describe_tokenizer(TOKENIZERS["byte"], DataConfig(corpus=("x",)))
    assert run_script(code, tokenizer=described) == "a\ufffdb\ufffd\U0001f600"


def test_control_characters_are_shown_as_in_a_terminal():
    text = "".join(map(chr, (*range(0x250), *range(0x2000, 0x2080))))
    assert run_script("return visible(given.text);", text=text) == visible(text)
