"""The Python API: train, load, sample and score in a few lines."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from charlm.config import (
    EvaluationConfig,
    SamplingConfig,
    SurprisalConfig,
    asked_in,
    by_section,
    make_request,
    sections,
    validate,
)
from charlm.data.code_points import to_utf8
from charlm.data.inputs import clean_string
from charlm.distributed.place import require_one_process
from charlm.errors import CharlmError as CharlmError
from charlm.errors import ConfigError
from charlm.evaluation.score import Score
from charlm.evaluation.states import read_states
from charlm.evaluation.surprisal import Surprisal
from charlm.models.ngram import NgramLanguageModel
from charlm.notation import nearest
from charlm.runs.describe import describe_model
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.accuracy import accuracy_of
from charlm.runs.evaluate.choice import Split, TextChoice
from charlm.runs.evaluate.measured import OWN
from charlm.runs.evaluate.perplexity import score_source
from charlm.runs.evaluate.surprisal import surprisal_of_source
from charlm.runs.predict.answer import Answer, Given
from charlm.runs.predict.apply import AT_ONCE, answers
from charlm.runs.reporting import Reporter as Reporter
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.sample import draw_from, resolve_seed
from charlm.runs.stored.labelling import Labeller, as_labeller
from charlm.runs.stored.loading import LoadedModel, build_stored, step_model
from charlm.runs.stored.model import read_any_model, require_text_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.result import TrainResult
from charlm.runs.train.start import start
from charlm.stepping.shapes import count_weights, state_names
from charlm.tasks import TASKS, unit_of

_OPTION = re.compile(r"\bcharlm [a-z].*|--([a-z][a-z-]*)", re.DOTALL)
"""A command, which stays as it is, to the end of the message; or an option, which in Python is an argument."""


@contextmanager
def _python_terms() -> Iterator[None]:
    """Lets a message of an error in the block call settings by their names in Python: hidden_size, not --hidden-size.

    Raises:
        CharlmError: the block's.
    """
    try:
        yield
    except CharlmError as error:
        message = _OPTION.sub(lambda found: found[1].replace("-", "_") if found[1] else found[0], str(error))
        error.args = (message,)
        raise


class Run:
    """A trained model, ready to sample and score.

    Attributes:
        model: the language model, `(tokens, state) -> (logits, state)`; tokens are int64 `[time, batch]`, logits
            `[time, batch, vocabulary]`; without a state it reads from the beginning of a text.
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

    def __repr__(self) -> str:
        """Returns the name, the model, the steps it was trained, and its score on the validation text."""
        record = self._loaded.record
        if isinstance(self.model, NgramLanguageModel):
            parameters = self.model.ngrams.num_grams
        else:
            size, outputs = self.tokenizer.vocabulary_size, self.tokenizer.outputs
            parameters = count_weights(self.config.model, vocabulary_size=size, outputs=outputs)
        bits = (record.validation or {}).get("bits_per_character")
        validation = "" if bits is None else f", validation {bits:.4f} bits/{unit_of(self.config.data.task)}"
        model = describe_model(self.config, parameters=parameters)
        return f"<Run {self.name!r}: {model}; step {record.step:,}{validation}>"

    def sample(self, prompt: str = "", **settings: Any) -> str:
        """Returns a text drawn from the model, without the prompt.

        Args:
            prompt: what the text goes on from.
            **settings: fields of `SamplingConfig`: length, temperature, top_k, top_p, min_p, seed, stop, condition, …
        """
        return self.samples(prompt, **settings)[0]

    @_python_terms()
    def samples(self, prompt: str = "", **settings: Any) -> list[str]:
        """Returns `num_samples` texts drawn from the model; number N, from 0, has the seed `seed` + N."""
        sampling = _sampling(settings)
        if sampling.length == 0:
            raise ConfigError("length 0 means without end; use stream() for that.")
        require_text_model(self._loaded, with_conditions=True)
        texts = [""] * sampling.num_samples
        for piece in draw_from(self._loaded, prompt, sampling, seed=resolve_seed(sampling)):
            texts[piece.sample] += piece.text
        return texts

    def stream(self, prompt: str = "", **settings: Any) -> Iterator[str]:
        """Yields one text drawn from the model, piece by piece."""
        sampling = _sampling(settings)
        if sampling.num_samples != 1:
            raise ConfigError("stream() draws one text; use samples() for several.")
        return self._pieces(prompt, sampling)

    def _pieces(self, prompt: str, sampling: SamplingConfig) -> Iterator[str]:
        with _python_terms():
            require_text_model(self._loaded, with_conditions=True)
            for piece in draw_from(self._loaded, prompt, sampling, seed=resolve_seed(sampling)):
                yield piece.text

    @_python_terms()
    def score(self, text: str, *, context: int | None = None) -> Score:
        """Returns how well the model predicts a text: bits per character, perplexity, and their sums."""
        require_text_model(self._loaded)
        settings = validate(EvaluationConfig, {"context": context}, source="score()")
        source = clean_string(text, data=self.config.data)
        return score_source(self._loaded, source, settings, self._workspace, SilentReporter())

    @_python_terms()
    def surprisal(self, text: str, *, top: int = 5, context: int | None = None) -> Surprisal:
        """Returns the code length of each symbol of a text, and the `top` likeliest symbols in its place.

        The code lengths sum to the score: `surprisal(text).nats.sum()` is `score(text).total_nats`.
        """
        require_text_model(self._loaded)
        settings = validate(SurprisalConfig, {"top": top, "context": context}, source="surprisal()")
        source = clean_string(text, data=self.config.data)
        return surprisal_of_source(self._loaded, source, settings, self._workspace, SilentReporter())

    @_python_terms()
    def states(self, text: str) -> dict[str, NDArray[np.generic]]:
        """Returns the parts of the model's state after each symbol of a text, in the order of `surprisal(text).tokens`.

        Returns:
            of recurrent networks, by the names of their equations (`h`, and of an LSTM `c`), float32 `[symbols,
            layers, units]`; what all layers share has one layer. Of an MLP `window`, int64 `[symbols, window - 1]`:
            its last symbols. Of n-grams, alone or mixed in, `contexts`, int64 `[symbols, order]`: the numbers of the
            last grams, the shortest first.
        """
        require_text_model(self._loaded)
        cleaned = "".join(clean_string(text, data=self.config.data).chunks())
        model = step_model(self.model, self.config.model)
        parts = read_states(model, self.tokenizer.encode(cleaned), self.tokenizer)
        return dict(zip(state_names(self.config.model), parts, strict=True))

    def predict(self, texts: Iterable[str], *, beam: int | None = None) -> list[str]:
        """Returns the label of each text, or the answer to it; of a model that was trained with task=…

        Args:
            beam: how many answers are weighed up side by side, with task="transduce".  [default: 5]
        """
        return [each.line for each in self._answers(texts, beam=beam)]

    def probabilities(self, texts: Iterable[str]) -> list[dict[str, float]]:
        """Returns the probability of each label of each text, or of the likeliest answers, the largest first."""
        return [each.likeliest for each in self._answers(texts)]

    @_python_terms()
    def tag(self, texts: Iterable[str]) -> list[list[tuple[str, str]]]:
        """Returns the tokens of each text with their tags, of a model that was trained with task="tag".

        Tokens are what spaces divide; a model of a built-in text finds them.
        """
        labeller = as_labeller(self._loaded, command="predict")
        _require_tags(self, labeller, are_tags=True)
        lines = [text if labeller.data.is_builtin else " ".join(text.split()) for text in texts]
        given = Given(iter(lines), name="texts", at_once=AT_ONCE, are_sentences=True)
        found: list[list[tuple[str, str]]] = [[]]
        for each in answers(labeller, given):
            if each.values is None:  # The end of a text.
                found.append([])
            else:
                found[-1].append((each.values["token"], each.values["tag"]))
        return found[:-1]

    @_python_terms()
    def accuracy(self, *text: str | Path, split: Split | None = None) -> dict[str, Any]:
        """Returns how often a model that was trained with task=… is right, and the measures beside that.

        Args:
            text: files of examples.  [default: the run's own]
            split: the part of the run's own examples.  [default: "test", or "valid" without one]
        """
        labeller = as_labeller(self._loaded, command="eval accuracy")
        chosen = TextChoice(tuple(map(str, text)), split)
        return accuracy_of(labeller, chosen, self._workspace, SilentReporter(), run=self.name).measured.models[OWN]

    @_python_terms()
    def _answers(self, texts: Iterable[str], *, beam: int | None = None) -> list[Answer]:
        labeller = as_labeller(self._loaded, command="predict", beam=beam)
        _require_tags(self, labeller, are_tags=False)
        # A tab would end what is read, as in a file.
        lines = (" ".join(text.splitlines()).replace("\t", " ") for text in texts)
        return list(answers(labeller, Given(lines, name="texts", at_once=AT_ONCE)))


