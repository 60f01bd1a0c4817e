"""Concepts in a library are found as in memory, replaced whole or not at all, and checked against what came in."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sherd.catalogue import concepts
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.concepts import Found, one_slip
from sherd.catalogue.database import Database
from sherd.catalogue.soundness import Fault, faults, mend
from sherd.errors import InvalidArgument, UnknownConcept
from sherd.thesaurus.folding import fold_label
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus
from sherd.types import Concept
from tests.catalogue.backends import place, sql
from tests.catalogue.shelf import catalogue
from tests.catalogue.vessels import GUI, OFFERING, RITUAL, SCHEME, THEME, TRIPOD, VESSEL, VESSELS


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    shelf = catalogue(tmp_path)
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    yield shelf.database
    shelf.close()


def found(database: Database, text: str, **given: str) -> list[tuple[str, str]]:
    return [(one.uri, one.how) for one in concepts.search(database, text, **given)]  # type: ignore[arg-type]


def test_what_comes_out_is_what_came_in(database: Database) -> None:
    for one in VESSELS:
        assert concepts.concept(database, one.uri) == one
        assert dict(concepts.ancestors(database, one.uri)) == {
            uri: steps for uri, steps in VESSELS.steps_up(one.uri).items() if steps
        }
        assert {uri for uri, _ in concepts.descendants(database, one.uri)} == VESSELS.descendants(one.uri)
    assert list(faults(database)) == []


def test_our_own_thesaurus_comes_out_as_it_came_in(database: Database) -> None:
    own = builtin_thesaurus()
    done = import_thesaurus(database, own, name="own")
    assert (done.concepts, done.labels) == (len(own), own.report.labels)
    assert concepts.get_many(database, [one.uri for one in own]) == {one.uri: one for one in own}
    for label in ("鼎", "圓鼎", "taotie", "cloisonné"):
        assert {one.uri for one in concepts.search(database, label, limit=1_000) if one.how == "exact"} >= set(
            own.find(label)
        )
    assert list(faults(database)) == []


def test_relatives_are_told_nearest_first(database: Database) -> None:
    assert concepts.ancestors(database, GUI) == [(VESSEL, 1), (RITUAL, 1)]
    assert concepts.descendants(database, VESSEL) == [(TRIPOD, 1), (GUI, 1)]
    assert concepts.descendants(database, VESSEL, steps=0) == []


def test_importing_the_same_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    before = _rows(tmp_path)
    done = import_thesaurus(database, VESSELS, name=SCHEME)
    assert (done.changed, done.concepts, done.labels, done.links) == (False, 6, 17, 10)
    assert _rows(tmp_path) == before


def test_an_import_replaces_its_own_thesaurus_and_no_other(database: Database) -> None:
    import_thesaurus(database, Thesaurus.from_concepts([Concept("urn:other", {"en": "vessel"})]), name="other")
    changed = Thesaurus.from_concepts([Concept(VESSEL, {"en": "receptacle"})])
    assert import_thesaurus(database, changed, name=SCHEME).changed
    assert [one.name for one in concepts.stored_thesauri(database)] == [SCHEME, "other"]
    assert found(database, "vessel") == [("urn:other", "exact")]
    assert found(database, "receptacle") == [(VESSEL, "exact")]
    assert concepts.get_many(database, [TRIPOD]) == {}
    assert list(faults(database)) == []


def test_a_library_tells_its_thesauri(database: Database) -> None:
    [one] = concepts.stored_thesauri(database)
    assert (one.name, one.concepts, one.labels) == (SCHEME, 6, 17)
    assert one.report["counts"] == {}
    assert one.report["facets"] == {"vessel": 3, "ritual": 1, "theme": 2}


def test_labels_are_found_the_same_before_the_beginning_before_the_words(database: Database) -> None:
    assert concepts.search(database, "TRIPOD") == [
        Found(TRIPOD, "tripod", "en", True, "vessel", "exact"),
        Found(OFFERING, "offering of a tripod", "en", True, "theme", "words"),
    ]
    assert found(database, "off") == [(OFFERING, "prefix")]
    assert found(database, "tripods of an offering") == []
    assert found(database, "tripods offered") == [(OFFERING, "words")]
    assert found(database, "圆") == [(TRIPOD, "prefix")]
    assert found(database, "足鼎") == [(TRIPOD, "words")]
    assert found(database, "鼎") == [(TRIPOD, "words")]


@pytest.mark.parametrize(
    "slip", ["tripo", "tripood", "tripot", "tirpod", "rtipod", "tripdo", "三足顶", "xgui", "二足鼎"]
)
def test_a_label_is_found_over_one_slip(database: Database, slip: str) -> None:
    [(uri, how)] = found(database, slip)
    assert how == ("prefix" if slip == "tripo" else "near")
    assert uri == (GUI if slip == "xgui" else TRIPOD)


def test_a_text_is_understood_with_its_other_names_and_narrower_ones(database: Database) -> None:
    (one,) = concepts.understand(database, "a Container of clay")
    assert (one.uri, one.words, one.label) == (VESSEL, "Container", "container")
    assert (one.rule, one.narrower) == ("alternative", 2)
    assert {"vessel", "容器", "tripod", "圓鼎", "yuan ding", "gui", "簋"} <= set(one.names)
    assert [found.uri for found in concepts.understand(database, "圆鼎 and a gui")] == [TRIPOD, GUI]
    assert concepts.understand(database, "tripood of clay") == ()


def test_two_slips_and_short_words_are_not_guessed(database: Database) -> None:
    assert found(database, "tirpdo") == found(database, "簠") == found(database, "gu1x") == []


def test_languages_and_facets_narrow(database: Database) -> None:
    assert found(database, "圓鼎", language="zh") == found(database, "圓鼎", language="zh-Hant") == [(TRIPOD, "exact")]
    assert found(database, "圓鼎", language="en") == []
    assert found(database, "yuan ding", language="zh") == []
    assert found(database, "yuan ding", language="zh-Latn") == [(TRIPOD, "exact")]
    assert found(database, "offrande", language="fr") == [(OFFERING, "exact")]
    assert found(database, "tripod", facet="theme") == [(OFFERING, "words")]
    assert found(database, "tripod", facet="nothing") == []


@pytest.mark.parametrize(
    "text", ["", "  ", "\x00", '"', "AND", "tripod*", "a OR b", "NEAR(tripod)", "-", "％", "🏺" * 700]
)
def test_no_text_is_an_error(database: Database, text: str) -> None:
    assert isinstance(concepts.search(database, text), list)


def test_a_limit_is_kept_and_checked(database: Database) -> None:
    assert len(concepts.search(database, "t", limit=1)) == 1
    for limit in (0, 1_001):
        with pytest.raises(InvalidArgument, match=rf"limit is {limit}; give 1 to 1000"):
            concepts.search(database, "t", limit=limit)


def test_a_name_is_a_uri_a_notation_or_a_label(database: Database) -> None:
    for name in (TRIPOD, "V1", "V1(+3)", "圓鼎", "Tripod"):
        assert concepts.resolve(database, name) == [VESSELS.concept(TRIPOD)]
    with pytest.raises(UnknownConcept, match=r"has 'tripot'; near ones are tripod"):
        concepts.resolve(database, "tripot")
    for ask in (concepts.concept, concepts.ancestors, concepts.descendants):
        with pytest.raises(UnknownConcept, match=r"no thesaurus of this library has the concept 'urn:x'"):
            ask(database, "urn:x")


def _apart(a: str, b: str) -> int:
    """Edits between two texts, a swap of neighbours being one (optimal string alignment), by the usual table."""
    table = {(i, j): i + j for i in range(len(a) + 1) for j in range(len(b) + 1) if not i or not j}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            options = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])]
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                options.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(options)
    return table[len(a), len(b)]


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_one_slip_is_an_edit_distance_of_one(a: str, b: str) -> None:
    assert one_slip(a, b) == (_apart(a, b) == 1)


LABELS = st.lists(st.one_of(st.text("abc", min_size=1, max_size=8), st.text("圆圓鼎足", min_size=1, max_size=5),
                            st.text("ab", min_size=22, max_size=30)), min_size=1, max_size=12)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(LABELS, st.randoms(use_true_random=False))
def test_look_ups_agree_with_looking_at_every_label(database: Database, labels: list[str], rng: random.Random) -> None:
    made = Thesaurus.from_concepts(Concept(f"urn:{n}", {"en": label}) for n, label in enumerate(labels))
    import_thesaurus(database, made, name=SCHEME)
    for wanted in [*labels, *(label[: len(label) // 2 + 1] for label in labels), rng.choice(labels)[1:], "acb", "圆足"]:
        folded = fold_label(wanted)
        all_ = {f"urn:{n}": fold_label(label) for n, label in enumerate(labels)}
        got = concepts.search(database, wanted, limit=1_000)
        by_how = {how: {one.uri for one in got if one.how == how} for how in ("exact", "prefix", "near")}
        exact = {uri for uri, label in all_.items() if label == folded}
        prefix = {uri for uri, label in all_.items() if label.startswith(folded)} - exact
        assert by_how["exact"] == exact if folded else not got
        if folded:
            assert by_how["prefix"] == prefix
        if folded and len(folded) >= 3 and not got:
            assert not [label for label in all_.values() if _apart(folded, label) == 1]
        assert all(_apart(folded, all_[uri]) == 1 for uri in by_how["near"])


HARM = {
    "a label": "UPDATE concept_labels SET label = 'tripot' WHERE label = 'tripod'",
    "a folded label": "UPDATE concept_labels SET folded = 'x' WHERE folded = 'tripod'",
    "a label less": "DELETE FROM concept_labels WHERE label = 'gui'",
    "a step": "UPDATE concept_closure SET distance = 3 WHERE distance = 1",
    "a link less": "DELETE FROM concept_closure WHERE distance = 1",
    "words": "UPDATE concept_words SET words = 'nothing' WHERE rowid = 4",
    "words less": "DELETE FROM concept_words WHERE rowid = 4",
    "a facet": "UPDATE concepts SET facet = 'other' WHERE number = 2",
    "words of no label": "INSERT INTO concept_words(rowid, words) VALUES (999, 'lost')",
}


@pytest.mark.parametrize("what", HARM)
def test_what_was_compiled_is_checked_and_compiled_again(database: Database, tmp_path: Path, what: str) -> None:
    sql(tmp_path, HARM[what])
    wrong = list(faults(database))
    assert {one.kind for one in wrong} == {"words_altered"}
    mend(database, wrong)
    assert list(faults(database)) == []
    assert found(database, "tripod") == [(TRIPOD, "exact"), (OFFERING, "words")]


def test_altered_concepts_are_told_and_come_back_with_the_next_import(database: Database, tmp_path: Path) -> None:
    sql(tmp_path, """UPDATE concepts SET body = '{"pref_labels":{"en":"fake"}}' WHERE number = 2""")
    wrong = list(faults(database))
    told = "its concepts are not those that were imported; import it again"
    assert wrong == [Fault("thesaurus_altered", told, f"thesaurus {SCHEME}", 1)]
    mend(database, wrong)
    assert list(faults(database)) == wrong
    assert import_thesaurus(database, VESSELS, name=SCHEME).changed
    assert list(faults(database)) == []


CHILD = """
import os, signal, sys
from sherd.catalogue import concept_writing
from sherd.catalogue.catalogue import Catalogue
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept

left = int(sys.argv[2])
insert = concept_writing._insert

def counted(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    insert(*arguments)

concept_writing._insert = counted
new = Thesaurus.from_concepts(Concept(f"urn:{n}", {"en": f"label {n}"}) for n in range(20))
shelf = Catalogue.open(sys.argv[1])
concept_writing.import_thesaurus(shelf.database, new, name=sys.argv[3])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("inserts", [0, 1, 2, 9])
def test_a_killed_import_leaves_the_old_thesaurus_or_the_new_one(
    database: Database, tmp_path: Path, inserts: int
) -> None:
    command = [sys.executable, "-c", CHILD, str(place(tmp_path)), str(inserts), SCHEME]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert list(faults(database)) == []
    if inserts < 9:
        assert concepts.concept(database, TRIPOD) == VESSELS.concept(TRIPOD)
        assert found(database, "label 7") == []
    else:
        assert found(database, "label 7") == [("urn:7", "exact")]
        assert concepts.get_many(database, [TRIPOD, THEME]) == {}


def _rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    names = ("thesauri", "concepts", "concept_labels", "concept_closure", "concept_words", "meta")
    return {name: sql(folder, f"SELECT * FROM {name} ORDER BY 1") for name in names}
