"""A throw-away PostgreSQL server in a temporary folder, from whatever package of it the machine has."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

_PATIENCE_S = 30.0
_USER = "sherd"


def binaries() -> Path | None:
    """The folder with initdb and postgres, newest first; None where there is none."""
    said = shutil.which("pg_config")
    asked = [Path(subprocess.check_output([said, "--bindir"], text=True).strip())] if said else []
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in [*versions, *asked] if (folder / "initdb").exists()), None)


class PostgresServer:
    """Started by `start`; every file of it is below one temporary folder that `remove` deletes.

    Args:
        durable: keep what was acknowledged over a kill of the server, at the price of an fsync a commit.
    """

    def __init__(self, *, durable: bool = False) -> None:
        found = binaries()
        if found is None:
            pytest.skip("no PostgreSQL server on this machine; `apt-get install postgresql` brings one")
        self._bin = found
        self._owner = _other_user()
        self._folder = Path(tempfile.mkdtemp(prefix="sherd-pg-", dir=None if durable else _memory()))
        if self._owner is not None:
            os.chown(self._folder, self._owner.pw_uid, self._owner.pw_gid)
        self._settings = {} if durable else {"fsync": "off", "full_page_writes": "off"}
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run([found / "initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, schema: str, *, port: int | None = None, **options: object) -> str:
        """The address of a catalogue on this server, directly or by a port that leads to it."""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"postgresql://{_USER}@127.0.0.1:{port or self.port}/postgres?schema={schema}{more}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **self._settings}
        options |= {"shared_buffers": "32MB", "max_connections": 40}
        command: list[Path | str] = [
            self._bin / "postgres",
            "-D",
            self._data,
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = self._popen(command, log)
        until = time.monotonic() + _PATIENCE_S
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self._folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT cuts every connection and ends cleanly, SIGQUIT ends at once and recovers at the next start."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def send(self, what: signal.Signals) -> None:
        """A signal to the server and all of its processes."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="ascii")
        for pid in (self._process.pid, *map(int, children.split())):
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                continue

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, command: list[Path | str]) -> None:
        with (self._folder / "setup").open("wb") as log:
            process = self._popen(command, log)
            if process.wait(_PATIENCE_S):
                raise RuntimeError((self._folder / "setup").read_text(errors="replace")[-2000:])

    def _popen(self, command: list[Path | str], log: object) -> subprocess.Popen[bytes]:
        owner = self._owner
        started: subprocess.Popen[bytes] = subprocess.Popen(
            [str(part) for part in command],
            stdout=log, stderr=subprocess.STDOUT, cwd=self._folder, start_new_session=True,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            user=owner.pw_uid if owner else None, group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )  # type: ignore[call-overload]  # fmt: skip
        return started


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _memory() -> str | None:
    """A folder in memory, where there is one with room: thousands of small files are made and removed."""
    folder = "/dev/shm"
    return folder if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 2 << 30 else None


def _other_user() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]
