"""The documents are what the schemas of Linked Art 1.0 allow, and tell whose word each claim is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sherd.errors import StorageRefused
from sherd.exports.described import ExportSettings
from sherd.exports.linked_art import Json, linked_art, write_linked_art
from tests.exports.examples import AAT, BRONZE, CLOUD, DING, DRAGON, LUCK, MODEL, PLAIN, RITE, SHANG, TAOTIE

SETTINGS = ExportSettings("https://example.org/", "A museum", "Sherd 9")
OBJECT, VISUAL = linked_art([DING], SETTINGS)


def uris(found: Any) -> Iterator[str]:
    """All identifiers anywhere in a document."""
    if isinstance(found, dict):
        if "id" in found:
            yield found["id"]
        found = list(found.values())
    if isinstance(found, list):
        for inner in found:
            yield from uris(inner)


@cache
def validator(folder: Path, kind: str) -> Any:
    import jsonschema
    from referencing import Registry, Resource

    schemas = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
    named = [(one["$id"], Resource.from_contents(one)) for one in schemas if "$id" in one]
    registry: Registry[Any] = Registry().with_resources(named)
    return jsonschema.Draft202012Validator({"$ref": f"https://linked.art/api/1.0/schema/{kind}"}, registry=registry)


def wrong(shared: Path, document: Json, kind: str | None = None) -> list[str]:
    folder = shared / "conformance/linked-art"
    if not folder.is_dir():
        pytest.skip("../shared has no conformance/linked-art")
    kind = kind or {"HumanMadeObject": "object.json", "VisualItem": "image.json"}[document["type"]]
    return [error.message for error in validator(folder, kind).iter_errors(document)]


def test_the_documents_are_valid(shared: Path) -> None:
    for document in linked_art([DING, PLAIN], SETTINGS):
        assert wrong(shared, document) == []
    for document in linked_art([DING, PLAIN]):
        assert wrong(shared, document) == []


def test_what_is_assigned_is_valid_too(shared: Path) -> None:
    """The schema lets anything be assigned, so this looks closer."""
    for claim in (*OBJECT["attributed_by"], *VISUAL["attributed_by"]):
        for assigned in claim["assigned"]:
            kind = "object.json#/$defs/Production" if assigned["type"] == "Production" else "core.json#/$defs/AnyRef"
            assert wrong(shared, assigned, kind) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("probability",), 0.8),
        (("attributed_by", 0, "probability"), 0.8),
        (("attributed_by", 0, "carried_out_by", 0, "type"), "Software"),
        (("made_of", 0, "type"), "Type"),
        (("identified_by", 0, "content"), None),
    ],
)
def test_the_schema_refuses_what_it_does_not_know(shared: Path, path: tuple[str | int, ...], value: Any) -> None:
    document = json.loads(json.dumps(OBJECT))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert wrong(shared, document)


def test_facts_stand_where_they_belong() -> None:
    assert [one["id"] for one in OBJECT["classified_as"]] == ["urn:t:tripod", "urn:t:vessel"]
    assert OBJECT["classified_as"][0]["equivalent"] == [{"id": f"{AAT}300198840", "type": "Type"}]
    assert [(one["id"], one["type"]) for one in OBJECT["made_of"]] == [
        (BRONZE.uri, "Material"), ("urn:t:gilding", "Material"),
    ]  # fmt: skip
    assert [one["id"] for one in OBJECT["produced_by"]["during"]] == [SHANG.uri]
    assert [one["id"] for one in VISUAL["represents_instance_of_type"]] == [TAOTIE.uri, CLOUD.uri]
    assert [one["id"] for one in VISUAL["about"]] == [RITE.uri]
    assert [one["id"] for one in OBJECT["shows"]] == [VISUAL["id"]]
    names = {one["content"]: one.get("language", [{}])[0].get("id") for one in OBJECT["identified_by"]}
    assert names == {
        "饕餮纹鼎": f"{AAT}300388113", "Tripod <with> taotie & masks": f"{AAT}300388277", "1987/10 a": None,
    }  # fmt: skip
    texts = [one["content"] for one in OBJECT["referred_to_by"]]
    assert texts == [
        "商代晚期青铜礼器。",
        "A ritual vessel.",
        "Gilt bronze; cobalt",
        "unknown band",
        "The museum",
        "CC0 1.0",
    ]


def test_pictures_can_be_fetched() -> None:
    assert [one["digitally_shown_by"][0]["access_point"][0]["id"] for one in OBJECT["representation"]] == [
        "https://example.org/picture/a/front%201.png", "https://example.org/picture/a/back.png",
    ]  # fmt: skip
    (elsewhere,) = linked_art([PLAIN], picture=lambda shot: f"https://iiif.example/{shot.sha256}")
    access = elsewhere["representation"][0]["digitally_shown_by"][0]["access_point"]
    assert access == [{"id": f"https://iiif.example/{'3' * 64}", "type": "DigitalObject"}]


def test_a_machine_claims_only_in_its_own_name() -> None:
    facts = {name: value for name, value in VISUAL.items() if name != "attributed_by"}
    assert DRAGON.uri not in set(uris(facts))
    by_machine = [one for one in VISUAL["attributed_by"] if DRAGON.uri in set(uris(one))]
    assert len(by_machine) == 1
    (claim,) = by_machine
    assert claim["carried_out_by"] == [
        {"id": "https://example.org/agent/Sherd%209", "type": "Group", "_label": "Sherd 9"}
    ]
    assert claim["assigned_property"] == "represents_instance_of_type"
    assert "timespan" not in claim
    notes = {one["classified_as"][0]["_label"]: one["content"] for one in claim["referred_to_by"]}
    assert notes == {"place": "a/back.png#xywh=percent:25,25,50,25", "probability": "0.8125", "model": MODEL}


def test_a_person_is_named_with_the_time() -> None:
    claims = [one for one in (*OBJECT["attributed_by"], *VISUAL["attributed_by"]) if "timespan" in one]
    assert [(one["carried_out_by"][0]["_label"], one["timespan"]["begin_of_the_begin"]) for one in claims] == [
        ("Ann", "2026-11-27T11:00:00+00:00"), ("Li Wei", "2026-11-27T10:00:00+00:00"),
    ]  # fmt: skip
    assert all(one["carried_out_by"][0]["type"] == "Person" for one in claims)
    assert {one["classified_as"][0]["_label"] for one in claims} == {"decision of a person"}


def test_what_a_person_refused_is_not_told() -> None:
    assert LUCK.uri not in {*uris(OBJECT), *uris(VISUAL)}
    assert "luck" not in [one["content"] for one in OBJECT["referred_to_by"]]


def test_the_file_has_a_document_a_line(tmp_path: Path) -> None:
    out = tmp_path / "new/linked-art.jsonl"
    assert write_linked_art([DING, PLAIN], out, SETTINGS) == 2
    documents = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [one["type"] for one in documents] == ["HumanMadeObject", "VisualItem", "HumanMadeObject"]
    assert documents[0] == OBJECT
    assert len({one["id"] for one in documents}) == 3


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageRefused, match=r"linked-art\.jsonl: cannot be written"):
        write_linked_art([PLAIN], tmp_path / "file/linked-art.jsonl")
