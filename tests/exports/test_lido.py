"""LIDO is in the order that LIDO 1.1 wants, tells whose word each term is, comes back whole, and trusts no file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sherd.errors import MissingExtra, RejectedItem, SourceError
from sherd.exports import lido_reading
from sherd.exports.described import Author, Described, ExportSettings
from sherd.exports.lido import NAMESPACE, SUGGESTED, write_lido
from sherd.exports.lido_reading import LidoRecord, LidoTerm, read_lido
from sherd.exports.lido_validation import validate
from sherd.types import Box, Record, SourceImage
from tests.exports.examples import AAT, BACK, BRONZE, CLOUD, DING, DRAGON, FOOT, FRONT, LUCK, MASK, MODEL, PLAIN, RECORD
from tests.exports.lido_rules import write_rules

SETTINGS = ExportSettings("https://example.org/", "A museum", "Sherd 9")


def written(folder: Path, *described: Described, suggestions: bool = True) -> Path:
    out = folder / "lido.xml"
    assert write_lido(described, out, SETTINGS, suggestions=suggestions) == len(described)
    return out


def back(path: Path) -> list[LidoRecord]:
    found = list(read_lido(path))
    assert all(isinstance(one, LidoRecord) for one in found), found
    return [one for one in found if isinstance(one, LidoRecord)]


def terms(folder: Path, *, suggestions: bool = True) -> list[LidoTerm]:
    return list(back(written(folder, DING, suggestions=suggestions))[0].terms)


def test_the_catalogues_words_come_back(tmp_path: Path) -> None:
    ding, plain = (one.record for one in back(written(tmp_path, DING, PLAIN)))
    front, other = RECORD.images
    # Boxes without a label have no place in LIDO, nor have views, captions and phrases; a person refused "luck".
    kept = replace(front, regions=front.regions[:2], view=None)
    assert ding == replace(RECORD, images=(kept, other), themes=("rite",), captions=(), phrases=())
    assert plain == PLAIN.record


def test_each_term_has_its_author(tmp_path: Path) -> None:
    found = terms(tmp_path)
    decided = [(one.field, one.uris, one.note, one.image, one.box) for one in found if one.author is Author.PERSON]
    assert decided == [
        ("object_type", ("urn:t:vessel",), "decided by Ann, 2026-11-27T11:00:00+00:00", None, None),
        ("regions", (CLOUD.uri,), "decided by Li Wei, 2026-11-27T10:00:00+00:00", FRONT, FOOT),
    ]
    guessed = [(one.facet, one.uris, one.note, one.image, one.box) for one in found if one.author is Author.MACHINE]
    assert guessed == [
        ("material", (BRONZE.uri, f"{AAT}300010957"), f"{SUGGESTED}, probability 0.75, model {MODEL}", None, None),
        ("motif", (DRAGON.uri,), f"{SUGGESTED}, probability 0.8125, model {MODEL}", BACK, MASK),
    ]
    catalogued = {one.text: one.uris for one in found if one.author is Author.CATALOGUE}
    assert catalogued["ding"] == ("urn:t:tripod", f"{AAT}300198840")
    assert catalogued["cobalt"] == ()
    assert LUCK.uri not in {uri for one in found for uri in one.uris}


def test_a_machine_speaks_only_where_it_is_asked_and_never_in_the_place_of_a_fact(tmp_path: Path) -> None:
    assert all(one.author is not Author.MACHINE for one in terms(tmp_path, suggestions=False))
    assert SUGGESTED not in written(tmp_path, DING, suggestions=False).read_text("utf-8")
    root = ElementTree.parse(written(tmp_path, DING)).getroot()
    parents = {child: parent for parent in root.iter() for child in parent}
    claims = [one for one in root.iter(f"{{{NAMESPACE}}}conceptID") if one.text == DRAGON.uri]
    assert len(claims) == 1
    subject = parents[parents[claims[0]]]
    assert (subject.tag, subject.get(f"{{{NAMESPACE}}}type")) == (f"{{{NAMESPACE}}}subject", SUGGESTED)
    for kind in ("objectWorkType", "termMaterialsTech", "culture", "periodName"):
        for element in root.iter(f"{{{NAMESPACE}}}{kind}"):
            labels = [one.get(f"{{{NAMESPACE}}}label") or "" for one in element.iter(f"{{{NAMESPACE}}}term")]
            assert not any(label.startswith(SUGGESTED) for label in labels)


def test_the_file_keeps_the_rules_of_the_schema(tmp_path: Path) -> None:
    rules = write_rules(tmp_path)
    assert validate(written(tmp_path, DING, PLAIN), rules) == []
    bare = Described(Record("x", (SourceImage("x.png"),)), (), ())
    assert validate(written(tmp_path, bare), rules) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lido:recordID", "lido:recordNo", "recordNo"),
        ("<lido:eventType>", "<lido:culture/><lido:eventType>", "culture"),
        ('lido:addedSearchTerm="yes"', 'lido:addedSearchTerm="perhaps"', "perhaps"),
        ('xml:lang="zh-Hans"', 'xml:lang="not a language"', "not a language"),
    ],
)
def test_what_breaks_the_rules_is_found(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, DING)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    found = validate(path, write_rules(tmp_path))
    assert found
    assert said in found[0]
    assert found[0].startswith("line ")


def test_a_schema_is_not_fetched_and_a_file_may_not_name_another(tmp_path: Path) -> None:
    schema = tmp_path / "far.xsd"
    schema.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        '<xs:include schemaLocation="http://127.0.0.1:1/far.xsd"/></xs:schema>'
    )
    with pytest.raises(SourceError, match=r"wants http://127\.0\.0\.1:1/far\.xsd: put copies beside it"):
        validate(written(tmp_path, PLAIN), schema)
    (tmp_path / "none.xsd").write_text("<a/>")
    with pytest.raises(SourceError, match="is no XML Schema"):
        validate(written(tmp_path, PLAIN), tmp_path / "none.xsd")
    (tmp_path / "own.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:own"><xs:element name="a"/>'
        "</xs:schema>"
    )
    (tmp_path / "f.xml").write_text(
        '<a xmlns="urn:own" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="urn:own own.xsd"/>'
    )
    assert validate(tmp_path / "f.xml", write_rules(tmp_path)) != []


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    with pytest.raises(MissingExtra, match=r"sherd\[exports\]"):
        write_lido([PLAIN], tmp_path / "lido.xml")
    assert not list(tmp_path.iterdir())


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Described]:
        yield PLAIN
        raise SourceError("the library went away")

    before = written(tmp_path, DING).read_bytes()
    with pytest.raises(SourceError, match="went away"):
        write_lido(broken(), tmp_path / "lido.xml", SETTINGS)
    assert (tmp_path / "lido.xml").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["lido.xml"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_can_be_written_and_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    one = Described(Record("x", (SourceImage("x.png"),), titles={"und": f"a{text}b"}), (), ())
    (found,) = back(written(tmp_path_factory.mktemp("any"), one))
    assert len(found.record.titles) == 1
    if text.isalnum() and text.isascii():
        assert found.record.titles == {"und": f"a{text}b"}


HEAD = f'<?xml version="1.0"?><l:lidoWrap xmlns:l="{NAMESPACE}">'
FOREIGN = f"""{HEAD}<l:lido><l:lidoRecID l:type="local">DE-1/7</l:lidoRecID><l:descriptiveMetadata xml:lang="de-DE">
<l:objectClassificationWrap><l:objectWorkTypeWrap><l:objectWorkType><l:term>Vase</l:term><l:term>Gefäß</l:term>
</l:objectWorkType></l:objectWorkTypeWrap></l:objectClassificationWrap><l:objectIdentificationWrap><l:titleWrap>
<l:titleSet><l:appellationValue>Blaue Vase</l:appellationValue></l:titleSet></l:titleWrap></l:objectIdentificationWrap>
<l:eventWrap><l:eventSet><l:event><l:eventType/><l:periodName><l:term>Ming</l:term></l:periodName><l:eventMaterialsTech>
<l:materialsTech><l:termMaterialsTech><l:conceptID l:type="URI">{AAT}300010662</l:conceptID><l:term>Porzellan</l:term>
</l:termMaterialsTech></l:materialsTech></l:eventMaterialsTech></l:event></l:eventSet></l:eventWrap>
</l:descriptiveMetadata><l:administrativeMetadata xml:lang="de"><l:recordWrap><l:recordID l:type="local">7</l:recordID>
</l:recordWrap><l:resourceWrap><l:resourceSet><l:resourceID l:type="local">4711</l:resourceID><l:resourceRepresentation>
<l:linkResource>https://museum.example/7.jpg</l:linkResource></l:resourceRepresentation><l:rightsResource><l:rightsType>
<l:term>CC BY</l:term></l:rightsType></l:rightsResource></l:resourceSet></l:resourceWrap></l:administrativeMetadata>
</l:lido></l:lidoWrap>"""


def test_another_museums_lido_is_read(tmp_path: Path) -> None:
    (tmp_path / "f.xml").write_text(FOREIGN, "utf-8")
    (found,) = back(tmp_path / "f.xml")
    assert found.record == Record(
        "7", (), titles={"de": "Blaue Vase"}, object_type="Vase", materials=("Porzellan",), period="Ming",
        rights="CC BY", extra={"picture": "https://museum.example/7.jpg"},
    )  # fmt: skip
    assert [one.uris for one in found.terms if one.field == "materials"] == [(f"{AAT}300010662",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "has a DTD"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>', "has a DTD"),
        ("<a>" * 70 + "</a>" * 70, "nested more than 64"),
        ("<a>&e;</a>", "no well-formed XML"),
        ("<a>", "no well-formed XML"),
        ("", "no well-formed XML"),
        ("<a/>", "holds no LIDO record"),
        ('<?xml version="1.0" encoding="unheard-of"?><a/>', "no well-formed XML"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "h.xml"
    path.write_text(text, "utf-8")
    with pytest.raises(SourceError, match=said):
        list(read_lido(path))


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        list(read_lido(tmp_path / "none.xml"))
    monkeypatch.setattr(lido_reading, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(SourceError, match="has more than 1000 bytes"):
        list(read_lido(written(tmp_path, DING)))


def test_a_bad_record_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, DING, PLAIN)
    text = path.read_text("utf-8")
    path.write_text(text.replace("percent:25,25,50,25", "percent:25,25,500,25"), "utf-8")
    first, second = read_lido(path)
    assert isinstance(first, RejectedItem)
    assert first.reason == "field_invalid"
    assert isinstance(second, LidoRecord)
    monkeypatch.setattr(lido_reading, "MAX_RECORD_BYTES", 3_000)
    path.write_text(text, "utf-8")
    assert [one.reason if isinstance(one, RejectedItem) else "" for one in read_lido(path)] == ["text_too_long", ""]
    path.write_text(f"{HEAD}<l:lido/></l:lidoWrap>", "utf-8")
    assert [one.reason for one in read_lido(path) if isinstance(one, RejectedItem)] == ["field_invalid"]


@pytest.mark.parametrize("link", ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd"])
def test_a_path_that_leads_outside_is_no_picture(tmp_path: Path, link: str) -> None:
    path = tmp_path / "f.xml"
    path.write_text(FOREIGN.replace("https://museum.example/7.jpg", link), "utf-8")
    (found,) = back(path)
    assert found.record.images == ()
    path.write_text(written(tmp_path, PLAIN).read_text("utf-8").replace(">b.jpg<", f">{link}<"), "utf-8")
    assert [one.reason for one in read_lido(path) if isinstance(one, RejectedItem)] == ["path_outside_root"]


def test_boxes_come_back_to_ten_digits(tmp_path: Path) -> None:
    box = Box(1 / 3, 1 / 7, 2 / 3, 6 / 7)
    region = replace(RECORD.images[0].regions[0], box=box)
    record = replace(PLAIN.record, images=(replace(RECORD.images[0], regions=(region,)),))
    shots = (replace(PLAIN.shots[0], path=FRONT),)
    (found,) = back(written(tmp_path, Described(record, shots, ())))
    (again,) = found.record.images[0].regions
    assert astuple(again.box) == pytest.approx(astuple(box), abs=1e-10)
