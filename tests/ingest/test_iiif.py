"""Manifests from files: one is one record, its pictures are files beside it, and nothing is fetched."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from PIL import Image

from sherd.errors import SourceError
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.sources import iiif, json_documents
from sherd.ingest.sources.iiif import IIIFSource
from sherd.ingest.sources.item import SourceItem
from sherd.types import Box, Phrase, Record, Region, SourceImage
from tests.exports.mutations import mutations
from tests.ingest.museum import ingest

BASE = "https://museum.example/iiif"
CANVAS = f"{BASE}/canvas/1"
LEFT_OUT = ("annotations_remote", "selector_unsupported")
"""Reasons of warnings about sound manifests: what is not here, or has no box."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def canvas(*annotations: Any, image: str = f"{BASE}/pictures/a.png", number: int = 1, **more: Any) -> dict[str, Any]:
    at = f"{BASE}/canvas/{number}"
    body = {"id": image, "type": "Image", "format": "image/png", "width": 400, "height": 200}
    painting = {"id": f"{at}/p", "type": "Annotation", "motivation": "painting", "body": body, "target": at}
    found: dict[str, Any] = {
        "id": at, "type": "Canvas", "width": 400, "height": 200,
        "items": [{"id": f"{at}/page", "type": "AnnotationPage", "items": [painting]}],
    }  # fmt: skip
    if annotations:
        found["annotations"] = [{"id": f"{at}/notes", "type": "AnnotationPage", "items": list(annotations)}]
    return found | more


def manifest(*canvases: Any, **more: Any) -> dict[str, Any]:
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json", "id": f"{BASE}/manifest.json", "type": "Manifest",
        "label": {"en": ["Tripod"], "zh-Hans": ["鼎"]}, "items": list(canvases or [canvas()]),
    } | more  # fmt: skip


def tag(
    body: Any = "taotie", target: Any = f"{CANVAS}#xywh=40,20,100,50", motivation: str = "tagging", **more: Any
) -> dict[str, Any]:
    body = {"type": "TextualBody", "value": body} if isinstance(body, str) else body
    return {
        "id": f"{BASE}/note", "type": "Annotation", "motivation": motivation, "body": body, "target": target,
    } | more  # fmt: skip


def paint(path: Path, width: int = 400, height: int = 200) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (200, 10, 10)).save(path)


def read(folder: Path, *documents: Any, pictures: tuple[str, ...] = ("a.png",), **files: Any) -> list[SourceItem]:
    for name in pictures:
        paint(folder / name)
    for name, document in {**{f"m{n}": one for n, one in enumerate(documents)}, **files}.items():
        path = folder / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return list(IIIFSource(folder).items())


def one(folder: Path, document: Any, **files: Any) -> tuple[Record, tuple[str, ...]]:
    (item,) = read(folder, document, **files)
    assert item.record is not None, item.reject
    return item.record, item.warnings


def refusals(items: list[SourceItem]) -> dict[str, str]:
    return {item.where: item.reject.reason for item in items if item.reject}


def reasons(warnings: tuple[str, ...]) -> set[str]:
    return {one.partition(":")[0] for one in warnings}


# The official validator's fixtures; its schema says which of them are sound.


