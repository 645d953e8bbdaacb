"""A request for completions: every field and its bounds, and what is refused."""

from collections.abc import Mapping
from typing import Annotated, Any, final

from pydantic import ConfigDict, Field, StrictInt

from charlm.config import SamplingConfig, Section, validate
from charlm.errors import ConfigError
from charlm.serving.errors import ApiError

MOST_LIKELIEST = 100
_MOST_STOPS, _LONGEST_STOP = 4, 1000

_WITHOUT_EFFECT = frozenset({"user", "metadata", "store", "service_tier"})
"""Fields that OpenAI's clients may send and that change no answer."""

_NOT_SERVED = ("suffix", "presence_penalty", "frequency_penalty", "logit_bias")

_Count = Annotated[int, Field(ge=0)]
_Symbols = list[StrictInt]


@final
class StreamOptions(Section):
    """What a stream says besides the text."""

    model_config = ConfigDict(strict=True)

    include_usage: bool = False


@final
class CompletionRequest(Section):
    """The fields of a request for completions: those of OpenAI, and top_k, min_p and condition."""

    model_config = ConfigDict(strict=True)

    model: str | None = None
    prompt: str | list[str] | _Symbols | list[_Symbols] = ""
    max_tokens: _Count = 16
    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1)] = 1
    best_of: int | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    echo: bool = False
    logprobs: Annotated[int, Field(ge=0, le=MOST_LIKELIEST)] | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    condition: str | None = None
    suffix: str = ""
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[str, float] | None = None

    @property
    def prompts(self) -> list[str | list[int]]:
        """The prompts, each a text or its symbols."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        lists = [each for each in self.prompt if not isinstance(each, int)]
        symbols = [each for each in self.prompt if isinstance(each, int)]
        return [symbols] if symbols else [*lists]

    @property
    def is_scored(self) -> bool:
        """Whether the log-probabilities of the prompts are asked for."""
        return self.echo and self.logprobs is not None

    @property
    def sampling(self) -> SamplingConfig:
        """How texts are drawn."""
        return SamplingConfig(
            temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, min_p=self.min_p, stop=_stops(self)
        )


def read_request(body: Any) -> CompletionRequest:
    """Returns a request from the JSON of its body; a field that is null counts as absent.

    Raises:
        ApiError: something of it cannot be served.
    """
    if not isinstance(body, Mapping):
        raise ApiError(400, 'The body must be a JSON object, such as {"prompt": "Once"}.')
    given = {name: value for name, value in body.items() if value is not None and name not in _WITHOUT_EFFECT}
    wrong: list[str] = []

    def name(where: tuple[str, ...]) -> str:
        if not where:  # Half of a surrogate pair in a name.
            return "the name of a field"
        wrong.append(where[0])
        return where[0]

    try:
        request = validate(CompletionRequest, given, name=name)
    except ConfigError as error:
        param = wrong[0] if wrong else None
        message = "prompt must be a text, a list of texts, a list of token numbers, or a list of such lists."
        raise ApiError(400, message if param == "prompt" else str(error), param=param) from None
    _refuse_unserved(request)
    return request


def _refuse_unserved(request: CompletionRequest) -> None:
    if request.best_of not in (None, request.n):
        raise ApiError(400, "best_of is not served; leave it out, and give n.", param="best_of")
    for name in _NOT_SERVED:
        if getattr(request, name):
            raise ApiError(400, f"{name} is not served; leave it out.", param=name)
    stops = _stops(request)
    if len(stops) > _MOST_STOPS or any(not 0 < len(stop) <= _LONGEST_STOP for stop in stops):
        message = f"stop must be at most {_MOST_STOPS} strings of 1 to {_LONGEST_STOP:,} characters."
        raise ApiError(400, message, param="stop")
    if not request.prompts:
        raise ApiError(400, "prompt is an empty list; give a text.", param="prompt")


def _stops(request: CompletionRequest) -> tuple[str, ...]:
    return (request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ())
