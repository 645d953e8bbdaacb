"""A run that is served: its tokenizer, its batch, and what scores its prompts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import final

from charlm.config import ServingConfig
from charlm.errors import CharlmError
from charlm.generation.batch import Batch
from charlm.generation.drawings import Drawing, Prompt
from charlm.generation.generator import seed_of_sample
from charlm.runs.sample import build_stepped
from charlm.runs.stored.model import StoredModel, read_newest_model
from charlm.runs.stored.workspace import Workspace
from charlm.serving.errors import ApiError
from charlm.serving.prompts import ReadPrompt, read_prompt
from charlm.serving.requests import CompletionRequest
from charlm.serving.scheduler import Scheduler
from charlm.serving.scoring import Scorer


@final
class ServedModel:
    """A run's best model, ready to answer requests.

    Attributes:
        run: as it was named.
        scheduler: draws its texts.
        scorer: scores prompts.
        scoring: the one thread that does it.
        num_scoring: requests whose prompts are scored or wait for it.
    """

    def __init__(self, run: str, stored: StoredModel, settings: ServingConfig, *, log: Callable[[str], None]) -> None:
        self.run = run
        self.name = stored.name
        self.tokenizer = stored.tokenizer
        self.created = int(stored.source.stat().st_mtime)
        self._data = stored.config.data
        exact = build_stepped(stored, weights=settings.weights)
        # Products of integers are the same in any company.
        joint = exact if settings.weights == "int8" else build_stepped(stored, jointly=True)
        self.scheduler = Scheduler(
            Batch(exact, joint, stored.tokenizer),
            most_streams=settings.streams,
            most_waiting=settings.waiting,
            log=log,
        )
        self.scorer = Scorer(stored)
        self.num_scoring = 0
        self.scoring = ThreadPoolExecutor(1, thread_name_prefix="charlm-scoring")

    def read_prompts(self, request: CompletionRequest) -> list[ReadPrompt]:
        """Returns the prompts of a request; errors as in `read_prompt`."""
        return [
            self.read_prompt(each, condition=request.condition, with_unknown=request.is_scored)
            for each in request.prompts
        ]

    def read_prompt(self, prompt: str | list[int], *, condition: str | None, with_unknown: bool) -> ReadPrompt:
        """Returns a prompt from its text or its symbols.

        Args:
            condition: what it is written on; None for a model without conditions.
            with_unknown: whether characters without a symbol may be the unknown symbol, where there is one.

        Raises:
            ApiError: it has characters or symbols that the model does not know, or the condition is not known.
        """
        try:
            tokenizer = self.tokenizer.given(condition)
        except CharlmError as error:
            message = str(error).replace("--condition", "condition")
            raise ApiError(400, message, param="condition") from None
        return read_prompt(prompt, tokenizer, self._data, with_unknown=with_unknown)

    def drawings(self, request: CompletionRequest, prompts: list[ReadPrompt], *, any_seed: int) -> list[Drawing]:
        """Returns the texts to draw for a request: `n` for each prompt, the first prompt's first.

        Args:
            any_seed: of the first text where no seed was asked for.
        """
        drawings: list[Drawing] = []
        for prompt in prompts:
            shared = Prompt(prompt.symbols)
            for number in range(request.n):
                # With a seed, the texts of each prompt are those that it has alone.
                first = any_seed + len(drawings) - number if request.seed is None else request.seed
                drawings.append(
                    Drawing(
                        shared,
                        self.tokenizer,
                        request.sampling,
                        most_symbols=request.max_tokens,
                        seed=seed_of_sample(number, seed=first),
                        num_likeliest=request.logprobs,
                        is_exact=request.seed is not None or request.temperature == 0,
                    )
                )
        return drawings

    def close(self) -> None:
        """Ends its threads."""
        self.scheduler.close()
        self.scoring.shutdown(cancel_futures=True)


def open_model(run: str, settings: ServingConfig, workspace: Workspace, *, log: Callable[[str], None]) -> ServedModel:
    """Returns a run's best model, served; errors as in `read_newest_model`."""
    stored, note = read_newest_model(run, workspace, with_conditions=True)
    if note is not None:
        log(note)
    return ServedModel(run, stored, settings, log=log)
