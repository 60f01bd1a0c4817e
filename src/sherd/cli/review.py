"""`sherd review`: decide about suggestions, take decisions back, see what was decided."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sherd.catalogue.decisions import Kept
    from sherd.types import Action, Decision

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

RECORD = typer.Argument(metavar="RECORD", help="The record's id.")
CONCEPT = typer.Argument(metavar="CONCEPT", help="A URI, a notation or a label of the library's thesaurus.")
LIBRARY = typer.Option(..., "--library", help="Folder of the library.")
WHO = typer.Option("", "--who", help="Who decides; your login name where it is left out.")
NOTE = typer.Option("", "--note", help="Why, for those who come after.")
IMAGE = typer.Option(None, "--image", help="The picture that is meant: its path as in the source.")
BOX = typer.Option(None, "--box", metavar="X,Y,W,H", help="The place on the picture, in fractions 0..1 of it.")
SEEN = typer.Option(
    None,
    "--seen",
    min=0,
    help="Number of the last decision about the record that you saw; refused if there is a newer.",
)
JSON = typer.Option(False, "--json", help="Print JSON.")


@app.command("accept")
def accept(
    record: str = RECORD,
    concept: str = CONCEPT,
    library: Path = LIBRARY,
    image: str | None = IMAGE,
    box: str | None = BOX,
    who: str = WHO,
    note: str = NOTE,
    seen: int | None = SEEN,
    as_json: bool = JSON,
) -> None:
    """The concept holds, there where it was proposed or at --box."""
    _decide("accept", record, library, who, note, seen, as_json=as_json, concept=concept, image=image, box=box)


@app.command("reject")
def reject(
    record: str = RECORD,
    concept: str = CONCEPT,
    library: Path = LIBRARY,
    who: str = WHO,
    note: str = NOTE,
    seen: int | None = SEEN,
    as_json: bool = JSON,
) -> None:
    """The concept does not hold."""
    _decide("reject", record, library, who, note, seen, as_json=as_json, concept=concept)


@app.command("narrow")
def narrow(
    record: str = RECORD,
    concept: str = CONCEPT,
    value: str = typer.Argument(metavar="NARROWER", help="The concept below it that holds."),
    library: Path = LIBRARY,
    image: str | None = IMAGE,
    box: str | None = BOX,
    who: str = WHO,
    note: str = NOTE,
    seen: int | None = SEEN,
    as_json: bool = JSON,
) -> None:
    """More exactly: a concept below the one proposed holds."""
    _decide(
        "narrow", record, library, who, note, seen, as_json=as_json, concept=concept, value=value, image=image, box=box
    )


@app.command("other")
def other(
    record: str = RECORD,
    value: str = CONCEPT,
    library: Path = LIBRARY,
    instead_of: str | None = typer.Option(None, "--instead-of", metavar="CONCEPT", help="The one that was proposed."),
    image: str | None = IMAGE,
    box: str | None = BOX,
    who: str = WHO,
    note: str = NOTE,
    seen: int | None = SEEN,
    as_json: bool = JSON,
) -> None:
    """Another concept holds, or one that nobody proposed."""
    _decide(
        "other",
        record,
        library,
        who,
        note,
        seen,
        as_json=as_json,
        concept=instead_of,
        value=value,
        image=image,
        box=box,
    )


@app.command("move")
def move(
    record: str = RECORD,
    concept: str = CONCEPT,
    library: Path = LIBRARY,
    image: str = typer.Option(..., "--image", help="The picture that is meant: its path as in the source."),
    box: str = typer.Option(..., "--box", metavar="X,Y,W,H", help="Where it is, in fractions 0..1 of the picture."),
    who: str = WHO,
    note: str = NOTE,
    seen: int | None = SEEN,
    as_json: bool = JSON,
) -> None:
    """The concept holds, and is at --box."""
    _decide("move", record, library, who, note, seen, as_json=as_json, concept=concept, image=image, new_box=box)


@app.command("undo")
def undo(
    number: int = typer.Argument(metavar="NUMBER", help="Of the decision, as `sherd review log` tells it."),
    library: Path = LIBRARY,
    who: str = WHO,
    note: str = NOTE,
    as_json: bool = JSON,
) -> None:
    """Take a decision back. It stays in the log; undoing the undo brings it back."""
    from sherd.catalogue import decisions
    from sherd.errors import InvalidArgument
    from sherd.ingest.library import Library
    from sherd.suggest import review

    with Library.open(library) as there:
        kept = next(iter(decisions.everything(there.catalogue.database, after=number - 1)), None)
        if kept is None or kept.number != number:
            raise InvalidArgument(f"{library}: there is no decision {number}; `sherd review log` lists them")
        _tell(review.decide(there, [review.undo(kept, who or getpass.getuser(), note=note)]), as_json=as_json)


@app.command("apply")
def apply(
    file: Path = typer.Argument(metavar="FILE.jsonl", help="One decision a line; - reads the standard input."),
    library: Path = LIBRARY,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Keep many decisions at once, all or none: for scripts, and for the page."""
    import sys

    from sherd.errors import SourceError
    from sherd.ingest.library import Library
    from sherd.suggest import review

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: cannot be read: {error}") from error
    made, seen = review.read_decisions(text, who or getpass.getuser())
    with Library.open(library) as there:
        _tell(review.decide(there, made, seen=seen), as_json=as_json)


