"""The API against its own description, by Schemathesis: all phases, all checks, three roles."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from sherd.server.app import create_app
from tests.conftest import ROOT
from tests.server.museum import app_of


@pytest.mark.slow
def test_the_api_keeps_what_its_description_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    api_cases = importlib.import_module("api_cases")
    rows = api_cases.run_all(tmp_path, 300, 7)
    assert [(row["role"], row["failures"]) for row in rows] == [("reader", []), ("curator", []), ("admin", [])]
    assert all(row["cases"] > 500 for row in rows)


def test_operations_are_named_and_have_examples(library: Path) -> None:
    schema = app_of(library).openapi()
    operations = [one for path in schema["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names)) >= 23
    assert all(one["description"] for one in operations)
    assert "examples" in schema["components"]["schemas"]["QueryForm"]
    assert "examples" in schema["components"]["schemas"]["AcceptForm"]
    assert schema["info"]["version"] == "1"
    assert all("422" in one["responses"] for one in operations)
    problem = schema["paths"]["/api/v1/search"]["post"]["responses"]["422"]["content"]
    assert list(problem) == ["application/problem+json"]
    assert create_app(library).openapi() == schema


def test_every_code_of_a_problem_is_in_the_docs() -> None:
    from sherd.server.problems import CODES

    page = (ROOT / "docs/api.md").read_text("utf-8")
    assert [code for code in CODES if f"`{code}`" not in page] == []


def test_every_address_is_in_the_docs(library: Path) -> None:
    page = (ROOT / "docs/api.md").read_text("utf-8")
    known = [path.replace("{picture}", "{sha256}").replace("{job}", "{n}").replace("{upload}", "{name}")
             for path in app_of(library).openapi()["paths"]]  # fmt: skip
    assert [path for path in known if path not in page.replace("{picture}", "{sha256}")] == []
