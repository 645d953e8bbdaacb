"""`/v1/completions`: from a request to its answer, whole or as a stream."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, final

from charlm.errors import CharlmError
from charlm.serving.choices import Choice, join_parts
from charlm.serving.errors import ApiError, too_busy
from charlm.serving.models import ServedModel
from charlm.serving.prompts import ReadPrompt
from charlm.serving.requests import CompletionRequest
from charlm.serving.scheduler import Mailbox

MOST_SCORED = 1 << 17
"""Symbols of all prompts of one request whose log-probabilities can be asked for."""


@final
class Completion:
    """A request that is being answered.

    Raises:
        ApiError: it asks for what the model cannot do, or for too much.
    """

    def __init__(self, request: CompletionRequest, model: ServedModel, *, longest: int) -> None:
        if request.max_tokens > longest:
            message = f"max_tokens is {request.max_tokens:,}; at most {longest:,} are drawn."
            raise ApiError(400, message, param="max_tokens")
        num_texts = len(request.prompts) * request.n
        if num_texts > model.scheduler.capacity:
            message = f"The request asks for {num_texts:,} texts; at most {model.scheduler.capacity:,} are drawn."
            raise ApiError(400, message, param="n")
        self._request = request
        self._model = model
        self._prompts = model.read_prompts(request)
        if request.is_scored and sum(len(prompt.symbols) for prompt in self._prompts) > MOST_SCORED:
            message = f"The prompts have more than {MOST_SCORED:,} tokens, the most that logprobs are given for."
            raise ApiError(400, message, param="prompt")
        self._choices = [
            Choice(
                index,
                self._prompts[index // request.n],
                model.tokenizer,
                echo=request.echo,
                with_logprobs=request.logprobs is not None,
            )
            for index in range(num_texts)
        ]
        self._head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model.name,
        }

    async def answer(self) -> dict[str, Any]:
        """Returns the whole answer.

        Raises:
            ApiError: too much is asked for just now, or drawing failed.
        """
        parts: list[list[dict[str, Any]]] = [[] for _ in self._choices]
        async with aclosing(self._parts(is_streamed=False)) as found:
            async for part in found:
                parts[part["index"]].append(part)
        return self._head | {"choices": list(map(join_parts, parts)), "usage": self._usage()}

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        """Yields the parts of the answer as they are drawn; errors as in `answer`."""
        with_usage = self._request.stream_options.include_usage
        usage: dict[str, Any] = {"usage": None} if with_usage else {}
        async with aclosing(self._parts(is_streamed=True)) as found:
            async for part in found:
                yield self._head | {"choices": [part]} | usage
        if with_usage:
            yield self._head | {"choices": [], "usage": self._usage()}

    async def _parts(self, *, is_streamed: bool) -> AsyncGenerator[dict[str, Any]]:
        request = self._request
        if request.echo:
            async with aclosing(self._echoed()) as echoed:
                async for part in echoed:
                    yield part
        if not request.max_tokens:
            for choice in self._choices:
                yield choice.cut()
            return
        seed = secrets.randbits(62)
        drawings = self._model.drawings(request, self._prompts, any_seed=seed)
        arrived, loop = asyncio.Event(), asyncio.get_running_loop()
        mailbox = Mailbox(drawings, lambda: _notify(loop, arrived), is_streamed=is_streamed)
        self._model.scheduler.submit(mailbox)
        try:
            while any(choice.finish_reason is None for choice in self._choices):
                await arrived.wait()
                arrived.clear()
                for number, growth in mailbox.take().items():
                    part = self._choices[number].grown(growth)
                    if part["text"] or part["finish_reason"] or not is_streamed:
                        yield part
        finally:
            self._model.scheduler.cancel(mailbox)

    async def _echoed(self) -> AsyncGenerator[dict[str, Any]]:
        """Yields the parts that repeat the prompts."""
        is_wanted = True

        def require_wanted(_: int) -> None:
            if not is_wanted:
                raise CharlmError("The request was given up.")

        def score(prompt: ReadPrompt) -> Any:
            require_wanted(0)
            with _as_api_errors():
                return self._model.scorer.score(
                    prompt, num_likeliest=self._request.logprobs or 0, advance=require_wanted
                )

        model = self._model
        if self._request.is_scored and model.num_scoring >= model.scheduler.capacity:
            raise too_busy()
        model.num_scoring += self._request.is_scored
        try:
            for number, prompt in enumerate(self._prompts):
                scored = []
                if self._request.is_scored:
                    scored = await asyncio.get_running_loop().run_in_executor(self._model.scoring, score, prompt)
                for choice in self._choices[number * self._request.n : (number + 1) * self._request.n]:
                    yield choice.echoed(scored)
        finally:
            is_wanted = False
            model.num_scoring -= self._request.is_scored

    def _usage(self) -> dict[str, int]:
        read = sum(len(prompt.symbols) - prompt.num_given for prompt in self._prompts)
        drawn = sum(choice.num_drawn for choice in self._choices)
        return {"prompt_tokens": read, "completion_tokens": drawn, "total_tokens": read + drawn}


@contextmanager
def _as_api_errors() -> Iterator[None]:
    try:
        yield
    except CharlmError as error:
        raise ApiError(400, str(error), param="logprobs") from None


def _notify(loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
    """Sets an event of another thread's loop; one that has ended has nobody who waits."""
    try:
        loop.call_soon_threadsafe(arrived.set)
    except RuntimeError:
        if not loop.is_closed():
            raise


def model_card(model: ServedModel) -> dict[str, Any]:
    """Returns what `/v1/models` says of a model."""
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": "charlm"}


def choose_model(models: Sequence[ServedModel], name: str | None) -> ServedModel:
    """Returns the model of this name; without a name, the only one.

    Raises:
        ApiError: there is none.
    """
    for model in models:
        if name == model.name or (name is None and len(models) == 1):
            return model
    served = ", ".join(model.name for model in models)
    if name is None:
        raise ApiError(400, f"Several models are served; name one with model: {served}.", param="model")
    message = f"There is no model {name[:80]!r}; served: {served}."
    raise ApiError(404, message, param="model", code="model_not_found")
