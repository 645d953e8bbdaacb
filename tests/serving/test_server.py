"""Many at once, those that leave, an idle server, and its end."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from charlm.config import ServingConfig
from charlm.errors import CharlmError, ConfigError
from tests.support.served import serve


def wait_until(is_so) -> None:
    """Waits for what another thread does; the test's own limit of time ends it otherwise."""
    pause = threading.Event()
    for _ in range(3000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to be so")


def test_fifty_streams_at_once_are_each_what_they_are_alone(all_kinds):
    runs = ("net", "mixed", "counts", "bytes", "names")

    def asked(number: int) -> dict[str, object]:
        settings = ({"temperature": 0.7}, {"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.1}, {"temperature": 0})[
            number // 5 % 5
        ]
        prompt = "ba" if number % 5 == 4 else "the cat sat on"[: 1 + number % 14]
        return {"model": runs[number % 5], "prompt": prompt, "seed": number, "max_tokens": 30 + number} | settings

    def streamed(number: int) -> str:
        events = all_kinds.ask("/v1/completions", asked(number) | {"stream": True}).events
        return "".join(event["choices"][0]["text"] for event in events)

    alone = [all_kinds.text(**asked(number)) for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(streamed, range(50))) == alone


def test_texts_without_a_seed_are_those_of_the_model(served):
    (*texts,) = served.complete(n=50, max_tokens=40, logprobs=0)["choices"]
    assert len({text["text"] for text in texts}) == 50
    for text in texts[::10]:
        (scored,) = served.complete("the " + text["text"], echo=True, logprobs=0, max_tokens=0)["choices"]
        own = text["logprobs"]["token_logprobs"]
        assert scored["logprobs"]["token_logprobs"][4:] == pytest.approx(own, abs=1e-4)


def test_an_idle_server_makes_no_steps(served):
    scheduler = served.server.models[0].scheduler
    before = scheduler.num_steps
    served.text(seed=1, max_tokens=20)
    wait_until(lambda: scheduler.is_idle)
    after = scheduler.num_steps
    assert before < after <= before + 25
    served.ask("/health")
    assert scheduler.is_idle and scheduler.num_steps == after


def test_a_text_whose_client_leaves_is_given_up(place):
    with serve(["net"], place, longest=10_000_000) as served:
        scheduler = served.server.models[0].scheduler
        for stream in (True, False):
            connection = served.connect()
            body = {"prompt": "the ", "max_tokens": 10_000_000, "stream": stream}
            connection.request("POST", "/v1/completions", json.dumps(body))
            if stream:
                assert connection.getresponse().read(5) == b"data:"
            wait_until(lambda: not scheduler.is_idle)
            connection.sock.close() if connection.sock else None
            connection.close()
            wait_until(lambda: scheduler.is_idle)


def test_more_texts_than_may_wait_are_refused_for_now(place):
    with serve(["net"], place, streams=1, waiting=1, longest=10_000_000) as served:
        scheduler = served.server.models[0].scheduler
        connections: list[HTTPConnection] = []
        for _ in range(2):
            connection = served.connect()
            connection.request("POST", "/v1/completions", json.dumps({"max_tokens": 10_000_000}))
            connections.append(connection)
        wait_until(lambda: scheduler.room == 0)
        answer = served.ask("/v1/completions", {"prompt": "the "})
        assert (answer.status, answer.json["error"]["code"], answer.headers["retry-after"]) == (429, "busy", "1")
        for connection in connections:
            connection.close()
        wait_until(lambda: scheduler.room == 2)
        assert served.text(max_tokens=5)


def test_texts_end_with_an_error_when_the_server_stops(place):
    with serve(["net"], place, longest=10_000_000) as served:
        connection = served.connect()
        connection.request("POST", "/v1/completions", json.dumps({"max_tokens": 10_000_000, "stream": True}))
        answer = connection.getresponse()
        assert answer.read(5) == b"data:"
        served.server.stop()
        *_, last, end = answer.read().decode().split("\n\n")
        assert end == "" and json.loads(last.removeprefix("data: "))["error"]["code"] == "stopping"
        connection.close()


def test_a_port_in_use_and_a_run_that_is_none_are_told(served, place):
    from charlm.serving.server import open_server

    def message(runs=("net",), **settings) -> str:
        with (
            pytest.raises(CharlmError) as error,
            open_server(runs, ServingConfig(**{"port": 0} | settings), place, log=lambda _: None),
        ):
            pass
        return str(error.value)

    port = int(served.url.rpartition(":")[2])
    assert (
        message(port=port)
        == f"Cannot listen at 127.0.0.1, port {port}: address already in use. Choose another with --port."
    )
    assert "nowhere" in message(host="nowhere.invalid")
    assert "there" in message(("nothing-there",))
    assert "Two runs are called 'net'" in message(("net", str(place.checkpoints / "net")))


def test_a_run_that_labels_is_refused(place, tmp_path):
    from charlm.serving.server import open_server
    from tests.support.served import train

    examples = tmp_path / "examples.tsv"
    examples.write_text("".join(f"{'ab'[number % 2] * 5}{number}\t{'xy'[number % 2]}\n" for number in range(60)))
    train(place, examples, name="labels", task="classify")
    with (
        pytest.raises(ConfigError, match="charlm predict"),
        open_server(["labels"], ServingConfig(port=0), place, log=print),
    ):
        pass


def test_pages(served, all_kinds):
    page = served.ask("/")
    assert page.headers["content-type"].startswith("text/html") and b"Content-Security-Policy" in page.body
    listed = all_kinds.ask("/")
    assert b"/runs/mixed" in listed.body and listed.headers["content-security-policy"]
    assert b"Programs write with it" in all_kinds.ask("/runs/counts").body
