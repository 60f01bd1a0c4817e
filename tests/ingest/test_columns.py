"""Headings as museums write them, in English and Chinese, find their roles; a person's word goes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from sherd.errors import InvalidConfig
from sherd.ingest.columns import ColumnMapping, guess_columns, headings_by_role, known_headings, load_mapping

EXPORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "the first national census of movable relics": {
        "accession": ("藏品登记号",), "title": ("名称",), "object_type": ("文物类别",), "materials": ("质地",),
        "period": ("具体年代",), "image": ("图片",), "": ("序号", "文物级别", "来源", "完残程度", "保存状态"),
    },
    "a ledger of a Chinese museum": {
        "accession": ("总登记号",), "title": ("藏品名称",), "period": ("年代",), "materials": ("质地",),
        "object_type": ("器类",), "motifs": ("纹饰",), "description": ("形态特征",),
        "image": ("照片1", "照片2", "照片3"),
        "": ("数量", "尺寸(厘米)", "质量", "备注"),
    },
    "full-width brackets and remarks": {
        "accession": ("登记号（必填）",), "title": ("名称（中文）", "名称（英文）"), "culture": ("文化属性",),
        "period": ("年代 *",), "image": ("图片文件名【多张用；分隔】",),
    },
    "a Taiwanese inventory": {
        "accession": ("典藏号",), "title": ("品名",), "description": ("说明",), "": ("年代別",),
    },
    "an American open-access file": {
        "accession": ("Object Number",), "title": ("Title",), "object_type": ("Classification",),
        "materials": ("Medium",), "culture": ("Culture",), "period": ("Period",),
        "rights": ("Rights and Reproduction",),
        "": ("Is Highlight", "Department", "Object URL"),
    },
    "a collections system's export": {
        "accession": ("ACCESSION_NO",), "title": ("OBJECT_NAME",), "description": ("BRIEF_DESCRIPTION",),
        "materials": ("Material(s)",), "image": ("IMAGE_FILENAME",), "licence": ("License",), "themes": ("Keywords",),
        "": ("LOCATION",),
    },
    "Title in two languages": {
        "accession": ("Inv. No.",), "title": ("Title (zh)", "Title (en)"), "image": ("Photo 1", "Photo 2"),
        "period": ("Dating",),
    },
    "an imagefolder": {"image": ("file_name",), "description": ("text",)},
    "a letter wrong": {"accession": ("Accesion number",), "description": ("Discription",), "image": ("Immage file",)},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_headings_of_real_exports(name: str) -> None:
    expected = EXPORTS[name]
    headings = [heading for columns in expected.values() for heading in columns]
    found = guess_columns(headings)
    allowed = dict(expected)
    unused = allowed.pop("", ())
    # "Rights and Reproduction" may stay as it is; nothing may get a wrong role.
    for role, columns in found.roles.items():
        assert allowed.get(role) == columns
    assert set(unused) <= set(found.unused)
    assert {"rights"} >= set(allowed) - set(found.roles)


def test_the_more_telling_heading_wins_whatever_the_order() -> None:
    for headings in (["id", "Accession number"], ["Accession number", "id"]):
        assert guess_columns(headings).roles == {"accession": ("Accession number",)}
    assert guess_columns(["年代", "朝代"]).roles == {"period": ("年代",)}
    assert guess_columns(["年代", "朝代"]).unused == ("朝代",)


def test_columns_of_one_role_keep_the_order_of_the_sheet() -> None:
    assert guess_columns(["Photo 2", "id", "Image", "Photo 1"]).roles["image"] == ("Photo 2", "Image", "Photo 1")


def test_words_that_only_resemble_a_heading_get_no_role() -> None:
    odd = ["Titled by", "Photographer", "尺寸", "级别", "入藏日期", "Typeface", "Ownership", "", "  ", "1", "???"]
    assert guess_columns(odd).roles == {}


def test_every_known_heading_has_one_role_only() -> None:
    known = [name for names in headings_by_role().values() for name in names]
    assert len(known) == len(set(known))


def test_a_mapping_overrides_the_guess() -> None:
    headings = ["编号", "名称", "旧编号", "Image"]
    mapping = ColumnMapping({"accession": ("旧编号",), "title": ()})
    found = guess_columns(headings, mapping)
    assert found.roles == {"accession": ("旧编号",), "image": ("Image",)}
    assert found.unused == ("编号", "名称")


def test_a_mapping_may_spell_a_heading_a_little_differently() -> None:
    assert guess_columns(["Object  Name "], ColumnMapping({"title": ("object name",)})).roles == {
        "title": ("Object  Name ",)
    }


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"title": ("Nmae",)}, "Did you mean 'Name'"),
        ({"title": ("完全不同",)}, "There are: Name, Photo"),
        ({"title": ("Name",), "description": ("Name",)}, "two roles"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(InvalidConfig, match=said):
        guess_columns(["Name", "Photo"], ColumnMapping(mapping))


def test_a_mapping_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    path.write_text('[columns]\ntitle = "名称"\nimage = ["Photo 1", "Photo 2"]\nperiod = []\n', encoding="utf-8")
    assert load_mapping(path).columns == {"title": ("名称",), "image": ("Photo 1", "Photo 2"), "period": ()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs a table"),
        ("columns = 3", "needs a table"),
        ("[column]\n", "no table or key 'column'"),
        ('[columns]\ntitel = "x"', "Did you mean 'title'"),
        ("[columns]\ntitle = 3", "a heading or a list"),
        ('[columns]\nperiod = ["a", "b"]', "takes one column"),
        ("[columns", "is not TOML"),
        ("[columns]\nx = " + "[" * 5_000, "is not TOML"),
    ],
)
def test_a_bad_mapping_file_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidConfig, match=said) as refused:
        load_mapping(path)
    assert "columns.toml" in str(refused.value)
    with pytest.raises(InvalidConfig, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")


def test_roles_are_shown_for_people() -> None:
    shown = str(guess_columns(["登记号", "名称", "尺寸"]))
    assert shown == "accession  <-  登记号\ntitle      <-  名称\nkept as they are: 尺寸"


def test_the_heading_row_is_told_from_a_title() -> None:
    assert known_headings(["某某博物馆藏品登记表", "", ""]) == 0
    assert known_headings(["登记号", "名称", "Photo 2"]) == 3
    assert known_headings(["Our no"], ColumnMapping({"accession": ("our no",)})) == 1
