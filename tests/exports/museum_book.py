"""A registrar's workbook with what such workbooks have, and a library with suggestions and decisions for it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table
from PIL import Image

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.exports.described import Author, Described, Statement, describe
from sherd.ingest.library import Library
from sherd.suggest.suggest import thesaurus_of
from sherd.types import Box, Record, SourceImage
from tests.catalogue.shelf import filled, item, put
from tests.catalogue.vessels import GUI, OFFERING, SCHEME, TRIPOD, VESSELS

HEADINGS = ("登记号", "名称", "年代", "尺寸", "入藏日期", "估价", "总价", "备注")
LAMP = Record("0012", (SourceImage("d/lamp.jpg"),), titles={"zh": "灯"})
DANGEROUS = Record("=1+1", (SourceImage("d/odd.jpg"),), titles={"en": "odd"})
MODEL = "toy 0123"
OFFERS = {
    "bell": ((TRIPOD, "vessel", 0.91, Box(0.1, 0.2, 0.3, 0.4)), (GUI, "vessel", 0.62, None)),
    "0012": ((OFFERING, "theme", 0.55, None),),
}
"""Suggestions by record."""


def library_in(folder: Path) -> Library:
    """1982.30.1, v-7, bell, 0012 and =1+1, with the thesaurus of vessels."""
    folder.mkdir(exist_ok=True)
    shelf = filled(folder)
    put(shelf, [item(LAMP, [4], ordinal=3), item(DANGEROUS, [5], ordinal=4)], [4, 5], name="p2.vec")
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    return Library(folder, shelf)


def described(library: Library) -> Iterator[Described]:
    """All records, with suggestions as a model would make them."""
    thesaurus = thesaurus_of(library)
    for one in describe(library):
        decided = {said.concept.uri for said in one.by(Author.PERSON)}
        image = one.record.images[0].path
        offers = tuple(
            Statement(
                thesaurus.concept(uri),
                facet,
                Author.MACHINE,
                image=image,
                box=box,
                probability=probability,
                model=MODEL,
            )
            for uri, facet, probability, box in OFFERS.get(one.record.record_id, ())
            if uri not in decided
        )
        yield replace(one, statements=one.statements + offers)


def museum_book(path: Path) -> Path:
    """The workbook: a title above the headings in row 3, five rows of objects, other sheets."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "藏品总账"
    sheet["A1"] = "某某博物馆藏品总账"
    sheet.merge_cells("A1:H1")
    sheet["A1"].font = Font(name="SimSun", size=18, bold=True, color="FFC00000")
    sheet["A1"].alignment = Alignment(horizontal="center")
    for place, heading in enumerate(HEADINGS, 1):
        cell = sheet.cell(3, place, heading)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", start_color="FFFFE699")
        cell.border = Border(bottom=Side("double", color="FF000000"))
    rows: list[tuple[Any, ...]] = [
        ("1982.30.1", "饕餮纹鼎", "商", 12.5, date(1982, 3, 1), 1000, "=D4*F4", "第一行\n第二行"),
        ("v-7", "青花瓷瓶", "明", 30, datetime(1990, 12, 31, 13, 45, 30), 2500.5, "=D5*F5", " 前有空格"),
        ("bell", "钟", None, 0.333333333333333, date(2000, 2, 29), -3, "=SUM(F4:F6)", True),
        (12, "灯", "汉", 7, time(8, 30), 0, "=F7", "=HYPERLINK(\"x\")"),
        ("missing-1", "无图", "唐", 1, date(1900, 1, 1), 1e15, "=F8", "#N/A"),
    ]  # fmt: skip
    for number, row in enumerate(rows, 4):
        for place, value in enumerate(row, 1):
            sheet.cell(number, place, value)
        sheet.cell(number, 5).number_format = 'yyyy"年"m"月"d"日"'
        sheet.cell(number, 6).number_format = "#,##0.00_);[Red](#,##0.00)"
    sheet["A7"].number_format = "0000"
    sheet["H7"].data_type = "s"  # a text that looks like a formula, and stays a text
    sheet["E5"].number_format = "yyyy-mm-dd hh:mm:ss"
    sheet["C6"].fill = PatternFill("lightGrid", start_color="FF00B050")
    sheet["B4"].protection = Protection(locked=False, hidden=True)
    sheet["C4"] = CellRichText("商", TextBlock(InlineFont(b=True, color="FFFF0000"), "晚期"))
    sheet["B5"].hyperlink = "https://museum.example/v-7"
    sheet.merge_cells("C7:C8")
    sheet.column_dimensions["B"].width = 33.5
    sheet.column_dimensions["D"].hidden = True
    sheet.row_dimensions[5].height = 40
    sheet.row_dimensions[6].hidden = True
    sheet.freeze_panes = "B4"
    sheet.auto_filter.ref = "A3:H8"
    sheet.conditional_formatting.add("F4:F8", CellIsRule("lessThan", ["0"], fill=PatternFill(bgColor="FFFF0000")))
    check = DataValidation("list", formula1='"商,明,汉"', allow_blank=True)
    check.add("C4:C8")
    sheet.add_data_validation(check)
    picture = BytesIO()
    Image.new("RGB", (8, 6), "red").save(picture, "PNG")
    sheet.add_image(SheetImage(picture), "B10")
    sheet.print_title_rows = "3:3"
    other = book.create_sheet("统计")
    other["A1"], other["B1"] = "年代", "件数"
    other["A2"], other["B2"] = "商", "=COUNTIF(藏品总账!C4:C8,A2)"
    other["D2"] = ArrayFormula("D2:D3", "=B2:B3*2")
    other.add_table(Table(displayName="Counts", ref="A1:B2"))
    hidden = book.create_sheet("代码")
    hidden.sheet_state = "hidden"
    hidden["A1"] = "a code"
    book.defined_names["Ledger"] = DefinedName("Ledger", attr_text="'藏品总账'!$A$3:$H$8")
    book.save(path)
    return path


