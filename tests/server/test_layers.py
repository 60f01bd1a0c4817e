from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from sherd.server.layers import SECURITY, host_allowed, same_origin
from sherd.server.running import Protocol
from sherd.server.settings import ServerSettings
from tests.server.museum import app_of, client_of, served


@pytest.fixture(scope="module")
def small(library: Path) -> Iterator[str]:
    """A server with small limits, on a real socket."""
    app = app_of(
        library, max_body_bytes=2_000, max_upload_bytes=50_000, max_header_bytes=4_000, max_address_bytes=2_000,
        body_idle_s=0.4, body_total_s=1.2,
    )  # fmt: skip
    with served(app) as address:
        yield address


def spoken(address: str, *pieces: bytes, pause_s: float = 0.0, wait_s: float = 10.0) -> bytes:
    """What the server says to raw bytes."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=wait_s) as channel:
        said = b""
        try:
            for piece in pieces:
                channel.sendall(piece)
                if select.select([channel], [], [], pause_s)[0]:
                    break
            while data := channel.recv(65_536):
                said += data
                if b"\r\n\r\n" in said and b"connection: close" not in said.lower():
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
        return said


def head(*lines: str, method: str = "POST", path: str = "/api/v1/search") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode("latin-1")


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.7", "", "a b"]
)
def test_a_name_that_is_not_ours_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/v1/records", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765"])
def test_our_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/health/live", headers={"Host": host}).status_code == 200


def test_beyond_this_machine_addresses_count_and_further_names() -> None:
    beyond = ServerSettings(host="0.0.0.0", names=("Museum.example",))
    assert host_allowed(["192.0.2.7:8765"], beyond)
    assert host_allowed(["museum.example"], beyond)
    assert not host_allowed(["museum.example.evil.example"], beyond)
    assert not host_allowed(["192.0.2.7", "evil.example"], beyond)
    assert not host_allowed([], beyond)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
def test_a_page_of_another_site_changes_nothing(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/search", json={"text": "red"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert client.get("/api/v1/records", headers=headers).status_code == 200


def test_our_own_pages_and_programs_may_write(client: TestClient) -> None:
    for headers in ({}, {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert client.post("/api/v1/search", json={"text": "red"}, headers=headers).status_code == 200
    assert same_origin(Headers({"origin": "http://LOCALHOST:8765", "host": "localhost:8765"}))


def test_a_form_of_another_kind_than_json_is_not_taken(client: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = client.post("/api/v1/search", content=b'{"text":"red"}', headers={"Content-Type": kind})
        assert answer.status_code in (415, 422), kind
    packed = client.post("/api/v1/search", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert (packed.status_code, packed.json()["code"]) == (415, "unsupported_type")


def test_a_method_that_is_not_taken_is_answered_with_those_that_are(client: TestClient) -> None:
    for method, path, allowed in (
        ("DELETE", "/api/v1/search", "GET, POST"),
        ("OPTIONS", "/api/v1/decisions", "GET, POST"),
        ("PUT", "/api/v1/jobs/1", "DELETE, GET"),
        ("POST", "/health/live", "GET"),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_every_answer_has_the_headers_of_safety(client: TestClient) -> None:
    for path in ("/", "/api/v1/records", "/nothing", "/static/sherd.css", "/health/live", "/static/../x"):
        answer = client.get(path)
        for name, value in SECURITY.items():
            assert answer.headers[name] == value, (path, name)
        assert len(answer.headers["x-request-id"]) == 16
        assert "server" not in answer.headers


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(small: str) -> None:
    said = spoken(small, head("Content-Length: 2001", "Content-Type: application/json"))
    assert status(said) == 413
    assert b"body_too_large" in said
    assert status(spoken(small, head("Content-Length: 50001", path="/api/v1/uploads"))) == 413
    for nonsense in ("-1", "1e9", "\xb2", "99999999999999999999"):
        assert status(spoken(small, head(f"Content-Length: {nonsense}"))) in (400, 413)


def test_a_body_without_end_is_cut_off(small: str) -> None:
    chunk = b"400\r\n" + b"x" * 1_024 + b"\r\n"
    said = spoken(small, head("Transfer-Encoding: chunked", "Content-Type: application/json"), *[chunk] * 4)
    assert status(said) == 413
    form = head("Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=b", path="/api/v1/uploads")
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    said = spoken(small, form, b"%x\r\n%s\r\n" % (len(start), start), *[chunk] * 100)
    assert status(said) == 413
    assert b"body_too_large" in said


@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/uploads"])
def test_a_slow_body_is_not_waited_for(small: str, path: str) -> None:
    kind = "multipart/form-data; boundary=b" if "uploads" in path else "application/json"
    lines = head("Content-Length: 100", f"Content-Type: {kind}", path=path)
    assert status(spoken(small, lines, b"--b")) == 408
    dripping = spoken(small, lines, b"--b\r\nX: ", *[b"-"] * 12, pause_s=0.25)
    assert status(dripping) == 408


def test_too_many_headers_and_too_long_an_address_are_refused(small: str) -> None:
    assert status(spoken(small, head("X: " + "x" * 4_000, method="GET", path="/"))) == 431
    assert status(spoken(small, head(*[f"X-{n}: y" for n in range(600)], method="GET", path="/"))) == 431
    assert status(spoken(small, head(method="GET", path="/?q=" + "x" * 2_000))) == 414
    assert status(spoken(small, head("X: " + "x" * 200_000, method="GET", path="/"))) in (400, 431)


def connected(stack: ExitStack, address: str) -> socket.socket:
    parts = urlsplit(address)
    return stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10))


def lives(channel: socket.socket) -> bool:
    """Whether the server answers on a connection that stays open."""
    channel.sendall(head(method="GET", path="/health/live"))
    said = b""
    while b"live" not in said.partition(b"\r\n\r\n")[2]:
        data = channel.recv(65_536)
        if not data:
            return False
        said += data
    return status(said) == 200


def test_heads_that_come_too_slowly_are_not_waited_for(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "head_s", 0.5)
    with served(app_of(library)) as address, ExitStack() as stack:
        begun = [connected(stack, address) for _ in range(60)]
        for channel in begun:
            channel.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        again = connected(stack, address)
        assert lives(again)
        assert [channel.recv(100) for channel in begun] == [b""] * 60
        # nor is a second request on a connection that was answered once
        again.sendall(b"GET / HT")
        assert again.recv(100) == b""


def test_one_connection_too_many_is_closed(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "most", 3)
    with served(app_of(library)) as address, ExitStack() as stack:
        there = [connected(stack, address) for _ in range(3)]
        assert [lives(channel) for channel in there] == [True] * 3
        with suppress(OSError):
            assert not lives(connected(stack, address))
        assert lives(there[0])


def test_the_server_goes_on_after_all_that(small: str) -> None:
    assert status(spoken(small, head(method="GET", path="/health/live"))) == 200


def test_problems_tell_nothing_of_the_inside(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sherd.catalogue.catalogue import Catalogue
    from sherd.errors import CorruptData

    secret = f"{library}/catalogue.sqlite: SELECT * FROM records; Traceback; sqlite 3.45.1"
    with client_of(app_of(library)) as client:
        for error in (RuntimeError(secret), CorruptData(secret), OSError(28, secret)):

            def broken(*_: object, error: Exception = error) -> None:
                raise error

            monkeypatch.setattr(Catalogue, "titles", broken)
            answer = client.get("/api/v1/records")
            assert answer.status_code == 500
            assert answer.json()["code"] in ("internal", "library_damaged")
            for told in (str(library), "SELECT", "Traceback", "sqlite", "RuntimeError"):
                assert told not in answer.text
