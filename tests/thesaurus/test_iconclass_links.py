"""The hand-made links of outside labels: every target must exist, and no label may be left out or linked twice."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

import sherd
from sherd.thesaurus.iconclass import notation_uri
from sherd.thesaurus.thesaurus import builtin_thesaurus

ICONCLASS = "https://iconclass.org/"
WHOLE = ("iconart_parts", "byzart_icons", "getty_catalogues")
FILE = Path(sherd.__file__).parent / "thesaurus" / "data" / "iconclass_links.tsv"

with FILE.open(encoding="utf-8", newline="") as stream:
    LINKS = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def notations(shared: Path) -> frozenset[str]:
    """Every notation that has an entry of its own in the Iconclass data."""
    lines = (shared / "thesauri" / "iconclass" / "notations.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line[2:] for line in lines if line.startswith("N "))


def test_a_row_has_five_cells_and_a_label_is_linked_once() -> None:
    for row in LINKS:
        assert list(row) == ["pack", "label", "iconclass_notation", "sherd_name", "note"]
        assert None not in row.values(), row
        assert all(cell == cell.strip() for cell in row.values()), row
    assert [key for key, count in Counter((row["pack"], row["label"]) for row in LINKS).items() if count > 1] == []
    # Labels that differ in their case only mean the same.
    targets = {(row["pack"], row["label"].lower(), row["iconclass_notation"], row["sherd_name"]) for row in LINKS}
    assert len(targets) == len({(row["pack"], row["label"].lower()) for row in LINKS})


def test_every_name_is_a_concept_of_ours() -> None:
    thesaurus = builtin_thesaurus()
    named = {row["sherd_name"] for row in LINKS} - {""}
    assert [name for name in sorted(named) if f"urn:sherd:{name}" not in thesaurus] == []


def test_a_label_without_a_notation_says_why() -> None:
    for row in LINKS:
        if row["pack"] == "kamon_crests":
            assert row["sherd_name"], row
            assert not row["iconclass_notation"], row
        elif not row["iconclass_notation"] or not row["sherd_name"]:
            assert row["note"], row


def test_every_notation_is_in_the_data(notations: frozenset[str]) -> None:
    used = {row["iconclass_notation"] for row in LINKS} - {""}
    assert sorted(used - notations) == []


def test_every_close_match_of_the_thesaurus_is_in_the_data(notations: frozenset[str]) -> None:
    found = {uri for concept in builtin_thesaurus() for uris in concept.matches.values() for uri in uris}
    matches = {uri for uri in found if uri.startswith(ICONCLASS)}
    assert matches
    assert sorted({unquote(uri.removeprefix(ICONCLASS)) for uri in matches} - notations) == []
    assert {notation_uri(unquote(uri.removeprefix(ICONCLASS))) for uri in matches} == matches


@pytest.mark.parametrize("pack", [*WHOLE, "kamon_crests"])
def test_the_links_of_a_pack_are_of_its_labels(shared: Path, pack: str) -> None:
    labels: set[str] = set()
    for line in (shared / "packs" / pack / "records.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        labels |= {*record.get("motifs", ()), *(region["label"] for region in record.get("regions", ()))}
    linked = {row["label"] for row in LINKS if row["pack"] == pack}
    assert sorted(linked - labels) == []
    assert pack not in WHOLE or sorted(labels - linked) == []