@app.command("cluster")
def cluster(
    name: str = typer.Argument(metavar="CLUSTER", help="Name of a cluster, as `sherd clusters` tells it."),
    concept: str = CONCEPT,
    library: Path = LIBRARY,
    without: list[str] = typer.Option([], "--without", metavar="RECORD", help="All but this one; may be repeated."),
    refuse: bool = typer.Option(False, "--refuse", help="The concept does not hold of any of them."),
    least: int = typer.Option(5, "--least", min=2, help="As it was given to `sherd clusters`."),
    facet: str = typer.Option("motif", "--facet", help="As it was given to `sherd clusters`."),
    who: str = WHO,
    note: str = NOTE,
    as_json: bool = JSON,
) -> None:
    """One decision for each record of a cluster, all or none."""
    from sherd.ingest.library import Library
    from sherd.suggest import review
    from sherd.suggest.clusters import decide_cluster, find_clusters
    from sherd.suggest.suggest import Suggester

    with Library.open(library) as there:
        suggester = Suggester.open(there)
        found = find_clusters(suggester.looks, suggester.facet(facet).concepts, least=least)
        uri = review.uri_of(there, concept)
        made = decide_cluster(
            found, name, str(uri), who or getpass.getuser(), without=without, refuse=refuse, note=note
        )
        _tell(review.decide(there, made), as_json=as_json)


@app.command("import")
def import_(
    file: Path = typer.Argument(
        metavar="FILE",
        help="A workbook or .csv that `sherd export workbook` wrote, or Web Annotations (.json, a folder).",
    ),
    library: Path = LIBRARY,
    who: str = WHO,
    by_name: bool = typer.Option(
        False, "--by-name", help="Annotations: pictures at other addresses count by the name of their file."
    ),
    as_json: bool = JSON,
) -> None:
    """Take in decisions that were made elsewhere: only what was changed counts, a machine's word never does."""
    from sherd.ingest.library import Library

    with Library.open(library) as there:
        name = who or getpass.getuser()
        if file.suffix.lower() in (".xlsx", ".xlsm", ".csv", ".tsv"):
            from sherd.exports.workbook_reader import import_workbook

            found = asdict(import_workbook(there, file, name))
        else:
            from sherd.exports.web_annotation_reader import import_annotations

            found = asdict(import_annotations(there, file, name, by_name=by_name))
    if as_json:
        print(json.dumps(found, ensure_ascii=False, default=str))
        return
    for name, value in found.items():
        rows = value if isinstance(value, (list, tuple)) else []
        print(f"{name.replace('_', ' ')}: {len(rows) if isinstance(value, (list, tuple)) else value}")
        for row in rows[:20]:
            print(f"    {row}")


@app.command("log")
def log(
    records: list[str] | None = typer.Argument(None, metavar="[RECORD]...", help="Only about these; all without any."),
    library: Path = LIBRARY,
    as_json: bool = JSON,
) -> None:
    """What was decided, oldest first."""
    from sherd.catalogue import decisions
    from sherd.ingest.library import Library

    with Library.open(library) as there:
        database = there.catalogue.database
        if records:
            found = [one for some in decisions.about(database, records).values() for one in some]
        else:
            found = list(decisions.everything(database))
    _tell(sorted(found, key=lambda one: one.number), as_json=as_json)


def _decide(
    action: str,
    record: str,
    library: Path,
    who: str,
    note: str,
    seen: int | None,
    *,
    as_json: bool,
    concept: str | None = None,
    value: str | None = None,
    image: str | None = None,
    box: str | None = None,
    new_box: str | None = None,
) -> None:
    from sherd.cli.search import read_box
    from sherd.ingest.library import Library
    from sherd.suggest import review
    from sherd.types import Action, Decision

    with Library.open(library) as there:
        made = Decision(
            record_id=record,
            action=Action(action),
            who=who or getpass.getuser(),
            at=review.now(),
            concept=review.uri_of(there, concept),
            value=review.uri_of(there, value),
            image=image,
            box=read_box(box) if box is not None else None,
            new_box=read_box(new_box) if new_box is not None else None,
            note=note,
        )
        kept = review.decide(there, [made], seen={record: seen} if seen is not None else None)
    _tell(kept, as_json=as_json)


def _tell(kept: list[Kept], *, as_json: bool) -> None:
    for one in kept:
        if as_json:
            print(json.dumps(_data(one), ensure_ascii=False))
        else:
            print(_line(one.number, one.decision))


def _data(one: Kept) -> dict[str, Any]:
    said = {name: value for name, value in asdict(one.decision).items() if value not in (None, "")}
    return {"number": one.number, **said, "hash": one.hash}


def _line(number: int, one: Decision) -> str:
    action: Action = one.action
    what = f"decision {one.undoes}" if one.undoes is not None else one.concept or ""
    if one.value is not None and one.value != one.concept:
        what = f"{what} -> {one.value}" if what else one.value
    place = one.new_box or one.box
    where = f"  at {place.x:g},{place.y:g},{place.w:g},{place.h:g} of {one.image}" if place else ""
    note = f"  ({one.note})" if one.note else ""
    return f"{number:6}  {one.at}  {one.who}  {action:7} {one.record_id}  {what}{where}{note}"
