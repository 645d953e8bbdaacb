"""The errors of the API, as OpenAI's clients expect them."""

from typing import Any, final


@final
class ApiError(Exception):
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        param: the field of the request that is wrong.
        code: a word for programs.
        headers: further ones of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = headers or {}

    def to_json(self) -> dict[str, Any]:
        """Returns the body of the answer."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        if self.status == 429:
            kind = "rate_limit_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def too_busy() -> ApiError:
    """Returns the error of a request for which there is no room just now."""
    return ApiError(
        429, "Too much is asked for just now; try again shortly.", code="busy", headers={"retry-after": "1"}
    )
