"""The application: its paths, and how errors are answered."""

import asyncio
from collections.abc import Callable, Sequence
from traceback import extract_tb

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from charlm.config import ServingConfig
from charlm.runs.stored.workspace import Workspace
from charlm.serving.completions import Completion, choose_model, model_card
from charlm.serving.errors import ApiError
from charlm.serving.guard import Guard
from charlm.serving.models import ServedModel
from charlm.serving.pages import POLICY, Pages
from charlm.serving.requests import read_request
from charlm.serving.responses import CLIENT_GONE, EventStream, read_body, result_unless_gone
from charlm.serving.tokenizing import describe_tokenizer, detokenize, text_field, tokenize


def build_app(
    models: Sequence[ServedModel], settings: ServingConfig, workspace: Workspace, *, log: Callable[[str], None]
) -> Starlette:
    """Returns the application that serves some models; `log` is given a line about an error that is ours."""
    pages = Pages(models, workspace, weights=settings.weights)

    async def page(_: Request) -> Response:
        return _page_response(await asyncio.to_thread(pages.front))

    async def run_page(request: Request) -> Response:
        name = choose_model(models, request.path_params["name"]).name
        return _page_response(await asyncio.to_thread(pages.of_run, name))

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def list_models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": list(map(model_card, models))})

    async def show_model(request: Request) -> Response:
        return JSONResponse(model_card(choose_model(models, request.path_params["name"])))

    async def complete(request: Request) -> Response | EventStream:
        asked = read_request(await read_body(request, most_bytes=settings.max_body))
        completion = Completion(asked, choose_model(models, asked.model), longest=settings.longest)
        if not asked.stream:
            answer = await result_unless_gone(request, completion.answer())
            return Response(status_code=CLIENT_GONE) if answer is None else JSONResponse(answer)
        chunks = completion.chunks()
        return EventStream(await anext(chunks, None), chunks)

    async def answer_about_tokens(request: Request) -> Response:
        body = await read_body(request, most_bytes=settings.max_body)
        model = choose_model(models, text_field(body, "model"))
        answer = tokenize if request.url.path == "/tokenize" else detokenize
        return JSONResponse(answer(body, model))

    async def tokenizer_info(request: Request) -> Response:
        return JSONResponse(describe_tokenizer(choose_model(models, request.query_params.get("model")).tokenizer))

    async def answer_error(_: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            error = _of_http(error)
        elif not isinstance(error, ApiError):
            place = extract_tb(error.__traceback__)[-1]
            log(f"Error in charlm: {type(error).__name__} at {place.filename}:{place.lineno}.")
            error = ApiError(500, "The server failed; this is an error in charlm.")
        return JSONResponse(error.to_json(), error.status, headers=error.headers)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/runs/{name:path}", run_page),
            Route("/health", health),
            Route("/v1/models", list_models),
            Route("/v1/models/{name:path}", show_model),
            Route("/v1/completions", complete, methods=["POST"]),
            Route("/tokenize", answer_about_tokens, methods=["POST"]),
            Route("/detokenize", answer_about_tokens, methods=["POST"]),
            Route("/tokenizer_info", tokenizer_info),
        ],
        middleware=[Middleware(Guard, host=settings.host, api_key=settings.api_key)],
        exception_handlers={ApiError: answer_error, HTTPException: answer_error, Exception: answer_error},
    )


def _page_response(page: bytes) -> Response:
    headers = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
    if b'http-equiv="Content-Security-Policy"' not in page:
        headers["content-security-policy"] = POLICY
    return HTMLResponse(page, headers=headers)


def _of_http(error: HTTPException) -> ApiError:
    messages = {
        404: "There is no such path; texts are written at POST /v1/completions.",
        405: "This path is not for that method.",
    }
    headers = dict(error.headers or {})
    return ApiError(error.status_code, messages.get(error.status_code, error.detail), headers=headers)
