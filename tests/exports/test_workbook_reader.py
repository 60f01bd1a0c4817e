from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from sherd.catalogue import decisions
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.standings import standings
from sherd.errors import DecisionConflict, InvalidArgument, SourceError
from sherd.exports import workbook_reader
from sherd.exports.described import Author, Described, describe
from sherd.exports.sheet_fill import WorkbookOptions
from sherd.exports.workbook import STATE_TITLE, write_workbook
from sherd.exports.workbook_reader import Imported, import_workbook, read_workbook
from sherd.ingest.library import Library
from sherd.suggest.review import decide
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Action, Box, Concept, Decision
from tests.catalogue.vessels import GUI, OFFERING, TRIPOD
from tests.exports.museum_book import described, edit, heads, library_in, museum_book

AT = "2026-11-27T10:00:00+00:00"
OTHER_GUI = "urn:other:gui"
Back = Callable[..., Path]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library, and exports from it in both languages, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    library = library_in(folder / "library")
    decide(library, [Decision("1982.30.1", Action.ACCEPT, "Li", AT, concept=TRIPOD)])
    museum_book(folder / "source.xlsx")
    for language in ("en", "zh"):
        options = WorkbookOptions(language=language, facets=("theme", "vessel"))
        write_workbook(
            library, described(library), folder / "source.xlsx", folder / f"{language}.xlsx", options=options
        )
    library.close()
    return folder


@pytest.fixture
def library(template: Path, tmp_path: Path) -> Iterator[Library]:
    shutil.copytree(template / "library", tmp_path / "library")
    with Library.open(tmp_path / "library") as library:
        yield library


@pytest.fixture
def back(template: Path, tmp_path: Path) -> Back:
    """An export that was typed into: `back(vessel={6: "tripod"})`."""

    def make(typed: dict[str, Any] | None = None, *, language: str = "en", **by_facet: dict[int, Any]) -> Path:
        target = tmp_path / "back.xlsx"
        shutil.copyfile(template / f"{language}.xlsx", target)
        at = heads(target)
        changes = {
            f"{at[f'Sherd: {facet} (accepted)']}{row}": value
            for facet, rows in by_facet.items()
            for row, value in rows.items()
        }
        return edit(target, {**changes, **(typed or {})})

    return make


def holds(library: Library, record: str) -> dict[str, bool]:
    kept = decisions.about(library.catalogue.database, [record]).get(record, [])
    return {one.concept: one.holds for one in standings(kept)}


def told(made: list[Decision]) -> list[tuple[str, Action, str | None, str | None]]:
    return [(one.record_id, one.action, one.concept, one.value) for one in made]


def test_what_was_not_edited_gives_nothing(library: Library, back: Back) -> None:
    path = back()
    assert read_workbook(library, path, "Ann") == ([], [])
    assert import_workbook(library, path, "Ann") == Imported(4, 0, 0, 0, 0, ())
    assert decisions.head(library.catalogue.database).number == 1


def test_suggestions_are_accepted_terms_rejected_and_others_named(library: Library, back: Back) -> None:
    path = back(vessel={4: "gui", 6: "tripod"}, theme={7: OFFERING})
    made, problems = read_workbook(library, path, "Ann")
    assert problems == []
    assert told(made) == [
        ("1982.30.1", Action.REJECT, TRIPOD, None),
        ("1982.30.1", Action.OTHER, None, GUI),
        ("bell", Action.ACCEPT, TRIPOD, None),
        ("0012", Action.ACCEPT, OFFERING, None),
    ]
    bell = made[2]
    assert (bell.image, bell.box, bell.probability, bell.model) == (
        "c/bell.jpg", Box(0.1, 0.2, 0.3, 0.4), 0.91, "toy 0123",
    )  # fmt: skip
    assert (bell.who, bell.note) == ("Ann", "back.xlsx, 藏品总账!N6")
    assert decisions.head(library.catalogue.database).number == 1
    assert import_workbook(library, path, "Ann") == Imported(4, 3, 2, 1, 1, ())
    assert holds(library, "1982.30.1") == {TRIPOD: False, GUI: True}
    assert holds(library, "bell") == {TRIPOD: True}
    assert list(decisions.faults(library.catalogue.database)) == []


def test_importing_twice_changes_nothing_the_second_time(library: Library, back: Back) -> None:
    path = back(vessel={4: None, 6: "gui\ntripod", 5: "圓鼎、V1"}, theme={7: "offering of a tripod"})
    first = import_workbook(library, path, "Ann")
    assert (first.accepted, first.added, first.rejected, first.problems) == (3, 1, 1, ())
    head = decisions.head(library.catalogue.database)
    assert import_workbook(library, path, "Ann") == replace(first, accepted=0, added=0, rejected=0)
    assert decisions.head(library.catalogue.database) == head
    assert holds(library, "1982.30.1") == {TRIPOD: False}
    assert holds(library, "v-7") == {TRIPOD: True}