def fixtures(shared: Path) -> Iterator[tuple[str, dict[str, Any], bool]]:
    folder = shared / "conformance/iiif/presentation"
    schema = Draft7Validator(json.loads((folder / "iiif_3_0.json").read_text("utf-8")))
    for path in sorted((folder / "fixtures_3").glob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        yield path.stem, document, schema.is_valid(document)


def beside(folder: Path, document: dict[str, Any]) -> None:
    """Files for the pictures that a document names on the web."""
    for address in set(re.findall(r'"(https?://[^"#]+\.(?:jpg|png))[#"]', json.dumps(document))):
        service = re.search(r"/([^/]+)/full/[^/]+/0/(?:default|native)\.jpg$", address)
        paint(folder / (f"{service[1]}.jpg" if service else address.rpartition("/")[2]), 64, 48)


def test_sound_fixtures_are_read_and_broken_ones_are_told(shared: Path, tmp_path: Path) -> None:
    records = sound = 0
    for name, document, is_sound in fixtures(shared):
        folder = tmp_path / name
        beside(folder, document)
        found = read(folder, document, pictures=())
        told = {item.reject.reason for item in found if item.reject}
        warned = {reason for item in found for reason in reasons(item.warnings)}
        shows = '"Image"' in json.dumps(document.get("items", [])).replace("@type", "type")
        records += sum(item.record is not None for item in found)
        if not is_sound:
            assert told or warned, name
            continue
        sound += 1
        assert warned <= set(LEFT_OUT), (name, warned)
        if document["type"] != "Manifest":
            assert told == ({"manifest_remote"} if document["type"] == "Collection" else {"not_manifest"}), name
        elif told:
            assert told == {"image_missing"}, name  # sound and moving pictures
            assert "mp4" in json.dumps(document) or "mp3" in json.dumps(document), name
        else:
            assert shows, name
    assert (records, sound) == (15, 23)


def test_a_fixture_is_read_whole(shared: Path, tmp_path: Path) -> None:
    full = next(document for name, document, _ in fixtures(shared) if name == "full_example")
    beside(tmp_path, full)
    record, warnings = one(tmp_path, full, pictures=())
    assert [image.path for image in record.images] == ["page1.jpg", "page2.jpg"]
    assert (record.title, record.licence) == ("Book 1", "http://creativecommons.org/licenses/by/4.0/")
    assert record.rights == "Provided by Example Organization"
    assert record.extra["Source"] == "From: Some Collection"
    assert reasons(warnings) == {"annotations_remote"}
    layers = next(document for name, document, _ in fixtures(shared) if name == "anno_source")
    beside(tmp_path / "x", layers)
    record, _ = one(tmp_path / "x", layers, pictures=())
    (region,) = record.images[1].regions  # on the X-ray of the two pictures that one canvas offers
    assert (region.label, region.box.x, region.box.y) == ("A group of skulls.", 810 / 2000, 900 / 1271)


# Words


def test_words_go_where_they_belong(tmp_path: Path) -> None:
    rows = {
        "Object type": "vessel", "Materials": "bronze; gilding", "Date": "Shang", "Maker": "<b>unknown</b>",
        "Record identifier": "1982.30.1", "纹饰": "饕餮纹、雷纹",
    }  # fmt: skip
    record, warnings = one(
        tmp_path,
        manifest(
            label={"en": ["Tripod", "Ding"], "zh-Hans": ["鼎"], "zh-Hant": ["鼎器"], "none": ["T"]},
            summary={"zh-Hans": ["青铜礼器。"]},
            metadata=[{"label": {"none": [name]}, "value": {"none": [value]}} for name, value in rows.items()],
            rights="http://rightsstatements.org/vocab/NoC-NC/1.0/",
            requiredStatement={"label": {"en": ["By"]}, "value": {"en": ["The museum"], "zh": ["博物馆"]}},
        ),
    )
    assert warnings == ()
    assert record == Record(
        "1982.30.1", (SourceImage("a.png"),), {"en": "Tripod", "zh": "鼎"}, {"zh": "青铜礼器。"},
        object_type="vessel", materials=("bronze", "gilding"), period="Shang", motifs=("饕餮纹", "雷纹"),
        rights="The museum; 博物馆", licence="http://rightsstatements.org/vocab/NoC-NC/1.0/",
        extra={"title (en)": "Ding; T", "title (zh-Hant)": "鼎器", "Maker": "unknown", "iiif": f"{BASE}/manifest.json"},
    )  # fmt: skip


def test_version_2_is_read(tmp_path: Path) -> None:
    note = {"@type": "oa:Annotation", "motivation": "oa:tagging"}
    shape = {"@type": "oa:SvgSelector", "value": '<svg><path d="M0 100 L100 100 L100 200z"/></svg>'}
    found: dict[str, Any] = {
        "@context": "http://iiif.io/api/presentation/2/context.json", "@id": f"{BASE}/m", "@type": "sc:Manifest",
        "label": [{"@value": "Tripod", "@language": "en"}, {"@value": "鼎", "@language": "zh"}],
        "description": "A ritual vessel.", "attribution": "The museum", "license": "https://example.org/terms",
        "metadata": [{"label": "Culture", "value": [{"@value": "Shang", "@language": "en"}]},
                     {"label": [{"@value": "材质", "@language": "zh"}, {"@value": "Medium", "@language": "en"}],
                      "value": "bronze"}],
        "sequences": [{"@type": "sc:Sequence", "canvases": [{
            "@id": CANVAS, "@type": "sc:Canvas", "label": "front", "width": 800, "height": 400,
            "images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "on": CANVAS, "resource": {
                "@id": "https://x.example/iiif/2/a/full/full/0/default.jpg", "@type": "dctypes:Image",
                "width": 400, "height": 200, "service": {"@id": "https://x.example/iiif/2/a"}}}],
            "otherContent": [
                {"@id": "https://x.example/list/notes.json", "@type": "sc:AnnotationList"},
                {"@type": "sc:AnnotationList", "resources": [
                    {**note, "on": f"{CANVAS}#xywh=80,40,200,100", "resource": {"@type": "oa:Tag", "chars": "taotie"}},
                    {**note, "motivation": "oa:commenting", "on": {"@type": "oa:SpecificResource", "full": CANVAS,
                     "selector": {"@type": "oa:Choice", "item": shape}},
                     "resource": [{"@type": "dctypes:Text", "chars": "<p>heavy</p>", "language": "en"}]}]},
            ]}]}],
    }  # fmt: skip
    ding = {"@id": "urn:c:ding", "@type": "oa:SemanticTag", "label": "ding"}
    listed = {"@type": "sc:AnnotationList", "@id": "x", "resources": [{**note, "on": CANVAS, "resource": ding}]}
    (item,) = read(tmp_path, found, list__notes=listed)
    assert (item.where, item.warnings) == ("m0.json", ())
    half = Box(0.1, 0.1, 0.25, 0.25)
    assert item.record == Record(
        f"{BASE}/m", (SourceImage("a.png", (Region(half, "taotie"), Region(Box(0, 0.25, 0.125, 0.25))), "front"),),
        {"en": "Tripod", "zh": "鼎"}, {"en": "A ritual vessel."}, materials=("bronze",), culture="Shang",
        themes=("ding",), rights="The museum", licence="https://example.org/terms",
        phrases=(Phrase("<p>heavy</p>", "en", 1),),
    )  # fmt: skip


