"""A text that a person and a model write in turns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from charlm.config import SamplingConfig
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.errors import ConfigError
from charlm.generation.generator import LONGEST_PROMPT, Sample, never_drawn, prompt_tokens, seed_of_sample
from charlm.generation.sampling import Drawer, softmax
from charlm.stepping.base import State, StepModel


class _Place(NamedTuple):
    """A place in the text: the model's state, and the symbols before it that the state does not know yet."""

    state: State
    unread: Tokens


@dataclass(frozen=True)
class Turn:
    """What was typed, and what the model wrote after it.

    Attributes:
        before: where it began.
        is_cut: whether the answer ended because it was long enough.
        symbols: those of both.
    """

    typed: str
    answer: str
    before: _Place
    symbols: Tokens
    is_cut: bool


@final
class Conversation:
    """A text in turns; the model's state is kept, so that no turn reads those before it again.

    Args:
        settings: how text is drawn; may be replaced between turns.
        seed: of the first turn; each later one has the next.
        clean: gives what is typed the form of the text that the model was trained on.
    """

    def __init__(
        self,
        model: StepModel,
        tokenizer: Tokenizer,
        settings: SamplingConfig,
        *,
        seed: int,
        clean: Callable[[str], str] = str,
    ) -> None:
        self.settings = settings
        self.turns: list[Turn] = []
        self._model = model
        self._tokenizer = tokenizer
        self._clean = clean
        self._seed = seed
        self._begin = _Place(model.initial_state(1), np.zeros(0, dtype=np.int64))
        self._place = self._begin

    @property
    def text(self) -> str:
        """The whole text."""
        between = "" if self._tokenizer.begin is None else "\n"
        return between.join(turn.typed + turn.answer for turn in self.turns)

    def answer(self, typed: str, *, is_stopped: Callable[[], bool] = lambda: False) -> Iterator[str]:
        """Yields the pieces of what the model writes after what was typed; the turn is kept when it ends.

        Without anything typed, the text goes on where it ended. Records are each begun anew.

        Args:
            is_stopped: is asked after every symbol.

        Raises:
            DataError: the model does not know a character that was typed.
        """
        model, tokenizer = self._model, self._tokenizer
        before = self._place if tokenizer.begin is None else self._begin
        typed = self._clean(typed)
        known = prompt_tokens(tokenizer, typed, self.settings) if typed or not len(before.unread) else before.unread[:0]
        symbols = np.concatenate((before.unread, known[-LONGEST_PROMPT:])).astype(np.int64)
        state = model.read(symbols[:-1], before.state)
        drawer = Drawer(
            self.settings,
            vocabulary_size=model.vocabulary_size,
            excluded=never_drawn(tokenizer),
            seeds=[seed_of_sample(0, seed=self._seed)],
        )
        self._seed = seed_of_sample(1, seed=self._seed)
        sample, stepper = Sample(0, tokenizer, self.settings), model.stepper(state)
        drawn: list[int] = []
        written: list[str] = []
        last = symbols[-1:]
        while not sample.finished and not is_stopped():
            last = drawer.draw(stepper.step(last))
            drawn.append(int(last[0]))
            piece = sample.feed(drawn[-1])
            if piece is not None:
                written.append(piece.text)
                yield piece.text
        # Nothing was read in vain: the next turn begins with the last symbol.
        self._place = _Place(stepper.state(), last)
        all_symbols = np.concatenate((symbols[len(before.unread) :], np.array(drawn, dtype=np.int64)))
        self.turns.append(Turn(typed, "".join(written), before, all_symbols, sample.is_cut))

    def undo(self) -> Turn:
        """Takes the last turn back, and returns it.

        Raises:
            ConfigError: there is none.
        """
        turn = self._last_turn()
        self.turns.pop()
        self._place = turn.before
        return turn

    def surprise(self) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Returns the pieces of the last turn, and how many bits each surprised the model, at temperature 1.

        The first symbol of a text, which nothing predicts, has 0 bits.

        Raises:
            ConfigError: there is no turn yet.
        """
        turn = self._last_turn()
        decoder = self._tokenizer.decoder()
        stepper = self._model.stepper(turn.before.state)
        logits = None
        for symbol in turn.before.unread:
            logits = stepper.step(np.array([symbol]))
        pieces, bits = [], []
        for symbol in turn.symbols.tolist():
            pieces.append(decoder.feed(symbol))
            bits.append(0.0 if logits is None else -float(np.log2(softmax(logits)[0, symbol])))
            logits = stepper.step(np.array([symbol]))
        return tuple(pieces), tuple(bits)

    def _last_turn(self) -> Turn:
        if not self.turns:
            raise ConfigError("Nothing has been written yet.")
        return self.turns[-1]
