"""Manifests that leave: sound by the validator's schema, facts and suggestions apart, and read again as they were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from PIL import Image

from sherd.errors import InvalidArgument, StorageRefused
from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement, describe
from sherd.exports.iiif import collection, manifest, write_manifests
from sherd.exports.iiif_texts import file_name, rights_of
from sherd.exports.pictures_meant import PicturesMeant
from sherd.exports.web_annotation_reader import read_annotations
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.sources.iiif import IIIFSource
from sherd.ingest.sources.selectors import pixels
from sherd.types import Concept, Record, SourceImage
from tests.catalogue.shelf import filled
from tests.exports.examples import BACK, CLOUD, DING, DRAGON, FOOT, LUCK, MASK, PLAIN, SHOTS, TAOTIE
from tests.ingest.museum import ingest

WEB = ExportSettings("https://museum.example/things/", "Bronzes", "Sherd 0")
TERMS = "urn:sherd:terms#"
CC, RS = "http://creativecommons.org/", "http://rightsstatements.org/"
AAT_DING = Concept("http://vocab.getty.edu/aat/300198840", {"en": "ding", "zh-Latn-pinyin": "ding"})
WITH_AAT = Described(
    Record("../Ä b?#1", (SourceImage("x y/?#é.JPG"),), titles={"und": "?"}, licence="https://creativecommons.org/licenses/by/4.0/"),
    (Shot("x y/?#é.JPG", 7, 5, "4" * 64),),
    (Statement(AAT_DING, "type", Author.PERSON, image="x y/?#é.JPG", who="Li", at="2026-11-27T10:00:00Z", number=9),),
)  # fmt: skip


@pytest.fixture(scope="module")
def schema(shared: Path) -> Draft7Validator:
    path = shared / "conformance/iiif/presentation/iiif_3_0.json"
    return Draft7Validator(json.loads(path.read_text("utf-8")))


def pages(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for held in (found, *found["items"]):
        yield from held.get("annotations", ())


def layer(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for page in pages(found) if page["id"].endswith(name) for one in page["items"]]


def paint(root: Path, *described: Described) -> None:
    for one in described:
        for shot in one.shots:
            path = root / shot.path
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (shot.width, shot.height), (9, 9, 9)).save(path, "PNG")


@pytest.mark.parametrize("one", [DING, PLAIN, WITH_AAT], ids=["full", "plain", "odd"])
def test_manifests_are_sound(schema: Draft7Validator, one: Described) -> None:
    found = manifest(one, WEB)
    schema.validate(found)
    schema.validate(collection([found], WEB))
    for page in pages(found):
        schema.validate({"@context": found["@context"], **page})


def test_the_schema_notices_what_is_wrong(schema: Draft7Validator) -> None:
    for wrong in (
        {"label": "plain"},
        {"items": [{"type": "Canvas"}]},
        {"rights": "free"},
        {"more": 1},
        {"id": "urn:a"},
    ):
        assert not schema.is_valid(manifest(DING, WEB) | wrong)


def test_a_manifest_tells_the_record_in_its_languages() -> None:
    found = manifest(DING, WEB)
    assert found["id"] == f"https://museum.example/things/manifests/{file_name('1987/10 a')}.json"
    assert found["label"] == {"zh-Hans": ["饕餮纹鼎"], "en": ["Tripod <with> taotie & masks"]}
    assert found["summary"] == {"zh-Hans": ["商代晚期青铜礼器。"], "en": ["A ritual vessel."]}
    assert found["requiredStatement"]["value"] == {"none": ["The museum", "CC0 1.0"]}
    assert "rights" not in found
    told = {row["label"]["en"][0]: row["value"]["none"] for row in found["metadata"]}
    assert told == {
        "Record identifier": ["1987/10 a"], "Object type": ["ding"], "Materials": ["Gilt bronze", "cobalt"],
        "Culture": ["Shang"], "Period": ["商代晚期"], "Motifs": ["taotie", "unknown band"], "Themes": ["rite", "luck"],
    }  # fmt: skip
    assert manifest(PLAIN, WEB)["label"] == {"none": ["青"]}
    assert manifest(replace(PLAIN, record=replace(PLAIN.record, titles={})), WEB)["label"] == {"none": ["b.2"]}


def test_a_canvas_is_as_large_as_its_picture_and_shows_it_whole() -> None:
    front, back = manifest(DING, WEB)["items"]
    assert (front["width"], front["height"], front["label"]) == (320, 240, {"none": ["front"]})
    assert back["label"] == {"none": ["2"]}
    ((painting,),) = (page["items"] for page in front["items"])
    assert painting["target"] == front["id"]
    assert painting["body"] == {
        "id": "https://museum.example/things/picture/a/front%201.png", "type": "Image", "format": "image/png",
        "width": 320, "height": 240,
    }  # fmt: skip
    assert front["thumbnail"][0]["id"] == f"https://museum.example/things/thumbnails/11/{'1' * 64}.jpg"
    elsewhere = manifest(DING, WEB, picture=lambda shot: f"https://img.example/{shot.sha256}")
    assert elsewhere["items"][0]["items"][0]["items"][0]["body"]["id"] == f"https://img.example/{'1' * 64}"


def test_facts_and_suggestions_are_layers_of_their_own() -> None:
    found = manifest(DING, WEB)
    assert LUCK.uri not in json.dumps(found["items"]) + json.dumps(found["annotations"])  # what a person refused
    names = {(page["id"].rpartition("/")[2], page["label"]["en"][0]) for page in pages(found)}
    assert names == {
        ("catalogue", "Stated by the catalogue"), ("reviewed", "Stated by people"),
        ("machine", "Suggested by a machine, not reviewed"),
    }  # fmt: skip
    assert {page["partOf"][0]["id"].rpartition("/")[2] for page in pages(found)} == {"catalogue", "reviewed", "machine"}
    catalogue, reviewed, machine = (layer(found, f"/{name}") for name in ("catalogue", "reviewed", "machine"))
    assert (len(catalogue), len(reviewed), len(machine)) == (7, 2, 2)
    assert {one[TERMS + "statedBy"] for one in catalogue} == {"catalogue"}
    assert {one[TERMS + "statedBy"] for one in reviewed} == {"person"}
    assert not any("generator" in one or TERMS + "probability" in one for one in catalogue + reviewed)
    assert not any("creator" in one for one in machine)
    (dragon,) = [one for one in machine if DRAGON.uri in json.dumps(one)]
    assert (dragon["motivation"], dragon[TERMS + "probability"]) == ("tagging", 0.8125)
    assert dragon["generator"] == {
        "type": "Software", "name": "Sherd 0", TERMS + "model": "toy", TERMS + "fingerprint": "f" * 64,
    }  # fmt: skip
    assert dragon["target"] == f"{found['items'][1]['id']}#xywh=75,50,150,50"
    assert [(one["language"], one["value"], one[TERMS + "concept"]) for one in dragon["body"]] == [
        ("zh-Hans", "龙", DRAGON.uri), ("en", "dragon", DRAGON.uri),
    ]  # fmt: skip
    (cloud,) = [one for one in reviewed if CLOUD.uri in json.dumps(one)]
    assert (cloud["creator"]["name"], cloud["created"]) == ("Li Wei", "2026-11-27T10:00:00Z")
    assert cloud["creator"]["id"] == "https://museum.example/things/person/Li%20Wei"
    assert all(one["target"] == found["id"] for page in found["annotations"] for one in page["items"])


def test_concepts_on_the_web_are_linked_and_transcriptions_are_not_shown() -> None:
    (one,) = layer(manifest(WITH_AAT, WEB), "/reviewed")
    label, link = one["body"]
    assert label["value"] == "ding"
    assert link == {"type": "SpecificResource", "purpose": "classifying", "source": AAT_DING.uri}


def test_no_two_annotations_have_one_address() -> None:
    addresses = re.findall(r'"id": "([^"]+)", "type": "Annotation"', json.dumps(manifest(DING, WEB)))
    assert len(addresses) == len(set(addresses)) == 13


@pytest.mark.parametrize(
    "base", ["urn:sherd:export/", "https://x.example", "https://x.example/?a=/", "http:///", "/a/"]
)
def test_a_base_that_is_not_on_the_web_is_refused(base: str, tmp_path: Path) -> None:
    for call in (manifest, lambda one, settings: write_manifests([one], tmp_path, settings)):
        with pytest.raises(InvalidArgument, match="needs a base on the web"):
            call(DING, ExportSettings(base))
    assert list(tmp_path.iterdir()) == []


def test_a_record_without_pictures_has_no_manifest(tmp_path: Path) -> None:
    bare = replace(PLAIN, shots=())
    with pytest.raises(InvalidArgument, match="has no picture"):
        manifest(bare, WEB)
    written = write_manifests([bare, DING], tmp_path, WEB)
    assert (written.manifests, written.without_pictures, written.annotations) == (1, 1, 11)


@pytest.mark.parametrize(
    ("licence", "rights", "address", "rest"),
    [
        (f"{CC}licenses/by/4.0/", "A", f"{CC}licenses/by/4.0/", ["A"]),
        (None, "https://www.creativecommons.org/publicdomain/zero/1.0/deed.en", f"{CC}publicdomain/zero/1.0/", []),
        ("https://rightsstatements.org/page/InC/1.0/?language=en", None, f"{RS}vocab/InC/1.0/", []),
        ("CC0", "The museum", None, ["The museum", "CC0"]),
        ("http://creativecommons.org.evil.example/", None, None, ["http://creativecommons.org.evil.example/"]),
        (f"see {CC}licenses/by/4.0/", None, None, [f"see {CC}licenses/by/4.0/"]),
        ("same", "same", None, ["same"]),
        (None, None, None, []),
    ],
)  # fmt: skip
def test_rights_are_an_address_only_where_they_are_one(
    licence: str | None, rights: str | None, address: str | None, rest: list[str]
) -> None:
    assert rights_of(Record("a", (), licence=licence, rights=rights)) == (address, rest)


@given(st.lists(st.text(min_size=1, max_size=80), unique=True, max_size=8))
def test_file_names_are_safe_and_differ_where_cases_do_not(ids: list[str]) -> None:
    ids += [one.upper() for one in ids] + ["con", "CON", "nul.txt", "a", "A", ".", "..", "a.", "a/b", "a b"]
    names = [file_name(one) for one in dict.fromkeys(ids)]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.~-]{1,100}", name)
        assert not name.endswith(".")
        assert name.partition(".")[0].lower() not in ("con", "nul", "", "com1")


def test_what_is_written_is_read_again_as_it_was(tmp_path: Path, schema: Draft7Validator) -> None:
    given = [DING, PLAIN, WITH_AAT]
    written = write_manifests(given, tmp_path, WEB)
    assert (written.manifests, written.without_pictures) == (3, 0)
    paint(tmp_path, *given)
    for path in tmp_path.rglob("*.json"):
        schema.validate(json.loads(path.read_text("utf-8")))
    items = list(IIIFSource(tmp_path).items())
    found = {item.record.record_id: item.record for item in items if item.record}
    assert [item.reject for item in items if item.reject] == []
    assert len(items) == len(found) == 3
    for one in given:
        back = found[one.record.record_id]
        for name in ("titles", "descriptions", "object_type", "materials", "culture", "period", "motifs"):
            if one is DING:
                assert getattr(back, name) == getattr(one.record, name), name
        assert [image.path for image in back.images] == [shot.path for shot in one.shots]
    assert found["b.2"].titles == {"zh": "青"}  # nobody said so, but its characters do
    ding = found[DING.record.record_id]
    assert [image.view for image in ding.images] == ["front", None]
    # The catalogue's and people's places come back, to a pixel; the machine's do not.
    places = {region.concept: pixels(region.box, 320, 240) for region in ding.images[0].regions}
    assert places == {TAOTIE.uri: pixels(MASK, 320, 240), CLOUD.uri: pixels(FOOT, 320, 240)}
    assert ding.images[1].regions == ()
    assert DRAGON.uri not in repr(ding)
    warnings = {warning for item in items for warning in item.warnings}
    assert warnings == {"annotation_by_machine: 2 by software were left out"}
    assert ding.themes == ("rite", "luck", "容器")  # what a person said of the whole record
    assert found[WITH_AAT.record.record_id].licence == "http://creativecommons.org/licenses/by/4.0/"
    alone = list(IIIFSource(tmp_path / "collection.json").items())
    assert {item.record.record_id for item in alone if item.record} == set(found)


def test_annotations_drawn_on_our_canvases_come_back(tmp_path: Path) -> None:
    canvas = manifest(DING, WEB)["items"][1]["id"]
    drawn = {
        "@context": "http://www.w3.org/ns/anno.jsonld", "id": "x:1", "type": "Annotation", "motivation": "tagging",
        "body": {"type": "TextualBody", "value": "dragon"}, "target": f"{canvas}#xywh=30,20,60,40",
    }  # fmt: skip
    path = tmp_path / "drawn.json"
    path.write_text(json.dumps({"type": "AnnotationPage", "items": [drawn]}), "utf-8")
    (one,) = read_annotations(path, PicturesMeant({DING.record.record_id: SHOTS}), "Ann").decisions
    assert (one.record_id, one.image, one.value) == (DING.record.record_id, BACK, "dragon")
    assert one.new_box is not None
    assert pixels(one.new_box, 300, 200) == (30, 20, 60, 40)


def test_a_library_goes_out_and_in_again(tmp_path: Path, schema: Draft7Validator) -> None:
    shelf = filled(tmp_path)
    out = tmp_path / "out"
    given = list(describe(Library(tmp_path, shelf)))
    for one in given:
        thumbnail = Library(tmp_path, shelf).thumbnail(one.shots[0].sha256)
        thumbnail.parent.mkdir(parents=True, exist_ok=True)
        thumbnail.write_bytes(b"jpeg")
    written = write_manifests(given, out, WEB, thumbnail=Library(tmp_path, shelf).thumbnail)
    assert written.manifests == 3
    for path in out.rglob("*.json"):
        found = json.loads(path.read_text("utf-8"))
        schema.validate(found)
        for thumb in re.findall(r'"(https://museum.example/things/(thumbnails/[^"]+))"', json.dumps(found)):
            assert (out / thumb[1]).is_file()
    Library(tmp_path, shelf).thumbnail(given[0].shots[0].sha256).unlink()
    with pytest.raises(StorageRefused, match="cannot be copied"):
        write_manifests(given, tmp_path / "again", WEB, thumbnail=Library(tmp_path, shelf).thumbnail)
    shelf.close()
    for n, one in enumerate(given):
        for shot in one.shots:
            (out / shot.path).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (shot.width, shot.height), (n, 9, 9)).save(out / shot.path, "PNG")
    with DecoderPool() as pool:
        report = ingest(tmp_path / "lib", IIIFSource(out), pool)
    assert (report.seen, report.added, report.rejected) == (3, 3, 0)
    with Library.open(tmp_path / "lib") as twin:
        again = {one.record.record_id: one.record for one in describe(twin)}
    for one in given:
        record = again[one.record.record_id]
        assert (record.titles, record.materials, record.period) == (
            one.record.titles, one.record.materials, one.record.period,
        )  # fmt: skip