# Places


def test_tags_with_a_place_are_regions_and_remarks_are_phrases(tmp_path: Path) -> None:
    concept = {"type": "SpecificResource", "source": {"id": "urn:c:taotie", "label": {"en": ["taotie"]}}}
    both = [
        {"type": "TextualBody", "value": "taotie", "language": "en", "urn:sherd:terms#concept": "urn:c:taotie"},
        {"type": "TextualBody", "value": "饕餮", "language": "zh", "urn:sherd:terms#concept": "urn:c:taotie"},
    ]
    corner = {"type": "FragmentSelector", "value": "xywh=0,0,9,9"}
    record, warnings = one(
        tmp_path,
        manifest(
            canvas(
                tag(), tag(concept, {"source": CANVAS, "selector": corner}), tag(both),
                tag("mask on the belly", motivation="commenting"), tag("Line of text", motivation="supplementing"),
                tag("rite", CANVAS), tag("bronze", f"{BASE}/manifest.json"),
            )
        ),
    )  # fmt: skip
    here = Box(0.1, 0.1, 0.25, 0.25)
    assert warnings == ()
    assert record.images[0].regions == (
        Region(here, "taotie"), Region(Box(0, 0, 0.0225, 0.045), "taotie", None, "urn:c:taotie"),
        Region(here, "taotie", None, "urn:c:taotie"), Region(here),
    )  # fmt: skip
    assert record.phrases == (Phrase("mask on the belly", "en", 3),)
    assert record.themes == ("rite", "bronze")


def test_a_picture_on_a_part_of_a_canvas_has_its_own_places(tmp_path: Path) -> None:
    wide = canvas(
        tag(target=f"{CANVAS}#xywh=240,60,80,40"), tag(target=f"{CANVAS}#xywh=0,0,50,50"), width=800, height=400
    )
    wide["items"][0]["items"][0]["target"] = f"{CANVAS}#xywh=200,0,400,200"
    record, warnings = one(tmp_path, manifest(wide))
    (region,) = record.images[0].regions
    assert (region.box.x, region.box.y, region.box.w, region.box.h) == pytest.approx((0.1, 0.3, 0.2, 0.2))
    assert reasons(warnings) == {"box_invalid"}  # the other lies beside the picture


