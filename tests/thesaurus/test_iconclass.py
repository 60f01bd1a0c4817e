"""Iconclass in its native form: what the lines say, what is left out, and the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sherd.errors import SourceError
from sherd.thesaurus.iconclass import base_notation, notation_uri, read_iconclass
from sherd.thesaurus.thesaurus import Thesaurus, load_thesaurus
from sherd.types import Concept

NOTATIONS = """N 2
C 25
$
N 25
K 25k
C 25F
R 2
$
N 25F
K 25Fk
C 25F(LION)
; 25FF
; 25F(GONE)
$
N 25F(LION)
K 25Fk
C 25FF(LION)
$
N 25FF
C 25FF(LION)
T 25
$
N 25FF(LION)
$
$
"""
LABELS = {
    "en/txt_en_2.txt": "2|Nature\n25|earth\n25F|animals\n25F(LION)|beasts of prey: lion\n25FF|fabulous animals\n",
    "en/txt_en_keys.txt": "25Fk1|male\n",
    "zh/txt_zh_2.txt": (
        "2|自然\n#25|earth\n#25F|动物 animals\n25F|動物\n\n#\n#25F(LION)|獅\n#25FF|fabulous animals\n25F(LION)|Leo\n"
    ),
    "jp/txt_jp_2.txt": "2|自然\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notations.txt").write_text(NOTATIONS, "utf-8")
    for name, text in LABELS.items():
        path = tmp_path / "txt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def uri(notation: str) -> str:
    return notation_uri(notation)


def test_notations_become_concepts_with_all_that_is_above_them(folder: Path) -> None:
    found = {concept.uri: concept for concept in read_iconclass(folder)}
    assert list(found) == [uri(n) for n in ("2", "25", "25F", "25F(LION)", "25FF", "25FF(LION)", "25F(GONE)")]
    assert found[uri("2")].facet == "2"
    assert found[uri("25F(LION)")].notation == "25F(LION)"
    assert found[uri("25FF(LION)")].broader == (uri("25F(LION)"), uri("25FF"))
    assert found[uri("25F(GONE)")] == Concept(uri("25F(GONE)"), broader=(uri("25F"),))


def test_labels_are_by_language_and_english_in_the_place_of_chinese_is_left_out(folder: Path) -> None:
    found = {concept.notation: concept.pref_labels for concept in read_iconclass(folder)}
    assert found["2"] == {"en": "Nature", "ja": "自然", "zh": "自然"}
    assert found["25"] == {"en": "earth"}
    assert found["25F"] == {"en": "animals", "zh": "動物"}
    assert found["25FF"] == {"en": "fabulous animals"}
    assert found["25F(LION)"]["zh"] == "Leo", "a line without # counts, whatever its letters"
    assert found["25FF(LION)"] == {}


def test_a_folder_with_notations_is_read_as_iconclass(folder: Path) -> None:
    thesaurus = load_thesaurus(folder)
    assert len(thesaurus) == 6
    assert thesaurus.report.counts == {"dangling": 1, "no_label": 1}
    assert thesaurus.scheme == "https://iconclass.org/"
    assert thesaurus.distance(uri("25F(LION)"), uri("25FF")) == 2
    assert {thesaurus.facet(one.uri) for one in thesaurus} == {"2"}


@pytest.mark.parametrize(
    ("given", "base"),
    [("25F33(+1)", "25F33"), ("25F33(EAGLE)(+12)", "25F33(EAGLE)"), ("11H(...)", "11H(...)"), ("41C(+52)1", "41C1")],
)
def test_keys_lead_to_their_base(given: str, base: str) -> None:
    assert base_notation(given) == base


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("notations.txt", "N 2\nCC 25\n$\n", r"notations\.txt line 2: is no letter and a value, but 'CC 25'"),
        ("notations.txt", "; 25\n", r"notations\.txt line 1: is no letter"),
        ("notations.txt", "C 25\n$\n", r"line 1: 'C 25' belongs to no notation"),
        ("notations.txt", "N 2\n\xff".encode("latin-1"), r"is not in UTF-8"),
        ("txt/en/txt_en_2.txt", "2|Nature\n25 earth\n", r"txt_en_2\.txt line 2: is no notation\|label, but '25 earth'"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(folder: Path, name: str, text: str | bytes, reason: str) -> None:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SourceError, match=reason):
        list(read_iconclass(folder))


def test_absent_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"notations\.txt: cannot be read"):
        list(read_iconclass(tmp_path))
    (tmp_path / "notations.txt").write_text("N 2\n$\n")
    with pytest.raises(SourceError, match=r"txt: is no folder; Iconclass has its labels there"):
        list(read_iconclass(tmp_path))


def test_the_whole_of_iconclass(shared: Path) -> None:
    folder = shared / "thesauri" / "iconclass"
    if not folder.is_dir():
        pytest.skip("no Iconclass in ../shared/thesauri")
    thesaurus = Thesaurus.from_concepts(read_iconclass(folder))
    records = sum(line.startswith("N ") for line in (folder / "notations.txt").read_text("utf-8").splitlines())
    assert len(thesaurus) == records == 40_703
    assert thesaurus.report.languages["en"] == 40_698
    assert thesaurus.report.languages["zh"] == 9_236
    assert thesaurus.report.counts["dangling"] == 1
    assert "cycle" not in thesaurus.report.counts
    eagle = thesaurus.concept(uri("25F33(EAGLE)"))
    assert (eagle.pref_labels["en"], eagle.pref_labels["zh"]) == ("predatory birds: eagle", "猛禽: 鷹")
    assert thesaurus.find("獨角獸") == thesaurus.find("独角兽") == thesaurus.find("Unicorn") == (uri("25FF241"),)
    assert uri("25F") in thesaurus.ancestors(eagle.uri)
    assert [one.notation for one in thesaurus if not one.broader] == list("0123456789")
