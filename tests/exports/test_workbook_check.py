from __future__ import annotations

import random
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from PIL import Image

from sherd.errors import SherdError, SourceError
from sherd.exports import workbook_check
from sherd.exports.sheet_fill import WorkbookOptions
from sherd.exports.workbook import open_workbook, write_workbook
from sherd.exports.workbook_check import check_workbook
from sherd.exports.workbook_reader import read_workbook
from sherd.ingest.library import Library
from tests.exports.museum_book import described, library_in, museum_book
from tests.hostile.tables import whole_tables

SHEET = "xl/worksheets/sheet1.xml"
LEDGER = "藏品总账"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = library_in(tmp_path_factory.mktemp("museum") / "library")
    yield library
    library.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return museum_book(tmp_path_factory.mktemp("plain") / "plain.xlsx")


Change = Callable[[str, bytes], bytes]


def altered(book: Path, to: Path, change: Change, more: Mapping[str, bytes] | None = None) -> Path:
    """The workbook with its parts changed, and with more parts."""
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in (more or {}).items():
            new.writestr(name, data)
    return to


def inside(part: str, old: str, new: str) -> Change:
    def change(name: str, data: bytes) -> bytes:
        if name != part:
            return data
        assert old.encode() in data
        return data.replace(old.encode(), new.encode(), 1)

    return change


def at_end_of_sheet(xml: str) -> Change:
    return inside(SHEET, "</worksheet>", f"{xml}</worksheet>")


def related(kind: str) -> Change:
    link = f'<Relationship Id="rX9" Type="{RELATIONS}/{kind}" Target="x.bin"/></Relationships>'
    return inside("xl/_rels/workbook.xml.rels", "</Relationships>", link)


def test_a_plain_workbook_loses_nothing_but_results(plain: Path) -> None:
    (only,) = check_workbook(plain)
    assert (only.serious, "the results of 7 formulas" in str(only)) == (False, True)


EXTENSION = '<extLst><ext uri="{}" xmlns:x14="urn:x"><x14:a/></ext></extLst>'


@pytest.mark.parametrize(
    ("change", "what", "serious"),
    [
        (at_end_of_sheet(EXTENSION.format("{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}")), "drop-down lists", True),
        (at_end_of_sheet(EXTENSION.format("{78C0D931-6437-407D-A8EE-F0AAD7539E65}")), "data bars", True),
        (at_end_of_sheet(EXTENSION.format("{05C60535-1F16-4FD2-B633-F4F36F0B64E0}")), "sparklines", True),
        (at_end_of_sheet(EXTENSION.format("{AAAAAAAA-0000-0000-0000-000000000000}")), "extension of Excel", True),
        (at_end_of_sheet("<somethingNew/>"), "what the sheet calls somethingNew", True),
        (at_end_of_sheet('<protectedRanges><protectedRange name="a"/></protectedRanges>'), "may change", True),
        (at_end_of_sheet('<ignoredErrors><ignoredError sqref="A1"/></ignoredErrors>'), "green corners", False),
        (related("slicerCache"), "slicers", True),
        (related("rdRichValue"), "pictures or data types inside cells", True),
        (related("cellImage"), "pictures inside cells (WPS)", True),
        (related("person"), "persons who wrote comments", True),
        (related("connections"), "connections to data elsewhere", True),
        (related("somethingElse"), "a part of the kind 'somethingElse'", True),
        (related("customXml"), "document management", False),
        (inside(SHEET, '<c r="B4"', '<c cm="1" r="B4"'), "formulas that spill over", True),
        (inside("xl/workbook.xml", "<sheets>", "<customWorkbookViews/><sheets>"), "views of the workbook", True),
        (inside("xl/workbook.xml", "<sheets>", '<fileSharing readOnlyRecommended="1"/><sheets>'), "read only", False),
        (inside(SHEET, "<is>", '<is><rPh sb="0" eb="1"><t>x</t></rPh>'), "pronunciation", True),
        (inside(SHEET, "</t>", "_x005F_x0041_</t>"), "underline", True),
        (inside("xl/drawings/drawing1.xml", "<clientData", "<sp/><clientData"), "shapes, text boxes", True),
        (inside("xl/drawings/drawing1.xml", "<pic>", "<pic><hlinkClick/>"), "links that pictures lead to", True),
        (
            inside("xl/drawings/_rels/drawing1.xml.rels", "Target=", 'TargetMode="External" Target='),
            "lie outside",
            True,
        ),
    ],
)
def test_what_would_be_lost_is_named(plain: Path, tmp_path: Path, change: Change, what: str, serious: bool) -> None:
    book = altered(plain, tmp_path / "a.xlsx", change)
    found = [one for one in check_workbook(book) if what in one.what]
    assert [one.serious for one in found] == [serious]