def test_what_software_said_is_no_fact(tmp_path: Path) -> None:
    program = {"type": "Software", "name": "Tagger"}
    record, warnings = one(
        tmp_path,
        manifest(
            canvas(
                tag(generator=program), tag(creator=program), tag(generator="https://x.example/tagger"),
                tag({"type": "TextualBody", "value": "dragon", "creator": {"type": "as:Application"}}),
                tag("mask", creator={"type": "Person", "name": "Li"}) | {"urn:sherd:terms#statedBy": "machine"},
                tag("kept", generator=program, creator={"type": "Person", "name": "Li"}),
            )
        ),
    )  # fmt: skip
    assert [region.label for region in record.images[0].regions] == ["kept"]
    assert warnings == ("annotation_by_machine: 5 by software were left out",)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (tag(target=f"{CANVAS}#xywh=1,2,3"), "box_invalid"),
        (tag(target=f"{CANVAS}#xywh=900,0,50,50"), "box_invalid"),
        (tag(target="https://other.example/canvas#xywh=0,0,9,9"), "target_unknown"),
        (tag(target={"source": CANVAS, "selector": {"type": "PointSelector", "x": 1, "y": 1}}), "selector_unsupported"),
        (tag(target={"source": CANVAS, "selector": {"type": "SvgSelector", "value": "<svg>"}}), "svg_invalid"),
        (tag("x" * 1_001), "text_too_long"),
    ],
)
def test_one_broken_annotation_costs_only_itself(tmp_path: Path, broken: Any, reason: str) -> None:
    record, warnings = one(tmp_path, manifest(canvas(broken, tag("kept"))))
    assert [region.label for region in record.images[0].regions] == ["kept"]
    assert reasons(warnings) == {reason}


# Files


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("a.png", "a.png"),
        ("./in/a%20b.png", "in/a b.png"),
        (f"{BASE}/files/in/a%20b.png?v=2", "in/a b.png"),
        ("https://x.example/iiif/3/in%2Fa%20b.png/full/max/0/default.jpg", "in/a b.png"),
        ("https://x.example/iiif/3/c/full/400,/0/default.jpg", "c.png"),
        ("//x.example/a.png", "a.png"),
    ],
)
def test_a_picture_is_found_by_the_end_of_its_address(tmp_path: Path, address: str, path: str) -> None:
    (item,) = read(tmp_path, manifest(canvas(image=address)), pictures=("a.png", "in/a b.png", "c.png"))
    assert item.record is not None, item.reject
    assert [image.path for image in item.record.images] == [path]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://x.example/b.png", "image_remote"),
        ("https://x.example/iiif/3/a.png/0,0,9,9/max/0/default.jpg", "image_remote"),
        ("https://x.example/iiif/3/a.png/full/max/90/default.jpg", "image_remote"),
        ("https://[x/a.png", "image_remote"),
        ("https://x.example/%2e%2e/%2e%2e/secret.png", "image_remote"),
        ("b.png", "image_remote"),
        ("../secret.png", "path_outside_root"),
        ("in/../../secret.png", "path_outside_root"),
        ("/etc/hostname.png", "path_outside_root"),
        ("file:///etc/hostname.png", "path_outside_root"),
        ("data:image/png;base64,AAAA", "path_outside_root"),
        ("a\\..\\secret.png", "path_outside_root"),
        ("", "image_remote"),
    ],
)
def test_nothing_is_fetched_and_nothing_outside_is_opened(tmp_path: Path, address: str, reason: str) -> None:
    paint(tmp_path / "secret.png")
    assert refusals(read(tmp_path / "src", manifest(canvas(image=address)))) == {"m0.json": reason}


def test_pictures_that_are_not_here_are_told_beside_those_that_are(tmp_path: Path) -> None:
    record, warnings = one(tmp_path, manifest(canvas(), canvas(image=f"{BASE}/b.png", number=2)))
    assert len(record.images) == 1
    assert warnings == (
        f"image_remote: 1 of 2 pictures are not here, such as '{BASE}/b.png'",
    )  # fmt: skip


