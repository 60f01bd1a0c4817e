"""`sherd serve` as a process of its own: where it listens, and how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from sherd.cli.serve import app
from sherd.errors import InvalidArgument
from sherd.server.running import serve
from sherd.server.settings import ServerSettings

COMMAND = [sys.executable, "-c", "import sherd.cli; sherd.cli.main()"]


def sherd(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


@contextmanager
def running(library: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address that it prints."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--library", str(library), "--port", "0", *arguments], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        yield process, address.rstrip("/")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def test_it_finishes_what_runs_refuses_what_is_new_and_ends_well(library: Path) -> None:
    with running(library) as (process, address):
        port = int(address.rsplit(":", 1)[1])
        body = json.dumps({"text": "red"}).encode()
        lines = ["POST /api/v1/search HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as begun:
            begun.sendall(head.encode() + body[:5])  # a request on its way
            assert httpx2.get(f"{address}/health/ready", timeout=20).status_code == 200
            process.send_signal(signal.SIGTERM)
            threading.Event().wait(0.5)
            assert process.poll() is None
            begun.sendall(body[5:])
            answer = begun.recv(65_536)
        # it was let in before the signal or refused after it, and told so: never cut off
        assert answer.split(b" ")[1] in (b"200", b"503"), answer
        assert process.wait(30) == 0


def test_a_request_that_is_on_its_way_when_it_is_told_to_stop_is_answered(library: Path) -> None:
    with running(library) as (process, address):
        port = int(address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as late:
            assert httpx2.get(f"{address}/health/ready", timeout=20).status_code == 200  # the first is let in before it
            process.send_signal(signal.SIGTERM)
            threading.Event().wait(0.25)
            late.sendall(b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = late.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 "), answer
            while late.recv(65_536):
                pass  # and the connection is closed
        assert process.wait(10) == 0


def test_every_request_is_answered_when_it_is_told_to_stop_under_load(library: Path) -> None:
    with running(library) as (process, address):
        stop, broken, answered = threading.Event(), list[str](), list[int]()

        def ask() -> None:
            while not stop.is_set():
                try:
                    with httpx2.Client(timeout=20) as client:
                        status = client.post(f"{address}/api/v1/search", json={"text": "red"}).status_code
                except httpx2.ConnectError:
                    return  # nobody listens any more
                except httpx2.TransportError as error:
                    broken.append(repr(error))
                    return
                answered.append(status)

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            while len(answered) < 20:
                threading.Event().wait(0.02)
            process.send_signal(signal.SIGTERM)
            code = process.wait(40)
            stop.set()
            for one in asking:
                one.result(30)
    assert code == 0
    assert broken == []
    assert set(answered) <= {200, 503}


def test_tokens_are_made_listed_and_revoked_by_command(tmp_path: Path) -> None:
    from tests.server.museum import make_library

    library = str(make_library(tmp_path / "m"))
    made = sherd("serve", "token", "add", "Ada", "--role", "curator", "--library", library)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("sherd_")
    listed = sherd("serve", "token", "list", "--library", library, "--json")
    token = json.loads(listed.stdout)
    assert (token["name"], token["role"]) == ("Ada", "curator")
    assert secret not in listed.stdout
    with running(Path(library), "--tokens") as (_, address):
        assert httpx2.get(f"{address}/api/v1/records").status_code == 401
        by = {"Authorization": f"Bearer {secret}"}
        assert httpx2.get(f"{address}/api/v1/records", headers=by).status_code == 200
        assert sherd("serve", "token", "revoke", token["number"], "--library", library).returncode == 0
        assert httpx2.get(f"{address}/api/v1/records", headers=by).status_code == 401
    assert sherd("serve", "token", "add", "Bob", "--role", "king", "--library", library).returncode == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_it_does_not_listen_elsewhere_without_tokens(library: Path, host: str) -> None:
    with pytest.raises(InvalidArgument, match="token add"):
        serve(library, ServerSettings(host=host), port=0)
    with pytest.raises(InvalidArgument, match="token add"):
        serve(library, ServerSettings(), port=0, tokens=True)


def test_what_is_no_library_is_told_in_a_line(tmp_path: Path) -> None:
    told = sherd("serve", "--library", str(tmp_path / "nothing"))
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert sherd("serve").returncode == 2


def test_the_command_line_says_what_the_standards_tell(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[ServerSettings] = []
    monkeypatch.setattr("sherd.server.running.serve", lambda folder, settings, **more: told.append(settings))
    given = ["--public-url", "https://museum.example/", "--title", "Bronzes", "--origin", "https://a.example"]
    result = CliRunner().invoke(app, ["--library", str(library), *given, "--origin", "*"])
    assert result.exit_code == 0, result.output
    assert (told[0].public_url, told[0].title, told[0].origins) == (
        "https://museum.example/", "Bronzes", ("https://a.example", "*"),
    )  # fmt: skip
