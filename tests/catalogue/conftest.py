"""Every test of the catalogue runs over SQLite and over PostgreSQL, unless it is about files of one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.catalogue import backends


@pytest.fixture(scope="module", autouse=True, params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the engine that this module's catalogues lie in."""
    backends.server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    yield request.param
    backends.server = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take out what is about another engine; a skip would say that something is missing."""
    items[:] = [item for item in items if not _about_another(item)]


def _about_another(item: pytest.Item) -> bool:
    marker, call = item.get_closest_marker("engine"), getattr(item, "callspec", None)
    return marker is not None and call is not None and call.params.get("backend") not in marker.args
