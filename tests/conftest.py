"""What all tests share: where outside material lies, and the rule about skips."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of outside material (SHERD_SHARED, default ../shared); the test skips where it is absent."""
    path = Path(os.environ.get("SHERD_SHARED", ROOT.parent / "shared"))
    if not path.is_dir():
        pytest.skip(f"no outside material: SHERD_SHARED is unset and ../shared is absent ({path.name})")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL server, one for all tests; they skip where there is none on this machine."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'sherd[postgres]'")
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under SHERD_REQUIRE_ALL=1 a skip is a failure, unless it names ../shared."""
    report = yield
    if report.skipped and os.environ.get("SHERD_REQUIRE_ALL") == "1" and "../shared" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped, but SHERD_REQUIRE_ALL is set: {report.longrepr}"
    return report