def test_collections_give_the_manifests_in_them_once(tmp_path: Path) -> None:
    inner = manifest(id=f"{BASE}/inner")
    found = {
        "type": "Collection", "id": BASE, "label": {"en": ["All"]},
        "items": [
            inner,
            {"type": "Manifest", "id": f"{BASE}/manifests/m9.json", "label": {"en": ["here"]}},
            {"type": "Manifest", "id": f"{BASE}/gone.json", "label": {"en": ["elsewhere"]}},
            {"type": "Collection", "id": "c", "label": {"en": ["C"]}, "items": [inner | {"id": f"{BASE}/deep"}]},
            {"type": "Manifest", "id": "../x.json", "label": {"en": ["out"]}}, 7,
        ],
    }  # fmt: skip
    page = {"type": "AnnotationPage", "id": "p", "items": []}
    files = {"manifests__m9": manifest(id=f"{BASE}/m9"), "page": page}
    items = read(tmp_path, collection=found, pictures=("a.png", "manifests/a.png"), **files)
    assert [item.ordinal for item in items] == list(range(len(items)))
    assert [item.record.record_id for item in items if item.record] == [f"{BASE}/{n}" for n in ("inner", "m9", "deep")]
    assert refusals(items) == {
        "collection.json item 3": "manifest_remote", "collection.json item 5": "path_outside_root",
        "collection.json item 6": "member_invalid", "page.json": "not_manifest",
    }  # fmt: skip
    alone = list(IIIFSource(tmp_path / "collection.json").items())
    assert [item.where for item in alone] == [item.where for item in items if item.where != "page.json"]
    circle = {"type": "Collection", "items": [{"type": "Collection", "id": "circle.json"}]}
    assert read(tmp_path / "round", circle=circle) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "json_invalid"),
        ("[" * 100_000, "json_too_deep"),
        ('{"type": ' + '{"type": ' * 70 + "1" + "}" * 71, "json_too_deep"),
        ('{"type": "Manifest", "type": "Collection"}', "json_duplicate_key"),
        ('{"type": "Manifest", "x": NaN}', "json_not_finite"),
        ('{"type": "Manifest", "x": "\\u0000"}', "text_invalid"),
        ('{"type": "Manifest", "items": [{"type": "Canvas"}]}', "id_missing"),
        ('{"type": "Manifest", "id": "a", "items": [{"type": "Canvas"}, 3, null]}', "image_missing"),
        (
            '{"type": "Manifest", "id": "a", "items": {"a": [1]}, "label": 3, "metadata": [1, {"label": []}]}',
            "image_missing",
        ),
        ("[1, 2]", "not_manifest"),
        ("null", "not_manifest"),
    ],
)
def test_what_is_no_manifest_is_refused_with_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    items = read(tmp_path, text, manifest())
    assert refusals(items) == {"m0.json": reason}
    assert sum(item.record is not None for item in items) == 1


def test_documents_that_are_too_large_or_lead_outside_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_documents, "MAX_DOCUMENT_BYTES", 1_000)
    root = tmp_path / "src"
    read(root, "x" * 2_000)
    (tmp_path / "secret.json").write_text(json.dumps(manifest()))
    (root / "link.json").symlink_to("../secret.json")
    os.mkfifo(root / "pipe.json")
    assert refusals(list(IIIFSource(root).items())) == {
        "link.json": "path_outside_root", "m0.json": "file_too_large", "pipe.json": "not_a_file",
    }  # fmt: skip
    with pytest.raises(SourceError, match="no such folder or file"):
        IIIFSource(tmp_path / "gone")


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iiif, "MAX_ANNOTATIONS", 2)
    record, warnings = one(tmp_path, manifest(canvas(tag(), tag(), tag())))
    assert (len(record.images[0].regions), reasons(warnings)) == (2, {"annotations_invalid"})
    monkeypatch.setattr("sherd.ingest.sources.iiif_shapes.MAX_CANVASES", 1)
    assert refusals(read(tmp_path, manifest(canvas(), canvas(number=2)))) == {"m0.json": "manifest_too_large"}
    assert json_documents.MAX_DOCUMENT_BYTES <= 64 * 1024**2


def test_a_library_takes_manifests_in(tmp_path: Path) -> None:
    root = tmp_path / "src"
    read(root, manifest(canvas(tag())), manifest(canvas(image=f"{BASE}/b.png"), id=f"{BASE}/2"))
    with DecoderPool() as pool:
        report = ingest(tmp_path / "lib", IIIFSource(root), pool)
        again = ingest(tmp_path / "lib", IIIFSource(root), pool)
    assert (report.seen, report.added, report.rejected) == (2, 1, 1)
    assert (again.added, again.unchanged) == (0, 1)


def test_no_manifest_breaks_the_reader(tmp_path: Path) -> None:
    whole = manifest(
        canvas(tag(), tag("heavy", motivation="commenting")), summary={"en": ["A vessel."]},
        metadata=[{"label": {"en": ["Type"]}, "value": {"en": ["ding"]}}],
        requiredStatement={"label": {"en": ["By"]}, "value": {"en": ["The museum"]}},
    )  # fmt: skip
    kept = 0
    for broken in mutations(whole, 300, 0):
        kept += sum(item.record is not None for item in read(tmp_path, broken))
    assert kept > 50
