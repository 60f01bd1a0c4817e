"""`sherd export`: a library's records, with all that is said of them and by whom, in the forms that others read."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sherd.exports.described import Described, ExportSettings
    from sherd.ingest.library import Library


class Form(StrEnum):
    """What can be written."""

    WORKBOOK = "workbook"
    CSV = "csv"
    WEB_ANNOTATION = "web-annotation"
    IIIF = "iiif"
    LINKED_ART = "linked-art"
    LIDO = "lido"
    COCO = "coco"
    IMAGEFOLDER = "imagefolder"


def export(
    form: Form = typer.Argument(help="What to write."),
    records: list[str] | None = typer.Argument(None, metavar="[RECORD]...", help="Only these; all without any."),
    library: Path = typer.Option(..., "--library", help="Folder of the library."),
    out: Path = typer.Option(..., "--out", help="File, or folder for web-annotation, iiif and imagefolder."),
    source: Path | None = typer.Option(None, "--source", metavar="FILE", help="workbook: your own .xlsx or .csv."),
    suggestions: bool = typer.Option(False, "--suggestions", help="The machine's suggestions too, marked as such."),
    at_least: float = typer.Option(
        0.5, "--at-least", min=0.01, max=0.99, help="Suggestions from this probability on; see `sherd suggest`."
    ),
    refused: bool = typer.Option(False, "--refused", help="web-annotation: also what people refused, marked as such."),
    base: str | None = typer.Option(None, "--base", help="URI that identifiers are made under; iiif needs http(s)."),
    name: str | None = typer.Option(None, "--name", help="Of the collection; the library's folder without it."),
    like: Path | None = typer.Option(
        None, "--like", metavar="FILE.json", help="coco: keep the category numbers of it."
    ),
    link: bool = typer.Option(False, "--link", help="imagefolder: hard links instead of copies of the pictures."),
    schema: Path | None = typer.Option(None, "--schema", metavar="FILE.xsd", help="lido: check the file against it."),
    bom: bool = typer.Option(False, "--bom", help="csv: begin with a mark, so that Excel reads it as UTF-8."),
    language: str = typer.Option("en", "--language", help="workbook: of the new headings, en or zh."),
    accept_losses: bool = typer.Option(
        False, "--accept-losses", help="workbook: go on although the copy will lack something that yours has."
    ),
) -> None:
    """Write records with what the catalogue, people and, if wanted, the machine say of them, never mixed up."""
    from dataclasses import replace

    from sherd.exports.described import ExportSettings, describe
    from sherd.ingest.library import Library
    from sherd.suggest.suggest import Suggester, SuggestSettings

    with Library.open(library) as there:
        settings = ExportSettings(name=name or library.absolute().name)
        if base is not None:
            settings = replace(settings, base=base if base.endswith("/") else f"{base}/")
        suggester = Suggester.open(there, settings=SuggestSettings(at_least=at_least)) if suggestions else None
        described = describe(there, records or None, suggester=suggester)
        for line in _write(
            form, there, described, out, settings, source=source, suggestions=suggestions, refused=refused, like=like,
            link=link, schema=schema, bom=bom, language=language, accept_losses=accept_losses,
        ):  # fmt: skip
            print(line)


def _write(
    form: Form,
    library: Library,
    described: Iterator[Described],
    out: Path,
    settings: ExportSettings,
    *,
    source: Path | None,
    suggestions: bool,
    refused: bool,
    like: Path | None,
    link: bool,
    schema: Path | None,
    bom: bool,
    language: str,
    accept_losses: bool,
) -> Iterator[str]:
    """Write, and tell what was written."""
    if form is Form.WORKBOOK:
        from sherd.exports.sheet_fill import WorkbookOptions
        from sherd.exports.workbook_again import write_workbook_again

        if source is None:
            raise typer.BadParameter("workbook needs the workbook that you want back: --source FILE.xlsx")
        options = WorkbookOptions(language=language, accept_losses=accept_losses)
        done = write_workbook_again(library, described, source, out, settings=settings, options=options)
        told = f"{done.strange_rows} rows are no record, {done.missing} records are in no row"
        yield f"{out}: {done.rows} rows with a record; {told}"
        yield from done.losses
    elif form is Form.CSV:
        from sherd.exports.table import write_table

        yield f"{out}: {write_table(described, out, bom=bom)} statements"
    elif form is Form.WEB_ANNOTATION:
        from sherd.exports.web_annotation import write_annotations

        yield f"{out}: {write_annotations(described, out, settings, refused=refused)} annotations"
    elif form is Form.IIIF:
        from sherd.exports.iiif import write_manifests

        made = write_manifests(described, out, settings, thumbnail=library.thumbnail)
        told = f"{made.without_pictures} records have no picture"
        yield f"{out}: {made.manifests} manifests with {made.annotations} annotations; {told}"
    elif form is Form.LINKED_ART:
        from sherd.exports.linked_art import write_linked_art

        yield f"{out}: {write_linked_art(described, out, settings)} objects"
    elif form is Form.LIDO:
        from sherd.exports.lido import write_lido
        from sherd.exports.lido_validation import validate

        yield f"{out}: {write_lido(described, out, settings, suggestions=suggestions)} records"
        if schema is not None:
            yield from validate(out, schema) or ["the schema has nothing against it"]
    elif form is Form.COCO:
        from sherd.exports.coco import write_coco
        from sherd.suggest.suggest import thesaurus_of

        count = write_coco(described, out, settings, like=like, thesaurus=thesaurus_of(library))
        yield f"{out}: {count} annotations"
    else:
        from sherd.exports.described import originals_of
        from sherd.exports.imagefolder import write_imagefolder

        found = write_imagefolder(described, out, originals_of(library), link=link)
        yield f"{out}: {found.pictures} pictures"
        yield from (f"left out: {record} {path}: {why}" for record, path, why in found.left_out)
