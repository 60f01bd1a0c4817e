"""Milvus for the tests of this folder: Lite in a file, and the real server where it is installed, or at the address in
SHERD_MILVUS_URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.milvus_server import MilvusServer


@pytest.fixture(scope="session")
def milvus_server() -> Iterator[MilvusServer]:
    """A running server, one for all tests."""
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'sherd[milvus]'")
    server = MilvusServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module", params=["lite", pytest.param("server", marks=pytest.mark.slow)])
def milvus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty Milvus."""
    if request.param == "server":
        yield os.environ.get("SHERD_MILVUS_URL") or request.getfixturevalue("milvus_server").url
        return
    for name in ("pymilvus", "milvus_lite"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'sherd[milvus]' milvus-lite")
    from milvus_lite.server_manager import server_manager_instance

    path: Path = tmp_path_factory.mktemp("milvus") / "lite.db"
    yield f"milvus://{path}"
    server_manager_instance.release_server(str(path))
