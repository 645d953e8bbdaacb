"""The Python API: train, load, sample and score in a few lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from charlm.config import EvaluationConfig, SamplingConfig, asked_in, by_section, make_request, validate
from charlm.data.inputs import clean_string
from charlm.errors import ConfigError
from charlm.evaluation.score import Score
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.perplexity import score_source
from charlm.runs.reporting import Reporter, SilentReporter, StopRequest
from charlm.runs.sample import draw_from, resolve_seed
from charlm.runs.stored.loading import LoadedModel, load_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.result import TrainResult
from charlm.runs.train.start import start


class Run:
    """A trained model, ready to sample and score.

    Attributes:
        model: the language model, `(tokens, state) -> (logits, state)`.
        tokenizer: text to symbols and back.
        config: the configuration it was trained with.
        result: of its training; None for a run that was loaded.
    """

    def __init__(self, loaded: LoadedModel, workspace: Workspace, result: TrainResult | None = None) -> None:
        self.name = loaded.name
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.config = loaded.config
        self.result = result
        self._loaded = loaded
        self._workspace = workspace

    def sample(self, prompt: str = "", **settings: Any) -> str:
        """Returns a text drawn from the model, without the prompt.

        Args:
            prompt: what the text goes on from.
            **settings: fields of `SamplingConfig`: length, temperature, top_k, top_p, min_p, seed, stop, …
        """
        return self.samples(prompt, **settings)[0]

    def samples(self, prompt: str = "", **settings: Any) -> list[str]:
        """Returns `num_samples` texts drawn from the model; number N, from 0, has the seed `seed` + N."""
        sampling = _sampling(settings)
        if sampling.length == 0:
            raise ConfigError("length 0 means without end; use stream() for that.")
        texts = [""] * sampling.num_samples
        for piece in draw_from(self._loaded, prompt, sampling, seed=resolve_seed(sampling)):
            texts[piece.sample] += piece.text
        return texts

    def stream(self, prompt: str = "", **settings: Any) -> Iterator[str]:
        """Yields one text drawn from the model, piece by piece."""
        sampling = _sampling(settings)
        if sampling.num_samples != 1:
            raise ConfigError("stream() draws one text; use samples() for several.")
        return (piece.text for piece in draw_from(self._loaded, prompt, sampling, seed=resolve_seed(sampling)))

    def score(self, text: str, *, context: int | None = None) -> Score:
        """Returns how well the model predicts a text: bits per character, perplexity, and their sums."""
        settings = validate(EvaluationConfig, {"context": context}, source="score()")
        source = clean_string(text, data=self.config.data)
        return score_source(self._loaded, source, settings, self._workspace, SilentReporter())


def train(
    text: str | Path | Sequence[str | Path],
    *,
    workspace: str | Path = ".",
    init_from: str | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Run:
    """Trains a model and returns it; everything is written under `workspace/checkpoints/`.

    Args:
        text: files, folders, globs, or a name such as 'builtin:python-docs'.
        workspace: the folder with `data/` and `checkpoints/`.
        init_from: a run whose weights to start from.
        reporter: receives the reports of the training; by default nobody does.
        **settings: any setting of the command line: budget="60s", hidden_size=512, name="mine", …

    Raises:
        CharlmError: something that the user can mend.
    """
    texts = [text] if isinstance(text, str | Path) else list(text)
    values = by_section({"corpus": tuple(str(each) for each in texts), **settings})
    if unknown := settings.keys() - asked_in(values):
        raise ConfigError(f"train(): {min(unknown)} is not a setting charlm knows.")
    request = make_request(values, source="train()")
    place = Workspace(Path(workspace))
    result = start(request, place, reporter or SilentReporter(), StopRequest(), init_from=init_from)
    return Run(load_model(str(result.run), place, device=resolve_device(request.config.run.device)), place, result)


def load(run: str | Path, *, workspace: str | Path = ".", device: str = "auto") -> Run:
    """Returns the best model of a run: its name, its folder, or a best.safetensors alone.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged.
    """
    place = Workspace(Path(workspace))
    return Run(load_model(str(run), place, device=resolve_device(device)), place)


def _sampling(settings: dict[str, Any]) -> SamplingConfig:
    return validate(SamplingConfig, settings, source="sample()")
