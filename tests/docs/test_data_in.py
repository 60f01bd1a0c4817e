"""The pages on data and libraries name every reason, role and kind of problem that there is in the code."""

from __future__ import annotations

import re
from pathlib import Path

from sherd.ingest import verify
from sherd.ingest.columns import guess_columns, headings_by_role

ROOT = Path(__file__).resolve().parents[2]
INGEST = ROOT / "src/sherd/ingest"
REASON = re.compile(
    r'RejectedItem\(\s*"([a-z_0-9]+)"|\("((?:file|path|image|not|symlink)_[a-z_]+)", f?"(?:is|cannot)'
    r'|"reason": "([a-z_]+)"|reason = "(image_[a-z]+)" if|else "(image_[a-z]+)"'
)  # fmt: skip


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def reasons_in_code() -> set[str]:
    text = "\n".join(path.read_text("utf-8") for path in INGEST.rglob("*.py"))
    return {next(filter(None, found)) for found in REASON.findall(text)}


def test_every_reason_is_explained_and_none_is_made_up() -> None:
    explained = set(re.findall(r"^\| `([a-z_]+)` \|.*\|.*\|$", page("data-in.md"), re.MULTILINE))
    code = reasons_in_code() - {"box_invalid"}  # a warning, told in the text
    assert len(code) > 30
    assert code - explained == set()
    assert explained - code - set(headings_by_role()) == set()
    assert "box_invalid" in page("data-in.md")


def test_the_headings_in_the_page_are_known_for_their_role() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \| ([^|]+) \|[^|]*\|$", page("data-in.md"), re.MULTILINE)
    assert {role for role, _, _ in rows} == set(headings_by_role())
    for role, english, chinese in rows:
        for heading in re.split(r", |: ", f"{english}, {chinese}"):
            assert guess_columns([heading.strip("`")]).roles == {role: (heading.strip("`"),)}, heading


def test_every_kind_of_problem_is_in_the_page() -> None:
    assert verify.__doc__ is not None
    kinds = re.findall(
        r'Problem\(\s*"([a-z_]+)"|"((?:item|record|words|part|index|thumbnail|vectors)_[a-z]+)"', _sources()
    )
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", page("library.md"), re.MULTILINE))
    found = {next(filter(None, kind)) for kind in kinds}
    assert len(found) >= 10
    assert found - listed - {"part_done", "vectors_written"} == set()


def _sources() -> str:
    return (INGEST / "verify.py").read_text("utf-8") + (ROOT / "src/sherd/catalogue/soundness.py").read_text("utf-8")