@pytest.mark.parametrize(
    ("text", "what"),
    [('<t>x</t><rPh sb="0" eb="1"><t>x</t></rPh>', "pronunciation"), ("<t>_x005F_x0041_</t>", "underline")],
)
def test_shared_texts_are_looked_at(plain: Path, tmp_path: Path, text: str, what: str) -> None:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    texts = f'<sst xmlns="{main}"><si>{text}</si></sst>'.encode()
    book = altered(plain, tmp_path / "a.xlsx", lambda _, data: data, {"xl/sharedStrings.xml": texts})
    assert [one.serious for one in check_workbook(book) if what in one.what] == [True]


@pytest.mark.parametrize(
    "xml", ['<xml><a ObjectType="Note"/><ClientData ObjectType="Button"/></xml>', "<xml><br></xml>"]
)
def test_buttons_of_old_are_named(plain: Path, tmp_path: Path, xml: str) -> None:
    book = altered(plain, tmp_path / "a.xlsx", lambda _, data: data, {"xl/drawings/vmlDrawing1.vml": xml.encode()})
    assert "buttons and other controls (xl/drawings/vmlDrawing1.vml)" in [str(one) for one in check_workbook(book)]


def test_a_loss_names_the_sheet(plain: Path, tmp_path: Path) -> None:
    book = altered(plain, tmp_path / "a.xlsx", at_end_of_sheet("<somethingNew/>"))
    assert f"what the sheet calls somethingNew (sheet {LEDGER!r})" in [str(one) for one in check_workbook(book)]


def test_openpyxl_does_lose_what_is_named(plain: Path, tmp_path: Path) -> None:
    """The tables are right about openpyxl: after it has saved, nothing serious is left to be lost."""
    changes = (
        at_end_of_sheet(EXTENSION.format("{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}")),
        at_end_of_sheet("<protectedRanges/>"),
        related("slicerCache"),
        inside(
            "xl/drawings/drawing1.xml", "</oneCellAnchor>", "</oneCellAnchor><absoluteAnchor><sp/></absoluteAnchor>"
        ),
    )
    for change in changes:
        book = altered(plain, tmp_path / "a.xlsx", change)
        assert any(one.serious for one in check_workbook(book))
        loaded, _ = open_workbook(book)
        loaded.save(tmp_path / "b.xlsx")
        assert not any(one.serious for one in check_workbook(tmp_path / "b.xlsx"))


