"""`sherd search`: options in, one search, hits out as a table, as JSON, as a contact sheet or as a report."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import typer

from sherd.types import MAX_K, Box


class Tongue(StrEnum):
    """A language that answers can be told in."""

    EN = "en"
    ZH = "zh"


# Other words for the fields of a filter; what is in neither list is told by the catalogue, with the fields there are.
_OTHER_NAMES = {
    "cultures": "culture", "materials": "material", "motifs": "motif", "periods": "period", "themes": "theme",
    "type": "object_type", "object_types": "object_type", "right": "rights", "license": "licence",
}  # fmt: skip
_FILTER = re.compile(r"\w+\s*=")


def search(
    words: list[str] | None = typer.Argument(None, metavar="[TEXT]", help="What to look for, in quotes."),
    library: Path = typer.Option(..., "--library", help="Folder of the library."),
    image: Path | None = typer.Option(None, "--image", help="A picture to look for, alone or with a text."),
    box: str | None = typer.Option(
        None, "--box", metavar="X,Y,W,H", help="The part of the picture that is meant, in fractions 0..1 of it."
    ),
    minus: str | None = typer.Option(None, "--not", metavar="TEXT", help="What is not wanted."),
    where: list[str] | None = typer.Option(
        None, "--where", metavar="FIELD=VALUE...", help="Only such records; values with | between are alternatives."
    ),
    plain: bool = typer.Option(False, "--plain", help="Look for the words as they are, not by the thesaurus too."),
    k: int = typer.Option(10, "-k", min=1, max=MAX_K, help="How many records."),
    sheet: Path | None = typer.Option(None, "--sheet", metavar="FILE.png", help="Write a contact sheet."),
    report: Path | None = typer.Option(None, "--report", metavar="FILE.html", help="Write a report to read or print."),
    language: Tongue | None = typer.Option(None, "--language", help="Of the answer; the question's if not given."),
    model: str | None = typer.Option(None, "--model", help="Refuse to search unless this encoder made the library."),
    vectors: str | None = typer.Option(
        None, "--vectors", metavar="milvus://...|folder", help="Search the index there, this time only."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Find relics by text, by picture or by a box on a picture."""
    text, filters = _text_and_filters(words or [], where or [])
    if text is None and image is None:
        raise typer.BadParameter('give a text in quotes, or --image FILE, or both: sherd search "…" --library DIR')
    if box is not None and image is None:
        raise typer.BadParameter("--box needs the picture that it is drawn on: --image FILE")
    asked_box = read_box(box) if box is not None else None

    from sherd.ingest.library import Library
    from sherd.search.asked import Asked
    from sherd.search.asked import as_json as json_form
    from sherd.search.listing import list_answer
    from sherd.search.picture import open_query_picture
    from sherd.search.searcher import Searcher
    from sherd.search.words import language_of
    from sherd.types import Query

    with Library.open(library) as there:
        if vectors is not None:
            there.search_vectors_at(vectors)
        picture = open_query_picture(image) if image is not None else None
        query = Query(text=text, minus=minus, image=picture, box=asked_box, where=filters, k=k, plain=plain)
        searcher = Searcher.open(there, model)
        asked = Asked(query, searcher.search(query), str(image) if image is not None else None)
        told = language.value if language is not None else language_of(text)
        if sheet is not None:
            from sherd.search.sheet import write_sheet

            write_sheet(sheet, [asked], there.thumbnail, language=told)
        if report is not None:
            from sherd.search.report import write_report

            about = searcher.about(datetime.now().astimezone())
            write_report(report, [asked], there.thumbnail, about, language=told)
    if as_json:
        print(json.dumps(json_form(asked), ensure_ascii=False))
        if asked.answer.message:
            print(asked.answer.message, file=sys.stderr)
        return
    list_answer(asked, language=told)
    for written in (sheet, report):
        if written is not None:
            print(written)


def _text_and_filters(words: list[str], where: list[str]) -> tuple[str | None, dict[str, tuple[str, ...]]]:
    """The text, and the filters: what --where was given, and each further FIELD=VALUE after it."""
    given = [*where, *(word for word in words if where and _FILTER.match(word))]
    texts = [word for word in words if not (where and _FILTER.match(word))]
    if len(texts) > 1:
        raise typer.BadParameter(f"several texts ({', '.join(texts[:3])}); put the whole question in quotes")
    filters: dict[str, tuple[str, ...]] = {}
    for one in given:
        field, equals, value = one.partition("=")
        values = tuple(part.strip() for part in value.split("|") if part.strip())
        if not equals or not field.strip() or not values:
            raise typer.BadParameter(
                f"--where {one}: write FIELD=VALUE, for example culture=Tang or culture='Tang|Song'"
            )
        name = field.strip().lower().replace("-", "_")
        name = _OTHER_NAMES.get(name, name)
        filters[name] = tuple(dict.fromkeys((*filters.get(name, ()), *values)))
    return texts[0] if texts else None, filters


def read_box(value: str) -> Box:
    try:
        x, y, w, h = (float(part) for part in value.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"--box {value}: write X,Y,W,H in fractions 0..1 of the picture, for example 0.2,0.1,0.5,0.3"
        ) from None
    return Box(x, y, w, h)
