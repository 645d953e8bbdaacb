"""The parts of an answer: texts with their log-probabilities, as OpenAI's clients expect them."""

from collections.abc import Sequence
from typing import Any, final

from charlm.data.tokenizers.base import Tokenizer
from charlm.generation.drawings import Drawn, Likely
from charlm.serving.prompts import ReadPrompt
from charlm.serving.scheduler import Growth
from charlm.serving.scoring import Scored

_LOWEST = -9999.0
"""What stands for the logarithm of 0, which JSON does not have."""

_Listed = tuple[int, int, Likely | None, tuple[Likely, ...]]
"""A symbol, where its text starts, its log-probability, and the likeliest symbols in its place."""


@final
class Choice:
    """One text of an answer, as it grows.

    Attributes:
        num_drawn: symbols drawn so far.
        finish_reason: why it has ended; None before.
    """

    def __init__(
        self, index: int, prompt: ReadPrompt, tokenizer: Tokenizer, *, echo: bool, with_logprobs: bool
    ) -> None:
        self.num_drawn = 0
        self.finish_reason: str | None = None
        self._index = index
        self._prompt = prompt
        self._tokenizer = tokenizer
        self._with_logprobs = with_logprobs
        self._offset = len(prompt.text) if echo else 0
        self._num_shown = 0
        self._waiting: list[Drawn] = []

    def echoed(self, scored: Scored) -> dict[str, Any]:
        """Returns the part that repeats the prompt; `scored` is empty where no log-probabilities were asked for."""
        listed: list[_Listed] = []
        if self._with_logprobs:
            decoder, start = self._tokenizer.decoder(), 0
            symbols = self._prompt.symbols[self._prompt.num_given :].tolist()
            for symbol, (own, likeliest) in zip(symbols, scored, strict=True):
                listed.append((symbol, start, own, likeliest))
                start += len(decoder.feed(symbol))
        return self._part(self._prompt.text, listed)

    def grown(self, growth: Growth) -> dict[str, Any]:
        """Returns the part for further symbols; log-probabilities come with the text that they belong to."""
        text = "".join(growth.texts)
        self.num_drawn += len(growth.texts)
        self._num_shown += len(text)
        self._waiting.extend(growth.listed)
        self.finish_reason = growth.end
        shown = [each for each in self._waiting if each.start < self._num_shown or self._is_listed_at_end(each)]
        self._waiting = self._waiting[len(shown) :]
        return self._part(text, [(each.symbol, self._offset + each.start, each.own, each.likeliest) for each in shown])

    def cut(self) -> dict[str, Any]:
        """Returns the part that ends a text of which nothing is drawn."""
        self.finish_reason = "length"
        return self._part("", [])

    def _is_listed_at_end(self, drawn: Drawn) -> bool:
        """Returns whether a symbol without text of its own is listed at the end; none behind a stop string is."""
        return self.finish_reason == "length" or (self.finish_reason == "stop" and drawn.symbol == self._tokenizer.end)

    def _part(self, text: str, listed: Sequence[_Listed]) -> dict[str, Any]:
        logprobs = self._listing(listed) if self._with_logprobs else None
        return {"text": text, "index": self._index, "logprobs": logprobs, "finish_reason": self.finish_reason}

    def _listing(self, listed: Sequence[_Listed]) -> dict[str, Any]:
        return {
            "tokens": [token_name(symbol, self._tokenizer) for symbol, *_ in listed],
            "token_logprobs": [None if own is None else _number(own) for _, _, own, _ in listed],
            "top_logprobs": [None if own is None else self._alternatives(own, top) for _, _, own, top in listed],
            "text_offset": [start for _, start, _, _ in listed],
        }

    def _alternatives(self, own: Likely, likeliest: tuple[Likely, ...]) -> dict[str, float]:
        """Returns the likeliest symbols by their names, and the symbol itself."""
        named: dict[str, float] = {}
        for each in (*likeliest, own):
            # Of two symbols with one text, the first is the likelier.
            named.setdefault(token_name(each.symbol, self._tokenizer), _number(each))
        return named


def join_parts(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns all parts of one text as one."""
    *_, last = parts
    joined = last | {"text": "".join(part["text"] for part in parts)}
    if last["logprobs"] is not None:
        joined["logprobs"] = {
            name: [each for part in parts for each in part["logprobs"][name]] for name in last["logprobs"]
        }
    return joined


def token_name(symbol: int, tokenizer: Tokenizer) -> str:
    """Returns the text of a symbol; of one that is part of a character its bytes, and of a special one its name."""
    if symbol in (tokenizer.begin, tokenizer.end, tokenizer.unknown):
        return tokenizer.symbol_name(symbol)
    piece = tokenizer.pieces[symbol]
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def _number(likely: Likely) -> float:
    return max(_LOWEST, likely.log_probability)
