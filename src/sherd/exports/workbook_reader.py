"""What a curator changed in a table that Sherd wrote: read back as decisions.

Only what differs from what was written counts. A row with a problem gives no decision; the other rows do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sherd.catalogue import concepts, decisions
from sherd.catalogue.decisions import Kept
from sherd.catalogue.standings import standings
from sherd.errors import DecisionConflict, RejectedItem
from sherd.exports.edited import EditedRow, EditedTable, edited_table
from sherd.exports.sheet_columns import FacetState, RowState, Term, shown_uris
from sherd.exports.typed_terms import TypedTerms
from sherd.ingest.library import Library
from sherd.ingest.sources.texts import split_values
from sherd.suggest.review import decide, now
from sherd.thesaurus.folding import clean
from sherd.types import Action, Decision, Record

_TRIES = 3
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was not applied. reason: a stable word such as `unknown_term`. where: sheet and cell."""

    reason: str
    where: str
    record_id: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Imported:
    """rows: that Sherd had written into. changed: those with another set of terms. accepted, added, rejected: decisions
    about suggestions, about terms that nobody had suggested, and against terms."""

    rows: int
    changed: int
    accepted: int
    added: int
    rejected: int
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Edit:
    """What a record's rows add and take away: concept -> facet. cells: where, the first one for the note."""

    state: RowState
    added: dict[str, str] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    cells: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Outcome:
    made: list[Decision]
    problems: list[Problem]
    seen: dict[str, int]
    rows: int
    changed: int


def read_workbook(library: Library, path: Path, who: str) -> tuple[list[Decision], list[Problem]]:
    """What was changed in a workbook or text table that Sherd wrote, as decisions that are not kept yet.

    A term added to an accepted column accepts the suggestion of that row, or names another term; one taken away is
    rejected. What holds already gives nothing, so reading a file twice gives nothing the second time.

    Raises:
        SourceError: the file cannot be read, or is none that Sherd wrote.
    """
    outcome = _Reader(library, path, who).read()
    return outcome.made, outcome.problems


def import_workbook(library: Library, path: Path, who: str) -> Imported:
    """Read what was changed and keep it; on disk when this returns. Rows with a problem are left out and told.

    Raises:
        SourceError: as `read_workbook` does. InvalidArgument: `who` is not said.
        DecisionConflict: others decide about the same records all the while.
    """
    for again in range(_TRIES):
        outcome = _Reader(library, path, who).read()
        try:
            decide(library, outcome.made, seen=outcome.seen)
        except DecisionConflict:  # between reading and keeping: read again, then it is a problem of its row
            if again == _TRIES - 1:
                raise
            continue
        break
    actions = Counter(one.action for one in outcome.made)
    return Imported(
        outcome.rows, outcome.changed, actions[Action.ACCEPT], actions[Action.OTHER], actions[Action.REJECT],
        tuple(outcome.problems),
    )  # fmt: skip


