from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.server.museum import app_of, client_of, make_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that tests only read."""
    return make_library(tmp_path_factory.mktemp("museum"))


@pytest.fixture(scope="session")
def app(library: Path) -> FastAPI:
    return app_of(library)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Somebody on this machine, where no token is needed."""
    with client_of(app) as client:
        yield client
