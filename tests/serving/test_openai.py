"""The client that people have."""

import pytest

from tests.support.served import serve

openai = pytest.importorskip("openai", reason="needs openai")


@pytest.fixture
def client(served):
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["net"]
    assert client.models.retrieve("net").owned_by == "charlm"


def test_a_completion(client, served):
    asked = {"model": "net", "prompt": "the ", "max_tokens": 30, "seed": 2, "temperature": 0.9}
    found = client.completions.create(**asked, n=2, logprobs=2, echo=True, extra_body={"top_k": 10, "min_p": 0.01})
    assert [choice.finish_reason for choice in found.choices] == ["length", "length"]
    assert found.choices[0].text == "the " + served.text(**asked, top_k=10, min_p=0.01)
    assert len(found.choices[1].logprobs.tokens) == 34
    assert found.usage.total_tokens == 4 + 2 * 30


def test_a_stream(client, served):
    asked = {"model": "net", "prompt": "the ", "max_tokens": 300, "seed": 2}
    *chunks, last = client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    assert "".join(chunk.choices[0].text for chunk in chunks) == served.text(**asked)
    assert last.usage.completion_tokens == 300


def test_errors_are_theirs(client):
    with pytest.raises(openai.NotFoundError, match="another"):
        client.completions.create(model="another", prompt="the ")
    with pytest.raises(openai.BadRequestError) as error:
        client.completions.create(model="net", prompt="\N{SNOWMAN}")
    assert error.value.param == "prompt" and error.value.code == "unknown_characters"


def test_a_wrong_key(place):
    with serve(["net"], place, api_key="right") as served:
        for key, is_right in (("right", True), ("wrong", False)):
            with openai.OpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0) as client:
                if is_right:
                    assert client.completions.create(model="net", prompt="the ").choices
                    continue
                with pytest.raises(openai.AuthenticationError):
                    client.completions.create(model="net", prompt="the ")


def test_an_error_in_the_middle_of_a_stream(place):
    with (
        serve(["net"], place, longest=10_000_000) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client,
    ):
        chunks = iter(client.completions.create(model="net", prompt="the ", max_tokens=10_000_000, stream=True))
        assert next(chunks).choices
        served.server.stop()
        with pytest.raises(openai.APIError, match="stopping"):
            list(chunks)
