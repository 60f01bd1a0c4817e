"""The real Milvus standalone server of the PyPI package `milvus` 2.3.5, in a virtual environment of its own.

    make milvus                               # installs it into .venv-milvus and starts it on port 19530
    python -m tests.milvus_server DIR PORT    # starts it, with its data in DIR, until it is interrupted

The package is from January 2024 and frozen; what is newer cannot be installed by name. Tests skip where it is absent.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.postgres_server import free_port

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE_S = 240.0
_FREE_S = 30.0
_ETCD_PEERS = 2380
"""A port that the server insists on, so there is one of it on a machine at a time."""
_RUNNER = """
import os, sys
from milvus import MilvusServer, MilvusServerConfig, _initialize_data_files
ports = dict(zip(("proxy_port", "etcd_port", "metrics"), map(int, sys.argv[2:5])))
config = MilvusServerConfig(data_dir=sys.argv[1], proxy_port=ports["proxy_port"])
config.base_data_dir = os.path.abspath(sys.argv[1])
if not os.path.exists(os.path.join(config.base_data_dir, "configs", "milvus.yaml")):
    config.resolve()  # the second time it would find its own ports not free yet
_initialize_data_files(config.base_data_dir)
os.chdir(config.base_data_dir)
binary = os.path.join(config.base_data_dir, "bin", "milvus")
os.environ.update(DEPLOY_MODE="STANDALONE", METRICS_PORT=str(ports["metrics"]),
    MILVUS_RUN_DIR=os.path.join(config.base_data_dir, "run"), MILVUSCONF=os.path.join(config.base_data_dir, "configs"),
    LD_LIBRARY_PATH=os.path.dirname(binary))
os.execv(binary, [binary, "run", "standalone"])
"""


def interpreter() -> Path | None:
    """The Python that has the server: of SHERD_MILVUS_PYTHON, else of .venv-milvus; None where there is none."""
    wanted = Path(os.environ.get("SHERD_MILVUS_PYTHON", ROOT / ".venv-milvus/bin/python"))
    return wanted if wanted.exists() else None


class MilvusServer:
    """One server; `start` waits until it answers.

    Args:
        folder: of its data; a temporary one, removed by `remove`, where none is given.
    """

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        found = interpreter()
        if found is None:
            pytest.skip("no Milvus server on this machine: `make milvus` installs it, or SHERD_MILVUS_PYTHON names it")
        self._python = found
        self._given = folder
        self.folder = folder or Path(tempfile.mkdtemp(prefix="sherd-milvus-"))
        self.port = port or free_port()
        self._metrics = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"milvus://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        until = time.monotonic() + _FREE_S
        while _is_taken(_ETCD_PEERS):
            if time.monotonic() > until:
                raise RuntimeError(f"port {_ETCD_PEERS} is taken, by another Milvus server perhaps")
            time.sleep(0.2)
        command = [str(self._python), "-c", _RUNNER, str(self.folder), str(self.port), "0", str(self._metrics)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        until = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "server.log").read_text(errors="replace")[-3000:])
            time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL: nothing is put in order."""
        self.send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(60)
        self._process = None

    def send(self, what: signal.Signals) -> None:
        """A signal to the server; SIGSTOP makes it silent, SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(what)

    def remove(self) -> None:
        """Stop it, and delete its data where they are in a temporary folder."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait(60)
            self._process = None
        if self._given is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/healthz", timeout=5) as answer:
                return b"OK" in answer.read()
        except (urllib.error.URLError, OSError):
            return False


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    server = MilvusServer(Path(sys.argv[1]), int(sys.argv[2]))
    server.folder.mkdir(parents=True, exist_ok=True)
    server.start()
    print(f"Milvus answers at {server.url}", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    server.remove()
