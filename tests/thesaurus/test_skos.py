"""SKOS says the same in every syntax, and no file can make the reader fetch, expand or overflow anything."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sherd.errors import SourceError
from sherd.thesaurus.skos import language_tag, local_name, read_skos
from sherd.types import Concept
from tests.thesaurus.documents import RDF_XML, SYNTAXES, TURTLE, WANTED

HEAD = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n@prefix v: <urn:v:> .\n"


def read(path: Path, text: str | bytes) -> list[Concept]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_skos(path))


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_syntax_says_the_same(name: str, tmp_path: Path) -> None:
    assert read(tmp_path / name, SYNTAXES[name]) == WANTED


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path / "v.ttl", b"\xef\xbb\xbf" + TURTLE.encode()) == WANTED


def test_of_two_preferred_labels_of_a_language_the_second_is_an_alternative(tmp_path: Path) -> None:
    said = 'v:a a skos:Concept ; skos:prefLabel "one"@en, "two"@en, "three" .'
    [concept, again] = read(tmp_path / "v.ttl", HEAD + said)
    assert concept.pref_labels == {"en": "one", "und": "three"}
    assert concept.alt_labels == {"en": ("two",)}
    assert again == Concept(concept.uri, {"en": "two"})


def test_labels_are_one_line_without_control_characters(tmp_path: Path) -> None:
    [concept] = read(
        tmp_path / "v.ttl", HEAD + 'v:a skos:broader v:b ; skos:prefLabel "\\u001b[2Ja\\u0085b"@en, " "@fr .'
    )
    assert concept.pref_labels == {"en": "[2Ja b"}


def test_a_file_without_top_concepts_takes_its_facets_from_its_collections(tmp_path: Path) -> None:
    said = "v:a a skos:Concept . v:b a skos:Concept ; skos:broader v:a . v:Objects skos:member v:a, v:b ."
    assert [(one.uri, one.facet) for one in read(tmp_path / "v.ttl", HEAD + said)] == [
        ("urn:v:a", "Objects"),
        ("urn:v:b", None),
    ]


def test_what_is_only_named_as_narrower_comes_bare_and_other_things_do_not_come(tmp_path: Path) -> None:
    said = 'v:a skos:narrower v:b ; skos:broader v:c . v:s skos:prefLabel "Scheme" . [] a skos:Concept .'
    assert read(tmp_path / "v.ttl", HEAD + said) == [
        Concept("urn:v:a", broader=("urn:v:c",)),
        Concept("urn:v:b", broader=("urn:v:a",)),
    ]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))
DTD = RDF_XML.replace("<rdf:RDF", f'<!DOCTYPE rdf:RDF [<!ENTITY l0 "ha">{LAUGHS}]>\n<rdf:RDF', 1)
REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "a billion laughs": ("v.rdf", DTD.replace(">vessel<", ">&l29;<"), r"has a DTD"),
    "a DTD alone": ("v.xml", DTD, r"has a DTD"),
    "a DTD in UTF-16": ("v.rdf", DTD.replace("UTF-8", "UTF-16").encode("utf-16"), r"has a DTD"),
    "a file of this machine": (
        "v.rdf",
        RDF_XML.replace("<rdf:RDF", '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/hostname">]><rdf:RDF', 1),
        r"has a DTD",
    ),
    "an unknown entity": ("v.rdf", RDF_XML.replace(">vessel<", ">&nbsp;<"), r"no well-formed XML \(undefined entity"),
    "XML cut short": ("v.rdf", RDF_XML[:-20], r"no well-formed XML"),
    "deep XML": ("v.rdf", "<a>" * 100_000, r"nested more than 200 deep"),
    "XML of another kind": ("v.rdf", RDF_XML.replace("skos:notation", "rdf:RDF"), r"v\.rdf: Invalid property"),
    "XML that is no RDF": ("v.xml", "<html><body/></html>", r"v\.xml: "),
    "a context to fetch": ("v.jsonld", '{"@context": "http://127.0.0.1:9/c", "@id": "urn:v:a"}', r"have to be fetched"),
    "a context to import": (
        "v.json",
        '{"@context": {"@import": "http://127.0.0.1:9/c"}, "@id": "urn:v:a", "urn:b": 1}',
        r"have to be fetched",
    ),
    "JSON cut short": ("v.jsonld", '{"@id": "urn:v:a", ', r"v\.jsonld"),
    "deep JSON": ("v.jsonld", '{"urn:p":' * 100_000 + "1" + "}" * 100_000, r"nested more than 200 deep"),
    "deep lists": ("v.json", "[" * 100_000, r"nested more than 200 deep"),
    "Turtle cut short": ("v.ttl", TURTLE[:400], r"v\.ttl: Parser error at line"),
    "not UTF-8": ("v.nt", b'<urn:a> <urn:b> "\xff" .', r"Invalid UTF-8"),
    "relative names": ("v.ttl", "<a> <b> <c> .", r"v\.ttl"),
    "no SKOS by name": ("v.txt", TURTLE, r"no SKOS file by its name; known are \.ttl, \.rdf"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_with_the_reason(what: str, tmp_path: Path) -> None:
    name, text, reason = REFUSED[what]
    with pytest.raises(SourceError, match=reason) as refused:
        read(tmp_path / name, text)
    assert str(tmp_path / name) in str(refused.value)


def test_brackets_in_texts_are_no_nesting(tmp_path: Path) -> None:
    label = "[{" * 300 + r"\"["
    text = f'{{"@id": "urn:a", "http://www.w3.org/2004/02/skos/core#broader": {{"@id": "urn:b"}}, "urn:x": "{label}"}}'
    assert [one.uri for one in read(tmp_path / "v.jsonld", text)] == ["urn:a"]


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.ttl: cannot be read \(No such file"):
        list(read_skos(tmp_path / "gone.ttl"))


def test_no_parser_opens_a_connection(tmp_path: Path) -> None:
    """In a process of its own that listens where the documents point; a connection would be waiting there."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        place = f"http://127.0.0.1:{server.getsockname()[1]}/c"
        (tmp_path / "a.jsonld").write_text(f'{{"@context": "{place}", "@id": "urn:a"}}')
        (tmp_path / "b.rdf").write_text(f'<!DOCTYPE r SYSTEM "{place}"><r/>')
        (tmp_path / "c.ttl").write_text(f"@base <{place}> . <> <http://www.w3.org/2002/07/owl#imports> <{place}> .")
        script = "\n".join(
            ("import sys", "from pathlib import Path", "from sherd.thesaurus.skos import read_skos",
             "for name in sys.argv[1:]:", "    try: list(read_skos(Path(name)))",
             "    except Exception as error: print(type(error).__name__)")
        )  # fmt: skip
        files = [str(tmp_path / name) for name in ("a.jsonld", "b.rdf", "c.ttl")]
        done = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["SourceError", "SourceError"]
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("zh-hans", "zh-Hans"), ("ZH-HANT-tw", "zh-Hant-TW"), ("zh-latn-pinyin", "zh-Latn-pinyin"), (None, "und")],
)
def test_language_tags_are_written_as_usual(given: str | None, wanted: str) -> None:
    assert language_tag(given) == wanted


@pytest.mark.parametrize(
    ("uri", "name"), [("urn:v:a", "a"), ("http://x.example/a/b/", "b"), ("http://x.example#c", "c")]
)
def test_local_names(uri: str, name: str) -> None:
    assert local_name(uri) == name
