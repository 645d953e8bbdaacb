"""The weights of a model that is training as they would be kept: averaged, and scaled for a new text."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor

from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.calibration import symbols_needed, weight_scales
from charlm.evaluation.windows import sampled_windows
from charlm.models.mixture import MixedLanguageModel
from charlm.models.mixture_gates import LogLinearGate
from charlm.training.precision import autocast
from charlm.training.trainer import Trainer


class KeptWeights:
    """Gives a trainer's model the weights that are kept, for as long as one looks at it."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        model = trainer.model
        self._mixture = model if isinstance(model, MixedLanguageModel) else None
        gate = model.gate if isinstance(model, MixedLanguageModel) else None
        self._gate = gate if isinstance(gate, LogLinearGate) else None
        self._scales: Tensor | None = None

    def calibrate(self, text: EncodedText, tokenizer: Tokenizer, *, share: float = 1.0) -> None:
        """Finds out how a log-linear mixture has to be scaled for a text; other models stay as they are.

        Args:
            share: of the symbols that are needed.
        """
        if self._gate is None or self._mixture is None:
            return
        most = max(1, round(share * symbols_needed(tokenizer.vocabulary_size)))
        windows = sampled_windows(text, tokenizer, num_symbols=most)
        with self._averaged(), autocast(self._trainer.precision, self._trainer.device):
            self._scales = weight_scales(self._mixture, windows, most_symbols=most)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Replaces the model's weights inside the block."""
        with self._averaged(), self._scaled():
            yield

    def _averaged(self) -> AbstractContextManager[None]:
        average = self._trainer.average
        return nullcontext() if average is None else average.applied_to(self._trainer.model)

    def _scaled(self) -> AbstractContextManager[None]:
        return nullcontext() if self._gate is None or self._scales is None else self._gate.scaled(self._scales)