def test_a_round_trip_says_the_same(library: Library, back: Back, tmp_path: Path) -> None:
    """What was typed, imported and exported again stands in the cells as it was typed."""
    typed = {4: "gui", 5: "tripod; gui", 6: None, 7: "vessel"}
    import_workbook(library, back(vessel=typed), "Ann")
    source = museum_book(tmp_path / "source.xlsx")
    write_workbook(library, describe(library), source, tmp_path / "second.xlsx")
    sheet = load_workbook(tmp_path / "second.xlsx")["藏品总账"]
    letter = heads(tmp_path / "second.xlsx")["Sherd: vessel (accepted)"]
    assert {row: sheet[f"{letter}{row}"].value for row in typed} == typed
    assert read_workbook(library, tmp_path / "second.xlsx", "Ann") == ([], [])


def test_order_spaces_and_other_words_for_the_same_are_no_change(library: Library, back: Back) -> None:
    for value in (" tripod ", "圆鼎", "圓鼎", TRIPOD, "V1", "tripod;\ntripod"):
        assert read_workbook(library, back(vessel={4: value}), "Ann") == ([], [])


@pytest.mark.parametrize(
    ("facet", "value", "reason", "text"),
    [
        ("vessel", "tirpod", "unknown_term", "no term 'tirpod'; near ones are tripod"),
        ("vessel", "zzzz", "unknown_term", "no term 'zzzz'; none is near"),
        ("vessel", "gui; nothing", "unknown_term", "no term 'nothing'"),
        ("theme", "gui", "other_facet", "'gui' is a term of the facet vessel"),
        ("vessel", "=A1", "computed", "holds a formula"),
        ("vessel", 12, "unknown_term", "no term '12'"),
        ("vessel", "x" * 30_000, "unknown_term", "has 30000 characters"),
        ("vessel", ";".join(f"t{n}" for n in range(1_100)), "field_invalid", "1100 values"),
    ],
)
def test_a_word_that_is_not_understood_is_a_problem_of_its_row_alone(
    library: Library, back: Back, facet: str, value: Any, reason: str, text: str
) -> None:
    path = back(vessel={4: "gui"})
    letter = heads(path)[f"Sherd: {facet} (accepted)"]
    made, (problem,) = read_workbook(library, edit(path, {f"{letter}6": value}), "Ann")
    assert (problem.reason, problem.where, problem.record_id) == (reason, f"藏品总账!{letter}6", "bell")
    assert text in problem.text
    assert {one.record_id for one in made} == {"1982.30.1"}
    assert str(problem).startswith(f"藏品总账!{letter}6: ")


def test_a_label_of_two_concepts_must_be_told_by_its_uri(library: Library, back: Back) -> None:
    twin = Concept(OTHER_GUI, {"en": "gui"}, broader=("urn:other:vessel",))
    others = Thesaurus.from_concepts([Concept("urn:other:vessel", {"en": "other"}), twin])
    import_thesaurus(library.catalogue.database, others, name="urn:other")
    _, (problem,) = read_workbook(library, back(vessel={5: "gui"}), "Ann")
    assert (problem.reason, OTHER_GUI in problem.text, GUI in problem.text) == ("ambiguous_term", True, True)
    # In the row where gui was suggested it is that one that is meant.
    made, problems = read_workbook(library, back(vessel={5: OTHER_GUI, 6: "gui"}), "Ann")
    assert problems == []
    assert told(made) == [("v-7", Action.OTHER, None, OTHER_GUI), ("bell", Action.ACCEPT, GUI, None)]


def test_what_others_decided_since_is_a_conflict(library: Library, back: Back) -> None:
    path = back(vessel={4: "gui", 6: "gui"})
    decide(library, [Decision("bell", Action.REJECT, "Li", AT, concept=TRIPOD)])
    result = import_workbook(library, path, "Ann")
    (problem,) = result.problems
    assert (problem.reason, problem.record_id) == ("decided_since", "bell")
    assert "Li decided 'reject' about bell" in problem.text
    assert holds(library, "bell") == {TRIPOD: False}
    assert holds(library, "1982.30.1") == {TRIPOD: False, GUI: True}


