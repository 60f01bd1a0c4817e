"""A museum's own table with what Sherd adds to each of its rows, whatever kind of file it is written to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sherd.catalogue import decisions
from sherd.catalogue.decisions import GENESIS, Head, Kept
from sherd.errors import InvalidArgument, RejectedItem, SherdError, SourceError, StorageRefused
from sherd.exports.described import Author, Described, Statement
from sherd.exports.sheet_columns import Column, RowState, columns_for, label_of, state_of
from sherd.exports.sheet_rows import TableRows
from sherd.ingest.columns import ColumnMapping
from sherd.ingest.library import Library
from sherd.suggest.suggest import thesaurus_of
from sherd.types import Box

_PAGE = 500


@dataclass(frozen=True, slots=True)
class WorkbookOptions:
    """language: of headings and terms, 'en' or 'zh'. facets: that get columns, all with something to say without it.
    accept_losses: copy a workbook although something people put into it would be lost. mapping, root: as at ingest."""

    language: str = "en"
    facets: tuple[str, ...] | None = None
    accept_losses: bool = False
    mapping: ColumnMapping | None = None
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. rows: with a record. strange_rows: without one. missing: records that no row is about.
    losses: what the copy has not, in words; none of them serious unless they were accepted. files: that were made."""

    rows: int
    strange_rows: int
    missing: int
    losses: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A line on what was added, or could not be. what: a word for it. rows: of the table, by number."""

    what: str
    record_id: str = ""
    rows: tuple[int, ...] = ()
    facet: str = ""
    term: str = ""
    uri: str = ""
    who: str = ""
    at: str = ""
    probability: float | None = None
    number: int | None = None
    image: str = ""
    box: Box | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """Columns to add, the state that is shown in them by record, and which row is about which record."""

    table: TableRows
    columns: tuple[Column, ...]
    states: Mapping[str, RowState]
    rows: Mapping[int, str]
    changes: tuple[Change, ...]
    head: Head
    written: Written


def fill(library: Library, described: Iterable[Described], source: Path, options: WorkbookOptions) -> Filled:
    """Fit what is said of records to the rows of a table.

    Args:
        described: `describe(library)` itself, not a list made earlier: a decision in between would count as seen.
    Raises:
        SourceError, InvalidConfig: the table cannot be read. InvalidArgument: no such language, or nothing to write.
    """
    head = decisions.head(library.catalogue.database)
    table = TableRows(source, options.root, options.mapping)
    thesaurus = thesaurus_of(library)
    found: dict[str, tuple[Described, Head]] = {}
    said = iter(described)
    while some := list(islice(said, _PAGE)):
        about = decisions.about(library.catalogue.database, [one.record.record_id for one in some])
        for one in some:
            found[one.record.record_id] = one, _last(about.get(one.record.record_id, ()), head)
    facets = options.facets if options.facets is not None else _facets(one for one, _ in found.values())
    if not facets:
        raise InvalidArgument("nobody has decided or suggested anything for these records, so there is nothing to add")
    columns = columns_for(facets, thesaurus, options.language)
    states = {
        name: state_of(one, columns, options.language, number=last.number, hash_=last.hash, id_heading=table.id_heading)
        for name, (one, last) in found.items()
    }
    rows, strange = _match(table, states)
    places: dict[str, list[int]] = {name: [] for name in states}
    for number, name in rows.items():
        places[name].append(number)
    changes = [
        change
        for name, (one, _) in found.items()
        if places[name]
        for change in _changes(one, tuple(places[name]), facets, options.language)
    ]
    missing = [
        Change("record_not_here", name, note=one.record.title) for name, (one, _) in found.items() if not places[name]
    ]
    written = Written(len(rows), len(strange), len(missing))
    return Filled(table, columns, states, rows, (*changes, *missing, *strange), head, written)


def check_target(source: Path, *targets: Path) -> None:
    """Raise InvalidArgument where a target is the source, or is there already: it may hold a curator's work; or where
    the first one is of another kind."""
    for target in targets:
        if target.exists() or target.is_symlink():
            same = target.exists() and source.exists() and target.samefile(source)
            what = "is the table itself; what you gave is never written to" if same else "is there already"
            raise InvalidArgument(f"{target}: {what}; give the name of a new file")
    if targets[0].suffix.lower() != source.suffix.lower():
        raise InvalidArgument(f"{targets[0]}: the copy of a {source.suffix} is a {source.suffix}, too; name it so")


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block ends well; nothing is left where it does not.

    Raises:
        InvalidArgument: the target has come to be in the meantime. StorageRefused: the disk refuses.
    """
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem[:40]}-", suffix=target.suffix)
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            _become(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except SherdError:
        raise
    except OSError as error:
        raise StorageRefused(f"{target}: cannot be written: {error.strerror or error}") from error


def _become(draft: Path, target: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    draft.chmod(0o666 & ~umask)
    try:
        try:
            os.link(draft, target)  # unlike a rename, this never replaces a file
        except FileExistsError:
            raise
        except OSError:  # some disks know no links
            with target.open("xb"):
                pass
            os.replace(draft, target)
    except FileExistsError:
        raise InvalidArgument(f"{target}: is there already; give the name of a new file") from None


def _last(kept: Iterable[Kept], head: Head) -> Head:
    """The last decision about a record, as far as the chain went when the export began."""
    return max(
        (Head(one.number, one.hash) for one in kept if one.number <= head.number),
        key=lambda one: one.number,
        default=Head(0, GENESIS),
    )


def _facets(described: Iterable[Described]) -> tuple[str, ...]:
    spoken = {said.facet for one in described for said in one.statements if said.author is not Author.CATALOGUE}
    return tuple(sorted(spoken))


def _match(table: TableRows, states: Mapping[str, RowState]) -> tuple[dict[int, str], list[Change]]:
    rows: dict[int, str] = {}
    strange: list[Change] = []
    for number, found in table.ids():
        if isinstance(found, RejectedItem):
            strange.append(Change("row_without_record", rows=(number,), note=str(found)))
        elif found in states:
            rows[number] = found
        else:
            strange.append(Change("row_without_record", found, (number,), note="no such record was exported"))
    if not rows:
        raise SourceError(
            f"{table.table}: none of its {len(strange)} rows is about a record that was exported; "
            f"ids are read from {table.id_heading or 'the names of pictures'!r}. Is it the table of this library?"
        )
    return rows, strange


def _changes(one: Described, rows: tuple[int, ...], facets: Iterable[str], language: str) -> Iterator[Change]:
    wanted = set(facets)
    for said in one.statements:
        if said.author is Author.CATALOGUE or said.facet not in wanted:
            continue
        yield Change(
            _word(said), one.record.record_id, rows, said.facet, label_of(said.concept, language), said.concept.uri,
            said.who or said.model, said.at, said.probability, said.number, said.image or "", said.box,
        )  # fmt: skip


def _word(said: Statement) -> str:
    if said.author is Author.MACHINE:
        return "suggested"
    return "accepted" if said.holds else "refused"
