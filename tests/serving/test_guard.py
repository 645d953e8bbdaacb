"""Who may ask: hosts, pages of other sites, and the key."""

import pytest

from tests.support.served import serve


def status(served, **headers) -> int:
    return served.ask("/v1/models", **headers).status


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]:8000", "localhost."]
)
def test_loopback_has_these_names(served, host):
    assert status(served, host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "10.0.0.1", ""])
def test_on_loopback_no_other_name_is_answered(served, host):
    assert status(served, host=host) == 403


def test_pages_of_other_sites_are_refused(served):
    assert status(served, host="localhost:5", origin="http://localhost:5") == 200
    assert status(served, host="localhost:5", origin="http://localhost:6") == 403
    assert status(served, origin="https://evil.example") == 403
    assert status(served, origin="null") == 403
    assert status(served, origin="http://[") == 403


def test_a_key_is_asked_for(place):
    with serve(["net"], place, api_key="open sesame") as served:
        assert status(served) == 401
        assert status(served, authorization="Bearer wrong") == 401
        assert status(served, authorization="Basic open sesame") == 401
        assert status(served, authorization="Bearer open sesame") == 200
        assert served.ask("/").status == 401
        assert served.ask("/health").json == {"status": "ok"}
        assert served.ask("/v1/models").json["error"]["code"] == "invalid_api_key"


def test_a_key_beyond_ascii_is_sent_as_utf_8(place):
    # The last byte of à in UTF-8 is a no-break space in Latin-1, as which headers are decoded.
    with serve(["net"], place, api_key="clé à") as served:
        assert status(served, authorization="Bearer clé à".encode().decode("latin-1")) == 200
        assert status(served, authorization="Bearer clé à") == 401