def test_serious_losses_are_refused_unless_accepted(library: Library, tmp_path: Path) -> None:
    book = load_workbook(museum_book(tmp_path / "a.xlsx"))
    chart = BarChart()
    chart.add_data(Reference(book["统计"], min_col=2, min_row=1, max_row=2))
    book["统计"].add_chart(chart, "D1")
    book["统计"]["A1"].comment = Comment("a remark", "Li")
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SourceError, match="It would lose: charts, which are drawn again"):
        write_workbook(library, described(library), tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()
    written = write_workbook(
        library,
        described(library),
        tmp_path / "a.xlsx",
        tmp_path / "b.xlsx",
        options=WorkbookOptions(accept_losses=True),
    )
    assert [loss.split(",")[0] for loss in written.losses if "charts" in loss] == ["charts"]
    kept = load_workbook(tmp_path / "b.xlsx")["统计"]
    assert (len(kept._charts), kept["A1"].comment.text) == (1, "a remark")
    told = load_workbook(tmp_path / "b.xlsx")["Sherd changes"]
    assert any("This copy has not: charts" in str(cell.value) for cell in told["A"])


def tables() -> list[tuple[str, bytes]]:
    return [(name, data) for kind, name, data in whole_tables() if name.endswith(".xlsx")]


@pytest.mark.parametrize(("name", "data"), tables(), ids=[name for name, _ in tables()])
def test_hostile_workbooks_are_refused_with_a_reason(library: Library, tmp_path: Path, name: str, data: bytes) -> None:
    book = tmp_path / name
    book.write_bytes(data)
    for act in (lambda: write_workbook(library, described(library), book, tmp_path / "out.xlsx"),
                lambda: read_workbook(library, book, "Ann")):  # fmt: skip
        with pytest.raises(SherdError, match=name):
            act()
    assert sorted(one.name for one in tmp_path.iterdir()) == [name]


def test_a_cut_file_is_refused(library: Library, plain: Path, tmp_path: Path) -> None:
    data = plain.read_bytes()
    for tenth in range(10):
        (tmp_path / "cut.xlsx").write_bytes(data[: len(data) * tenth // 10])
        with pytest.raises(SourceError, match=r"no workbook, or a damaged one|cannot be"):
            write_workbook(library, described(library), tmp_path / "cut.xlsx", tmp_path / "out.xlsx")


def test_altered_bytes_give_a_reason_or_a_copy_never_a_traceback(library: Library, plain: Path, tmp_path: Path) -> None:
    data = bytearray(plain.read_bytes())
    for place in range(37, len(data), len(data) // 40):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        (tmp_path / "a.xlsx").write_bytes(damaged)
        try:
            write_workbook(library, described(library), tmp_path / "a.xlsx", tmp_path / "out.xlsx")
            (tmp_path / "out.xlsx").unlink()
        except SherdError:
            assert not (tmp_path / "out.xlsx").exists()


def test_altered_parts_give_a_reason_or_a_copy_never_a_traceback(library: Library, plain: Path, tmp_path: Path) -> None:
    """Numbers and attributes of the XML inside, so that the zip is sound and openpyxl gets to read it."""
    chance = random.Random(7)
    write_workbook(library, described(library), plain, tmp_path / "sherd.xlsx")

    def change(name: str, data: bytes) -> bytes:
        found = list(re.finditer(rb'"[^"]*"|(?<=>)[0-9.]+(?=<)', data)) if name == victim else []
        if not found:
            return data
        one = chance.choice(found)
        new = chance.choice([b"", b"-1", b"99999999999", b"1e999", b"x", b"A1:B2", b"true", b"rId99"])
        return data[: one.start()] + (b'"%s"' % new if one[0][:1] == b'"' else new) + data[one.end() :]

    outcomes = set()
    for n in range(60):
        base = plain if n % 2 else tmp_path / "sherd.xlsx"
        with zipfile.ZipFile(base) as archive:
            victim = chance.choice([SHEET, *archive.namelist()])
        book = altered(base, tmp_path / "a.xlsx", change)
        (tmp_path / "out.xlsx").unlink(missing_ok=True)
        try:
            if n % 2:
                write_workbook(library, described(library), book, tmp_path / "out.xlsx")
            else:
                read_workbook(library, book, "Ann")
            outcomes.add("done")
        except SherdError:
            outcomes.add("refused")
            assert not (tmp_path / "out.xlsx").exists()
    assert outcomes == {"done", "refused"}


def test_a_workbook_without_settings_for_calculation_is_copied(library: Library, plain: Path, tmp_path: Path) -> None:
    change: Change = lambda _, data: re.sub(rb"<calcPr[^>]*/>", b"", data)  # noqa: E731
    book = altered(plain, tmp_path / "a.xlsx", change)
    write_workbook(library, described(library), book, tmp_path / "b.xlsx")
    assert load_workbook(tmp_path / "b.xlsx").calculation.fullCalcOnLoad


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (related("vbaProject"), "holds macros"),
        (inside(SHEET, "<worksheet ", "<!DOCTYPE a []><worksheet "), "has a DTD"),
        (inside(SHEET, '<row r="4"', '<row r="4000000"'), "has a row 4000000"),
        (inside(SHEET, 'r="B4"', 'r="B9999999"'), "outside of any sheet"),
        (inside(SHEET, 'r="B4"', 'r="nowhere"'), "is no cell"),
        (inside(SHEET, 'ref="A1:H1"', 'ref="A1:XFD1048576"'), "cover more than"),
        (inside(SHEET, 'ref="B5"', 'ref="B5:XFD1048576"'), "cover more than"),
        (at_end_of_sheet("<a>" * 200 + "</a>" * 200), "nested more than 100"),
        (lambda name, data: b"EPS!" * 10 if name == "xl/media/image1.png" else data, "picture of a kind"),
        (lambda name, data: data.replace(b"schemas.openxmlformats.org/spreadsheetml/2006/main",
                                         b"purl.oclc.org/ooxml/spreadsheetml/main"), "strict form"),
    ],
)  # fmt: skip
def test_what_is_not_safe_to_open_is_refused(plain: Path, tmp_path: Path, change: Change, what: str) -> None:
    book = altered(plain, tmp_path / "a.xlsx", change)
    with pytest.raises(SourceError, match=what):
        check_workbook(book)


def test_bombs_are_refused_unopened(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = altered(
        plain, tmp_path / "a.xlsx", lambda _, data: data, {"pad.bin": bytes(workbook_check.MAX_UNPACKED_BYTES)}
    )
    assert big.stat().st_size < 2_000_000
    with pytest.raises(SourceError, match="unpacks to more than"):
        check_workbook(big)
    many = altered(plain, tmp_path / "b.xlsx", lambda _, data: data, {f"x{n}": b"" for n in range(10_001)})
    with pytest.raises(SourceError, match="parts"):
        check_workbook(many)
    monkeypatch.setattr(workbook_check, "MAX_CELLS", 50)
    with pytest.raises(SourceError, match="has more than 50 cells"):
        check_workbook(plain)


def test_pictures_that_would_be_written_again_are_named(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    from openpyxl.drawing.image import Image as SheetImage

    picture = BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    book.active.add_image(SheetImage(picture), "A1")
    book.save(tmp_path / "a.xlsx")
    repainted = BytesIO()
    Image.new("RGB", (4, 4)).save(repainted, "BMP")
    bmp = altered(
        tmp_path / "a.xlsx", tmp_path / "b.xlsx",
        lambda name, data: repainted.getvalue() if name.startswith("xl/media") else data,
    )  # fmt: skip
    assert [one.what for one in check_workbook(bmp)] == ["the form of a picture, which is written again as PNG"]


@pytest.mark.parametrize("name", ["a.xlsm", "a.xls", "a.ods", "a"])
def test_other_kinds_are_refused(library: Library, plain: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(plain.read_bytes())
    with pytest.raises(SourceError, match=r"save it as .xlsx"):
        write_workbook(library, described(library), tmp_path / name, tmp_path / "out.xlsx")