def test_what_others_decided_while_it_was_written_counts_as_unseen(library: Library, tmp_path: Path) -> None:
    def meanwhile() -> Iterator[Described]:
        yield from list(described(library))
        decide(library, [Decision("bell", Action.REJECT, "Li", AT, concept=TRIPOD)])

    target = tmp_path / "b.xlsx"
    write_workbook(library, meanwhile(), museum_book(tmp_path / "a.xlsx"), target)
    edit(target, {f"{heads(target)['Sherd: vessel (accepted)']}6": "tripod"})
    made, (problem,) = read_workbook(library, target, "Ann")
    assert (made, problem.reason) == ([], "decided_since")


def test_a_row_that_was_not_changed_is_no_conflict(library: Library, back: Back) -> None:
    path = back(vessel={4: "gui"})
    decide(library, [Decision("bell", Action.REJECT, "Li", AT, concept=TRIPOD)])
    assert import_workbook(library, path, "Ann").problems == ()


def test_what_holds_already_is_no_conflict(library: Library, back: Back) -> None:
    path = back(vessel={6: "tripod"})
    decide(library, [Decision("bell", Action.ACCEPT, "Li", AT, concept=TRIPOD)])
    assert read_workbook(library, path, "Ann") == ([], [])


def test_a_decision_between_reading_and_keeping_is_a_conflict_too(
    library: Library, back: Back, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = back(vessel={6: "tripod"})

    def late(library: Library, made: list[Decision], *, seen: dict[str, int]) -> Any:
        if made:
            decide(library, [Decision("bell", Action.REJECT, "Li", AT, concept=TRIPOD)])
        return decide(library, made, seen=seen)

    monkeypatch.setattr(workbook_reader, "decide", late)
    result = import_workbook(library, path, "Ann")
    assert [one.reason for one in result.problems] == ["decided_since"]
    assert holds(library, "bell") == {TRIPOD: False}

    def always(*_: object, **__: object) -> None:
        raise DecisionConflict("again")

    monkeypatch.setattr(workbook_reader, "decide", always)
    with pytest.raises(DecisionConflict):
        import_workbook(library, path, "Ann")


def test_a_workbook_of_another_library_is_noticed(library: Library, back: Back, tmp_path: Path) -> None:
    path = back(vessel={4: "gui"})
    with_other = library_in(tmp_path / "other")
    decide(with_other, [Decision("1982.30.1", Action.ACCEPT, "Bo", AT, concept=TRIPOD)])
    _, (problem,) = read_workbook(with_other, path, "Ann")
    assert problem.reason == "other_library"
    with_other.close()


def test_rows_may_be_sorted_and_deleted_with_all_their_columns(library: Library, back: Back) -> None:
    path = back(vessel={6: "tripod"})
    book = load_workbook(path)
    sheet = book["藏品总账"]
    sheet.unmerge_cells("C7:C8")
    rows = {number: [cell.value for cell in sheet[number]] for number in range(4, 9)}
    for new, old in {4: 8, 5: 6, 6: 7, 7: 4, 8: None}.items():
        for cell in sheet[new]:
            cell.value = rows[old][cell.column - 1] if old else None
    sheet["A6"].number_format = "0000"
    book.save(path)
    made, problems = read_workbook(library, path, "Ann")
    assert (told(made), problems) == ([("bell", Action.ACCEPT, TRIPOD, None)], [])


def test_columns_sorted_without_the_others_are_noticed(library: Library, back: Back) -> None:
    made, (problem,) = read_workbook(library, back({"A6": "v-7", "A5": "bell"}, vessel={6: "tripod"}), "Ann")
    assert (made, problem.reason) == ([], "row_moved")
    assert "was about bell and is about v-7 now" in problem.text


def test_terms_beside_a_row_without_a_record_are_told(library: Library, back: Back) -> None:
    _, (problem,) = read_workbook(library, back(vessel={8: "gui"}), "Ann")
    assert problem.reason == "row_without_record"


def test_a_uri_in_the_column_that_only_tells_is_no_silent_loss(library: Library, back: Back) -> None:
    path = back()
    letter = heads(path)["Sherd: vessel URI"]
    made, (problem,) = read_workbook(library, edit(path, {f"{letter}6": GUI}), "Ann")
    assert (made, problem.reason, problem.where) == ([], "not_read", f"藏品总账!{letter}6")


def test_a_column_that_is_gone_takes_nothing_away(library: Library, back: Back) -> None:
    path = back()
    made, (problem,) = read_workbook(library, edit(path, {f"{heads(path)['Sherd: vessel (accepted)']}3": None}), "Ann")
    assert (made, problem.reason) == ([], "column_gone")


def test_rows_of_one_record_must_not_contradict(library: Library, back: Back, tmp_path: Path) -> None:
    source = museum_book(tmp_path / "views.xlsx")
    edit(source, {"A5": "1982.30.1"})
    target = tmp_path / "out.xlsx"
    write_workbook(library, described(library), source, target, options=WorkbookOptions(facets=("vessel",)))
    letter = heads(target)["Sherd: vessel (accepted)"]
    edit(target, {f"{letter}4": "gui; tripod"})
    assert told(read_workbook(library, target, "Ann")[0]) == [("1982.30.1", Action.OTHER, None, GUI)]
    edit(target, {f"{letter}4": None, f"{letter}5": "gui; tripod"})
    assert told(read_workbook(library, target, "Ann")[0]) == [
        ("1982.30.1", Action.REJECT, TRIPOD, None),
        ("1982.30.1", Action.OTHER, None, GUI),
    ]


def test_ids_that_a_formula_makes_are_known_by_the_record_beside_them(library: Library, tmp_path: Path) -> None:
    """Their results are gone until a program works them out again; the record's own column is there."""
    source = museum_book(tmp_path / "a.xlsx")
    target = tmp_path / "b.xlsx"
    write_workbook(library, described(library), source, target)
    edit(target, {"A6": '="be"&"ll"', f"{heads(target)['Sherd: vessel (accepted)']}6": "tripod"})
    made, problems = read_workbook(library, target, "Ann")
    assert (told(made), problems) == ([("bell", Action.ACCEPT, TRIPOD, None)], [])


def test_chinese_columns_are_read_too(library: Library, back: Back) -> None:
    path = back(language="zh")
    made, problems = read_workbook(library, edit(path, {f"{heads(path)['Sherd：容器（已采纳）']}6": "簋、圆鼎"}), "Ann")
    assert (told(made), problems) == ([("bell", Action.ACCEPT, GUI, None), ("bell", Action.ACCEPT, TRIPOD, None)], [])


def test_the_name_must_be_said(library: Library, back: Back) -> None:
    with pytest.raises(InvalidArgument, match="who decides"):
        import_workbook(library, back(vessel={6: "tripod"}), " ")


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "{" * 5_000, '{"v":2}', '{"v":1,"r":1,"n":"x","h":"","i":"","f":{}}',
        '{"v":1,"r":"a","n":0,"h":"","i":"","f":{"m":{"a":1,"u":2,"t":[],"s":[]}}}',
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused(library: Library, back: Back, text: str) -> None:
    path = back()
    book = load_workbook(path)
    sheet = book[STATE_TITLE]
    for row in range(3, sheet.max_row + 1):
        sheet.cell(row, 1).value = text or None
    book.save(path)
    with pytest.raises(SourceError, match=r"what Sherd kept|was written in form 2|is no workbook that Sherd wrote"):
        read_workbook(library, path, "Ann")


def test_a_workbook_that_sherd_did_not_write_is_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no workbook that Sherd wrote"):
        read_workbook(library, museum_book(tmp_path / "a.xlsx"), "Ann")
    (tmp_path / "a.ods").write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"save it as .xlsx"):
        read_workbook(library, tmp_path / "a.ods", "Ann")