class _Reader:
    def __init__(self, library: Library, path: Path, who: str) -> None:
        self._database = library.catalogue.database
        self._library, self._path, self._who = library, path, who
        self._terms = TypedTerms(library)
        self._problems: list[Problem] = []

    def read(self) -> _Outcome:
        table = edited_table(self._path)
        self._tell_columns_gone(table)
        edits: dict[str, _Edit] = {}
        changed = 0
        for row in table.rows:
            try:
                found = self._edit(table, row)
            except _RowProblem as problem:
                where = f"{table.sheet}!{problem.cell}"
                self._problems.append(Problem(problem.reason, where, row.record_id, problem.detail))
                continue
            if found is not None:
                changed += 1
                _merge(edits.setdefault(row.record_id, _Edit(found.state)), found)
        made, seen = self._decisions(table, edits)
        written = sum(row.state is not None for row in table.rows)
        return _Outcome(made, self._problems, seen, written, changed)

    def _edit(self, table: EditedTable, row: EditedRow) -> _Edit | None:
        """What one row adds and takes away; None where it is as it was written.

        Raises:
            _RowProblem: that cannot be told.
        """
        if row.state is None:
            typed = [heading for heading in table.accepted if row.texts.get(heading, "").strip()]
            if typed:
                cell = f"{table.letters[typed[0]]}{row.number}"
                raise _RowProblem("row_without_record", cell, "this row was about no record when it was written")
            return None
        edit = _Edit(row.state)
        for facet, was in row.state.facets.items():
            if was.heading not in row.texts:
                continue
            cell = f"{table.letters[was.heading]}{row.number}"
            if was.heading in row.computed:
                raise _RowProblem("computed", cell, "holds a formula or an error; type the terms themselves")
            uris = self._uris(row, facet, was, cell)
            before = {term.uri for term in was.accepted}
            new = {uri: facet for uri in uris if uri not in before}
            gone = {uri: facet for uri in before if uri not in uris}
            if new or gone:
                edit.added |= new
                edit.removed |= gone
                edit.cells.append(cell)
            elif (told := row.texts.get(was.uri_heading)) is not None and not _same(told, shown_uris(was.accepted)):
                beside = f"{table.letters[was.uri_heading]}{row.number}"
                raise _RowProblem("not_read", beside, f"this column is not read; write the URI into {cell}")
        if not edit.cells:
            return None
        if row.found_id != row.record_id and row.state.id_heading and not _missing(row.found_id):
            name = str(row.found_id)[:_SHOWN]
            hint = "were some columns sorted without the others?"
            detail = f"the row was about {row.record_id} and is about {name} now; {hint}"
            raise _RowProblem("row_moved", edit.cells[0], detail)
        return edit

    def _uris(self, row: EditedRow, facet: str, was: FacetState, cell: str) -> list[str]:
        """The concepts that the accepted cell names now."""
        try:
            values = split_values(row.texts[was.heading], was.heading)
            return [self._terms.uri(value, facet, was) for value in values]
        except RejectedItem as refusal:
            raise _RowProblem(refusal.reason, cell, refusal.detail) from refusal

    def _decisions(self, table: EditedTable, edits: Mapping[str, _Edit]) -> tuple[list[Decision], dict[str, int]]:
        names = list(edits)
        about = decisions.about(self._database, names)
        records = self._library.catalogue.get_many(names)
        made: list[Decision] = []
        seen: dict[str, int] = {}
        for name, edit in edits.items():
            try:
                some = list(self._decided(edit, records.get(name), about.get(name, [])))
            except RejectedItem as refusal:
                where = f"{table.sheet}!{edit.cells[0]}"
                self._problems.append(Problem(refusal.reason, where, name, refusal.detail))
                continue
            note = f"{clean(self._path.name)}, {clean(table.sheet)}!{edit.cells[0]}"[:500]
            made += [_noted(one, self._who, note) for one in some]
            if some:
                seen[name] = edit.state.number
        return made, seen

    def _decided(self, edit: _Edit, record: Record | None, kept: Sequence[Kept]) -> Iterator[Decision]:
        """Decisions that make the record what its rows say, without who and when.

        Raises:
            RejectedItem: record_gone, contradiction, unknown_term, decided_since or other_library.
        """
        name = edit.state.record_id
        if record is None:
            raise RejectedItem("record_gone", f"the library has no record {name} any more")
        if both := edit.added.keys() & edit.removed.keys():
            raise RejectedItem("contradiction", f"one row of {name} adds {min(both)}, another takes it away")
        holds = {one.concept: one.holds for one in standings(kept)}
        added = [uri for uri in edit.added if not holds.get(uri)]
        removed = [uri for uri in edit.removed if holds.get(uri) is not False]
        if not (added or removed):
            return
        _check_chain(edit.state, kept)
        known = concepts.get_many(self._database, [*added, *removed])
        if unknown := [uri for uri in (*added, *removed) if uri not in known]:
            raise RejectedItem("unknown_term", f"no thesaurus of the library has {unknown[0]} any more")
        for uri in removed:
            yield Decision(name, Action.REJECT, "", "", concept=uri)
        for uri in added:
            offered = next((term for term in edit.state.facets[edit.added[uri]].suggested if term.uri == uri), None)
            yield _accepted(name, offered, record) if offered else Decision(name, Action.OTHER, "", "", value=uri)

    def _tell_columns_gone(self, table: EditedTable) -> None:
        for heading in sorted(table.accepted - table.letters.keys()):
            self._problems.append(
                Problem("column_gone", table.sheet, "", f"there is no column {heading!r} any more; none of it was read")
            )


class _RowProblem(RejectedItem):
    def __init__(self, reason: str, cell: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.cell = cell


def _merge(whole: _Edit, part: _Edit) -> None:
    whole.added |= part.added
    whole.removed |= part.removed
    whole.cells += part.cells


def _check_chain(state: RowState, kept: Sequence[Kept]) -> None:
    """Raises RejectedItem where somebody decided since, or where the row was written from another library."""
    seen = next((one for one in kept if one.number == state.number), None)
    if state.number and (seen is None or seen.hash != state.hash):
        detail = (
            f"decision {state.number} about {state.record_id} is another one here; was it written from another library?"
        )
        raise RejectedItem("other_library", detail)
    newer = [one for one in kept if one.number > state.number]
    if newer:
        one = newer[-1].decision
        raise RejectedItem(
            "decided_since",
            f"{one.who} decided '{one.action}' about {state.record_id} at {one.at}, after this was written; look again",
        )


def _accepted(record_id: str, offered: Term, record: Record) -> Decision:
    """Accepts a suggestion as it was made; its picture is left out where the record shows it no more."""
    there = offered.image in {image.path for image in record.images}
    return Decision(
        record_id, Action.ACCEPT, "", "", concept=offered.uri, image=offered.image if there else None,
        box=offered.box if there else None, model=offered.model, probability=offered.probability,
    )  # fmt: skip


def _noted(one: Decision, who: str, note: str) -> Decision:
    return replace(one, who=who, at=now(), note=note)


def _missing(found: str | RejectedItem) -> bool:
    """Whether there is no id at all: a formula that nobody has worked out yet, or a cell that was emptied."""
    return isinstance(found, RejectedItem) and found.reason == "id_missing"


def _same(text: str, other: str) -> bool:
    try:
        return set(split_values(text, "URI")) == set(split_values(other, "URI"))
    except RejectedItem:
        return False