def as_excel_writes(path: Path) -> Path:
    """The same workbook with its texts shared and a result beside every formula, which openpyxl does not write."""
    texts: list[str] = []

    def shared(found: re.Match[str]) -> str:
        texts.append(f"<si>{found[1]}</si>")
        return f't="s"><v>{len(texts) - 1}</v>'

    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name).decode("utf-8", "surrogateescape") for name in old.namelist()}
    for name in parts:
        if name.startswith("xl/worksheets/sheet"):
            sheet = re.sub(r't="inlineStr"><is>(.*?)</is>', shared, parts[name], flags=re.DOTALL)
            parts[name] = sheet.replace("<v></v>", "<v>5</v>")
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}">{"".join(texts)}</sst>'
    for name, end, more in (
        ("[Content_Types].xml", "</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/>'),
        ("xl/_rels/workbook.xml.rels", "</Relationships>",
         f'<Relationship Id="rIdS" Type="{relation}" Target="sharedStrings.xml"/>'),
    ):  # fmt: skip
        parts[name] = parts[name].replace(end, more + end)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, text in parts.items():
            new.writestr(name, text.encode("utf-8", "surrogateescape"))
    return path


def edit(path: Path, changes: dict[str, Any], *, sheet: str = "藏品总账", to: Path | None = None) -> Path:
    """Type into cells, as a person would, and save."""
    book = load_workbook(path, rich_text=True)
    for place, value in changes.items():
        book[sheet][place] = value
    book.save(to or path)
    return to or path


def heads(path: Path, row: int = 3, sheet: str = "藏品总账") -> dict[str, str]:
    """Heading -> letter of its column."""
    found = load_workbook(path)[sheet]
    return {str(cell.value): cell.column_letter for cell in found[row] if cell.value is not None}