def test_another_sheet_put_first_is_refused_not_misread(library: Library, back: Back) -> None:
    path = back(vessel={6: "tripod"})
    book = load_workbook(path)
    book.move_sheet("统计", -1)
    book.save(path)
    with pytest.raises(SourceError, match="put that sheet first"):
        read_workbook(library, path, "Ann")


def test_what_a_state_says_beyond_the_library_does_no_harm(library: Library, back: Back) -> None:
    """A picture that the record does not show, a concept that no thesaurus has."""
    path = back(vessel={6: "tripod; gone"})
    book = load_workbook(path)
    sheet = book[STATE_TITLE]
    for row in range(3, sheet.max_row + 1):
        text = str(sheet.cell(row, 1).value)
        sheet.cell(row, 1).value = (
            text.replace("c/bell.jpg", "../x").replace(GUI, "urn:gone").replace('"gui"', '"gone"')
        )
    book.save(path)
    made, (problem,) = read_workbook(library, path, "Ann")
    assert (made, problem.reason) == ([], "unknown_term")
    made, problems = read_workbook(library, edit(path, {problem.where.split("!")[1]: "tripod"}), "Ann")
    assert [(one.image, one.box) for one in made] == [(None, None)]
    assert problems == []


def test_authors_of_what_was_read_are_persons(library: Library, back: Back) -> None:
    import_workbook(library, back(vessel={6: "tripod"}), "Ann")
    (said,) = next(describe(library, ["bell"])).by(Author.PERSON)
    assert (said.who, said.concept.uri, said.box) == ("Ann", TRIPOD, Box(0.1, 0.2, 0.3, 0.4))
