"""The log-probabilities of a prompt's symbols: the code lengths that `charlm eval perplexity` adds up."""

from collections.abc import Callable
from typing import TYPE_CHECKING, final

import numpy as np

from charlm.data.encoder import EncodedText
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import smallest_type
from charlm.errors import ConfigError
from charlm.generation.drawings import Likely
from charlm.runs.stored.model import StoredModel
from charlm.serving.prompts import ReadPrompt

if TYPE_CHECKING:
    from charlm.evaluation.surprisal import Surprisal
    from charlm.runs.stored.loading import LoadedModel

Scored = list[tuple[Likely | None, tuple[Likely, ...]]]
"""For each symbol of a prompt's text, it and the likeliest ones in its place; None where nothing came before it."""


@final
class Scorer:
    """Scores prompts with torch, which is loaded for the first one."""

    def __init__(self, stored: StoredModel) -> None:
        self._stored = stored
        self._loaded: LoadedModel | None = None

    def score(self, prompt: ReadPrompt, *, num_likeliest: int, advance: Callable[[int], None]) -> Scored:
        """Returns the natural logarithms of the probabilities in the text of a prompt.

        Args:
            advance: is called every now and then; what it raises ends the scoring.

        Raises:
            ConfigError: the model writes on conditions.
        """
        tokenizer = self._stored.tokenizer
        if tokenizer.num_given != 1:
            raise ConfigError("The model writes on a condition; logprobs of the prompt are not served for it.")
        if (prompt.num_given == 0 and len(prompt.symbols) == 1) or prompt.num_given == len(prompt.symbols):
            return [(None, ())] * (len(prompt.symbols) - prompt.num_given)
        found = self._surprisal(prompt, num_likeliest=num_likeliest, advance=advance)
        places = range(prompt.num_given, len(prompt.symbols))
        return [_at(found, place) if found.is_scored[place] else (None, ()) for place in places]

    def _surprisal(self, prompt: ReadPrompt, *, num_likeliest: int, advance: Callable[[int], None]) -> "Surprisal":
        from charlm.evaluation.surprisal import measure_surprisal
        from charlm.runs.device import resolve_device
        from charlm.runs.stored.loading import build_stored

        if self._loaded is None:
            self._loaded = build_stored(self._stored, device=resolve_device("cpu"))
        tokenizer = self._stored.tokenizer
        end = [] if tokenizer.end is None else [tokenizer.end]
        symbols = np.concatenate((prompt.symbols, end)).astype(smallest_type(tokenizer.vocabulary_size))
        sizes = tokenizer.symbol_bytes[symbols]
        encoded = EncodedText(
            TokenFile(symbols),
            num_symbols=len(symbols),
            num_characters=int(tokenizer.symbol_characters[symbols].sum()),
            num_bytes=int(sizes.sum()),
            num_unknown=0 if tokenizer.unknown is None else int(np.count_nonzero(symbols == tokenizer.unknown)),
            num_records=len(end),
            first_bytes=int(sizes[0]),
        )
        return measure_surprisal(
            self._loaded.model,
            encoded,
            tokenizer,
            device=self._loaded.device,
            top=num_likeliest,
            advance=advance,
        )


def _at(found: "Surprisal", place: int) -> tuple[Likely, tuple[Likely, ...]]:
    own = Likely(int(found.tokens[place]), -float(found.nats[place]))
    with np.errstate(divide="ignore"):
        known = np.log(found.probabilities[place].astype(np.float64))
    if found.ranks is not None and found.ranks[place] == 1:
        # Rounded to fewer digits than its own, another's could seem higher.
        known = np.minimum(known, own.log_probability)
    likeliest = zip(found.likeliest[place].tolist(), known.tolist(), strict=True)
    return own, tuple(own if symbol == own.symbol else Likely(symbol, value) for symbol, value in likeliest)
