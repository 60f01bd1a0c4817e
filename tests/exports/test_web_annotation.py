"""Annotations that leave: sound by the rules of the model, with marks that tell whose word each is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pyld import jsonld

from sherd.exports import web_annotation
from sherd.exports.described import Author, ExportSettings, Statement
from sherd.exports.web_annotation import web_annotations, write_annotations
from tests.exports import web_annotation_rules as rules
from tests.exports.examples import CLOUD, DING, DRAGON, LUCK, MASK, PLAIN

WEB = ExportSettings("https://museum.example/things/", "Bronzes", "Sherd 0")


def by_author(author: Author, **settings: Any) -> list[dict[str, Any]]:
    return [one for one in web_annotations([DING], WEB, **settings) if one["statedBy"] == author]


def test_each_author_leaves_its_own_marks_and_no_other() -> None:
    catalogue, people, machine = (by_author(author) for author in Author)
    assert (len(catalogue), len(people), len(machine)) == (7, 2, 2)
    assert not any({"creator", "created", "generator", "probability"} & set(one) for one in catalogue)
    assert [(one["creator"], one["created"]) for one in people] == [
        ({"type": "Person", "name": "Li Wei"}, "2026-11-27T10:00:00Z"),
        ({"type": "Person", "name": "Ann"}, "2026-11-27T11:00:00Z"),
    ]
    assert not any({"generator", "probability"} & set(one) for one in people)
    assert not any({"creator", "created"} & set(one) for one in machine)
    assert machine[0]["generator"] == {"type": "Software", "name": "Sherd 0", "model": "toy", "fingerprint": "f" * 64}
    assert [one["probability"] for one in machine] == [0.8125, 0.75]


def test_places_are_whole_pixels_of_a_picture_in_its_record() -> None:
    record = "https://museum.example/things/object/1987%2F10%20a"
    (cloud, vessel), (dragon, _) = by_author(Author.PERSON), by_author(Author.MACHINE)
    assert cloud["target"] == {
        "type": "SpecificResource", "source": "https://museum.example/things/picture/a/front%201.png", "scope": record,
        "selector": {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/",
                     "value": "xywh=160,180,40,60"},
    }  # fmt: skip
    assert vessel["target"] == record
    assert dragon["target"]["selector"]["value"] == "xywh=75,50,150,50"
    assert cloud["body"]["source"] == {
        "id": CLOUD.uri, "type": "skos:Concept", "prefLabel": {"zh-Hans": "云纹", "en": "cloud"},
    }  # fmt: skip
    elsewhere = by_author(Author.PERSON, picture=lambda shot: f"https://img.example/{shot.sha256}.jpg")
    assert elsewhere[0]["target"]["source"] == f"https://img.example/{'1' * 64}.jpg"


def test_what_a_person_refused_is_told_only_when_asked_and_never_as_a_term() -> None:
    assert LUCK.uri not in json.dumps(list(web_annotations([DING], WEB)))
    asked = list(web_annotations([DING], WEB, refused=True))
    (refusal,) = [one for one in asked if LUCK.uri in json.dumps(one)]
    assert (refusal["motivation"], refusal["body"]["purpose"], refusal["holds"]) == ("moderating", "moderating", False)
    assert refusal["creator"]["name"] == "Ann"
    assert all(one.get("holds", True) for one in asked if one is not refusal)


def test_addresses_stay_and_differ() -> None:
    first, again = ([one["id"] for one in web_annotations([DING], WEB, refused=True)] for _ in range(2))
    assert first == again
    assert len(set(first)) == len(first) == 12
    assert all(one.startswith(WEB.base) for one in first)


ALL = list(web_annotations([DING, PLAIN], WEB, refused=True))


@pytest.mark.parametrize("settings", [WEB, ExportSettings()])
def test_the_models_rules_are_kept(settings: ExportSettings) -> None:
    schema = Draft202012Validator(rules.ANNOTATION)
    for one in web_annotations([DING, PLAIN], settings, refused=True):
        schema.validate(one)


@pytest.mark.parametrize(
    "wrong",
    [
        {"@context": "https://other.example/"}, {"id": "no address"}, {"type": "Remark"}, {"target": []},
        {"target": {"type": "SpecificResource"}}, {"motivation": "guessing"}, {"bodyValue": "both"},
        {"created": "2026-11-27T10:00:00+00:00"}, {"creator": {"type": "Robot"}}, {"body": {"type": "TextualBody"}},
        {"target": {"source": "urn:a:b", "selector": {"type": "FragmentSelector"}}},
        {"target": {"source": "urn:a:b", "selector": {"type": "FragmentSelector", "value": "1,2,3,4"}}},
        {"target": {"selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}}},
    ],
)  # fmt: skip
def test_the_rules_notice_what_is_wrong(wrong: dict[str, Any]) -> None:
    assert not Draft202012Validator(rules.ANNOTATION).is_valid(ALL[0] | wrong)


def expanded(document: Any) -> list[dict[str, Any]]:
    def load(address: str, options: Any) -> dict[str, Any]:
        assert address == rules.ANNO
        return {"contextUrl": None, "documentUrl": address, "document": {"@context": rules.CONTEXT}}

    found: list[dict[str, Any]] = jsonld.expand(document, {"documentLoader": load})
    return found


def test_an_independent_reader_finds_the_statement_in_the_linked_data() -> None:
    sherd = "urn:sherd:terms#"
    (dragon, _) = by_author(Author.MACHINE)
    (found,) = expanded(dragon)
    assert found["@type"] == [f"{rules.OA}Annotation"]
    assert found[f"{rules.OA}motivatedBy"] == [{"@id": f"{rules.OA}classifying"}]
    assert found[f"{sherd}probability"] == [{"@value": 0.8125}]
    assert found[f"{sherd}statedBy"] == [{"@value": "machine"}]
    assert f"{rules.DCTERMS}creator" not in found
    (software,) = found[f"{rules.AS}generator"]
    assert software["@type"] == [f"{rules.AS}Application"]
    assert software[f"{sherd}fingerprint"] == [{"@value": "f" * 64}]
    (body,) = found[f"{rules.OA}hasBody"]
    (concept,) = body[f"{rules.OA}hasSource"]
    assert (concept["@id"], concept["@type"]) == (DRAGON.uri, [f"{rules.SKOS}Concept"])
    labels = concept[f"{rules.SKOS}prefLabel"]
    assert {(one["@language"], one["@value"]) for one in labels} == {("en", "dragon"), ("zh-hans", "龙")} or {
        (one["@language"], one["@value"]) for one in labels
    } == {("en", "dragon"), ("zh-Hans", "龙")}
    (target,) = found[f"{rules.OA}hasTarget"]
    (selector,) = target[f"{rules.OA}hasSelector"]
    assert selector[f"{rules.RDF}value"] == [{"@value": "xywh=75,50,150,50"}]
    assert selector[f"{rules.DCTERMS}conformsTo"] == [{"@id": "http://www.w3.org/TR/media-frags/"}]
    (refusal,) = [one for one in ALL if one.get("holds") is False]
    (found,) = expanded(refusal)
    assert found[f"{sherd}holds"] == [{"@value": False}]
    assert found[f"{rules.DCTERMS}created"] == [{"@type": f"{rules.XSD}dateTime", "@value": "2026-11-27T12:00:00Z"}]


def test_no_property_is_lost_in_the_linked_data() -> None:
    def names(found: Any) -> int:
        """Properties, at any depth, that are no keyword and no language."""
        if isinstance(found, list):
            return sum(map(names, found))
        if not isinstance(found, dict):
            return 0
        own = [name for name in found if name not in ("id", "type", "@id", "@type", "@context", "@value", "@language")]
        return len(own) + sum(names(found[name]) for name in own if not name.endswith("prefLabel"))

    assert len(ALL) == 12
    for one in ALL:
        (found,) = expanded(one)
        assert names(found) == names(one), one


def test_pages_are_written_whole_and_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_annotation, "PAGE_SIZE", 5)
    out = tmp_path / "out"
    assert write_annotations([DING, PLAIN], out, WEB) == 11
    collection = json.loads((out / "collection.json").read_text("utf-8"))
    Draft202012Validator(rules.COLLECTION).validate(collection)
    assert (collection["label"], collection["total"]) == ("Bronzes", 11)
    by_address, items = {}, list[str]()
    for path in out.glob("page-*.json"):
        page = json.loads(path.read_text("utf-8"))
        Draft202012Validator(rules.PAGE).validate(page)
        expanded(page)
        by_address[page["id"]] = page
    at: str | None = collection["first"]
    while at is not None:
        page = by_address[at]
        assert page["startIndex"] == len(items)
        assert page["partOf"] == collection["id"]
        items += [one["id"] for one in page["items"]]
        assert "next" in page or at == collection["last"]
        at = page.get("next")
    assert items == [one["id"] for one in web_annotations([DING, PLAIN], WEB)]
    assert write_annotations([PLAIN], out, WEB) == 0
    assert [path.name for path in out.iterdir()] == ["collection.json"]
    Draft202012Validator(rules.COLLECTION).validate(json.loads((out / "collection.json").read_text("utf-8")))


def test_statements_without_a_known_size_are_told_in_per_cent(tmp_path: Path) -> None:
    said = Statement(CLOUD, "motif", Author.PERSON, image="gone.png", box=MASK, who="Li", at="no time", number=7)
    (one,) = web_annotations([replace(DING, statements=(said,))], WEB)
    assert one["target"]["selector"]["value"] == "xywh=percent:25,25,50,25"
    assert "created" not in one
    Draft202012Validator(rules.ANNOTATION).validate(one)