@_python_terms()
def train(
    text: str | Path | Sequence[str | Path] | None = None,
    *,
    string: str | None = None,
    workspace: str | Path = ".",
    init_from: str | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Run:
    """Trains a model and returns it; everything is written under `workspace/checkpoints/`.

    Args:
        text: files, folders, globs, or a name such as 'builtin:python-docs'.
        string: the text itself, instead of `text`.
        workspace: the folder with `data/` and `checkpoints/`.
        init_from: a run whose weights to start from.
        reporter: the callback: its methods are called with each step, each evaluation, and what is good to know; a
            class below `Reporter` has those that it needs. By default nobody is told.
        **settings: any setting of the command line: budget="60s", hidden_size=512, name="mine", …

    Raises:
        CharlmError: something that the user can mend.
    """
    require_one_process("charlm.train()")
    if (text is None) == (string is None):
        raise ConfigError("train() takes one text: text, which names files, or string, which is the text itself.")
    stdin: BinaryIO | None = None
    texts = [text] if isinstance(text, str | Path) else list(text or ())
    if string is not None:
        texts, stdin = ["-"], io.BytesIO(to_utf8(string))
        settings = settings | {"encoding": "utf-8"}
    values = by_section({"corpus": tuple(str(each) for each in texts), **settings})
    if unknown := settings.keys() - asked_in(values):
        wrong, known = min(unknown), (name for kind in sections().values() for name in kind.model_fields)
        near = nearest(wrong, known)
        raise ConfigError(f"train(): {wrong} is not a setting charlm knows{f'; did you mean {near}?' if near else '.'}")
    request = make_request(values, source="train()", name=lambda where: where[-1])
    place = Workspace(Path(workspace))
    result = start(request, place, reporter or SilentReporter(), StopRequest(), init_from=init_from, stdin=stdin)
    device = resolve_device(request.config.run.device)
    return Run(build_stored(read_any_model(str(result.run), place), device=device), place, result)


@_python_terms()
def load(run: str | Path, *, workspace: str | Path = ".", device: str = "auto") -> Run:
    """Returns the best model of a run: its name, its folder, or a best.safetensors alone.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged.
    """
    place = Workspace(Path(workspace))
    return Run(build_stored(read_any_model(str(run), place), device=resolve_device(device)), place)


def _require_tags(run: Run, labeller: Labeller, *, are_tags: bool) -> None:
    """Checks that a model gives tags, or that it gives none.

    Raises:
        ConfigError: it does otherwise.
    """
    if (TASKS[labeller.tokenizer.task].head == "each") != are_tags:
        raise ConfigError(f"'{run.name}' {'gives no tags; use predict()' if are_tags else 'tags tokens; use tag()'}.")


def _sampling(settings: dict[str, Any]) -> SamplingConfig:
    return validate(SamplingConfig, settings, source="sample()")
