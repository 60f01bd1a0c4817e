from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sherd.metrics.calibration import expected_calibration_error
from sherd.suggest import evidence as evidence_module
from sherd.suggest.evidence import FEATURES, Examples, Looks, gather_evidence, nearest_examples
from sherd.suggest.known import Place
from sherd.suggest.learn import (
    LEAST_CASES,
    FacetModel,
    Ladder,
    Truth,
    by_record,
    chosen,
    first_rows,
    fit_facet,
    guesses,
    truth_of,
)  # fmt: skip
from sherd.types import Box, FloatArray
from tests.suggest.worlds import LEAVES, TREE, collection, concepts

NAMES = concepts()
URIS = [one.uri for one in NAMES.concepts]
LADDER = Ladder.of(URIS, TREE)
BEAST, FLOWER = URIS.index("urn:beast"), URIS.index("urn:flower")

Right = dict[str, dict[str, Place | None]]


def truth(looks: Looks, right: Right, wrong: dict[str, frozenset[str]] | None = None) -> Truth:
    no = wrong or {}
    return truth_of(
        [right.get(record, {}) for record in looks.records],
        [no.get(record, frozenset()) for record in looks.records],
        URIS,
        LADDER,
    )


def fitted(looks: Looks, right: Right) -> tuple[FacetModel, FloatArray]:
    evidence = gather_evidence(looks, NAMES, Examples.of(looks, right))
    model = fit_facet(evidence, truth(looks, right), LADDER, looks.records)
    assert model is not None
    return model, evidence


def test_the_ladder_knows_who_is_above_whom() -> None:
    assert LADDER.above[URIS.index("urn:beast3")] == (BEAST,)
    assert LADDER.above[BEAST] == ()
    assert not LADDER.leaf[[BEAST, FLOWER]].any()
    assert LADDER.leaf.sum() == len(LEAVES)
    scores = np.zeros((1, len(URIS)))
    scores[0, URIS.index("urn:beast3")] = 0.7
    assert LADDER.lifted(scores)[0, BEAST] == 0.7
    assert LADDER.lifted(scores)[0, FLOWER] == 0


def test_what_is_known_reaches_up_and_leaves_open_what_is_below() -> None:
    looks, _ = collection(3)
    found = truth(
        looks, {"r0000": {"urn:beast1": None}, "r0001": {"urn:flower": None}}, {"r0002": frozenset({"urn:beast"})}
    )
    beast1, beast2, flower2 = (URIS.index(f"urn:{name}") for name in ("beast1", "beast2", "flower2"))
    assert found.holds[0, [beast1, BEAST]].all()
    assert found.known[0].all()
    assert found.holds[0].sum() == 2
    # only the kind is said, so each of its leaves may be it
    assert found.holds[1, FLOWER]
    assert not found.known[1, flower2]
    assert found.known[1, beast2]
    # of the third, one thing is known
    assert found.known[2].sum() == 1
    assert not found.holds[2].any()


def test_what_is_said_beside_something_narrower_leaves_nothing_open() -> None:
    looks, _ = collection(1)
    found = truth(looks, {"r0000": {"urn:beast": None, "urn:beast1": None}})
    assert found.known[0].all()
    assert [URIS[n] for n in np.flatnonzero(found.own[0])] == ["urn:beast1"]
    assert found.holds[0, BEAST]


def test_records_of_many_pictures_count_once() -> None:
    """Four pictures a record: the one that speaks most for a concept speaks for the record, right or wrong."""
    looks, right = collection(1_600, noise=0.3)
    names = tuple(f"r{n // 4:04}" for n in range(1_600))  # what is true of the first of four is said of the record
    looks = replace(looks, records=names)
    known = {name: right[f"r{4 * n:04}"] for n, name in enumerate(dict.fromkeys(names))}
    half = {name: known[name] for name in names[:800]}
    model, _ = fitted(looks.rows(np.arange(800)), half)
    assert model.cases == 200
    rest = looks.rows(np.arange(800, 1_600))
    scores = model.scores(gather_evidence(rest, NAMES, Examples.of(looks, half)), LADDER)
    said = model.probabilities(by_record(scores, rest.records), LADDER)
    true = truth(rest, known).rows(first_rows(rest.records))
    assert expected_calibration_error(said.ravel(), true.holds.ravel()) < 0.03
    few = looks.rows(np.arange(4 * (LEAST_CASES - 1)))
    evidence = gather_evidence(few, NAMES, Examples.of(few, half))
    assert fit_facet(evidence, truth(few, half), LADDER, few.records) is None


def test_a_picture_is_no_example_of_itself() -> None:
    looks, right = collection(40)
    alone = {"r0000": right["r0000"]}
    evidence = gather_evidence(looks, NAMES, Examples.of(looks, alone))
    (uri,) = right["r0000"]
    place = URIS.index(uri)
    seen, like = FEATURES.index("seen"), FEATURES.index("like, whole")
    assert evidence[0, place, seen] == 0
    assert evidence[0, place, like] == 0
    assert evidence[1, place, seen] == 1
    twin = Looks(
        looks.keys, ("r0000", "r0000", *looks.records[2:]), looks.images, looks.objects, looks.parts, looks.boxes
    )
    evidence = gather_evidence(twin, NAMES, Examples.of(twin, alone))
    assert evidence[1, place, seen] == 0


def test_an_example_is_the_part_that_was_pointed_at() -> None:
    looks, _ = collection(5)
    place = Place("r0000.jpg", Box(0.55, 0.05, 0.4, 0.4))
    examples = Examples.of(looks, {"r0000": {"urn:beast1": place}, "r0001": {"urn:beast1": Place("other.jpg", None)}})
    assert examples.rows["urn:beast1"].tolist() == [0]
    assert examples.parts["urn:beast1"].tolist() == [1]
    [(record, cosine)] = nearest_examples(looks.objects[0], examples, "urn:beast1", "r0003")
    assert (record, round(cosine, 4)) == ("r0000", 1)
    assert nearest_examples(looks.objects[0], examples, "urn:beast1", "r0000") == []


def test_probabilities_are_what_they_say_on_records_never_seen() -> None:
    looks, right = collection(900)
    known = {record: right[record] for record in looks.records[:450]}
    model, _ = fitted(looks.rows(np.arange(450)), known)
    rest = looks.rows(np.arange(450, 900))
    scores = model.scores(gather_evidence(rest, NAMES, Examples.of(looks, known)), LADDER)
    said = model.probabilities(scores, LADDER)
    true = truth(rest, right)
    assert expected_calibration_error(said.ravel(), true.holds.ravel()) < 0.02
    assert (said[:, LADDER.leaf].argmax(1) == true.own[:, LADDER.leaf].argmax(1)).mean() > 0.8
    assert (said[:, [BEAST]] >= said[:, [URIS.index(f"urn:beast{n}") for n in range(6)]]).all()
    held = (scores >= model.threshold(0.9))[true.own]
    assert 0.85 < held.mean() < 0.96


def test_examples_teach_what_names_do_not_tell() -> None:
    looks, right = collection(600, accent=2.5)
    known = {record: right[record] for record in looks.records[:400]}
    rest = looks.rows(np.arange(400, 600))
    true = truth(rest, right).own[:, LADDER.leaf].argmax(1)
    by_name = gather_evidence(rest, NAMES, Examples.of(looks, {}))[..., 1]
    model, _ = fitted(looks.rows(np.arange(400)), known)
    scores = model.scores(gather_evidence(rest, NAMES, Examples.of(looks, known)), LADDER)
    said = model.probabilities(scores, LADDER)
    learnt = (said[:, LADDER.leaf].argmax(1) == true).mean()
    assert learnt > (by_name[:, LADDER.leaf].argmax(1) == true).mean() + 0.2


def test_too_little_is_no_model() -> None:
    looks, right = collection(LEAST_CASES - 1)
    evidence = gather_evidence(looks, NAMES, Examples.of(looks, right))
    assert fit_facet(evidence, truth(looks, right), LADDER, looks.records) is None
    nothing = truth(looks, {})
    assert fit_facet(evidence, nothing, LADDER, looks.records) is None


def test_what_is_suggested_is_the_most_special_that_is_likely_enough() -> None:
    row = np.full(len(URIS), 0.01)
    beast1, beast2 = URIS.index("urn:beast1"), URIS.index("urn:beast2")
    row[[BEAST, beast1, FLOWER]] = 0.8, 0.6, 0.55
    assert chosen(row, LADDER, 0.5) == [beast1, FLOWER]
    assert chosen(row, LADDER, 0.7) == [BEAST]
    assert chosen(row, LADDER, 0.9) == []
    skipped = np.zeros(len(URIS), bool)
    skipped[beast1] = True
    assert chosen(row, LADDER, 0.5, skipped=skipped) == [BEAST, FLOWER]
    # a kind that is likelier than any of its leaves comes first, and its leaves may follow; not the other way round
    assert guesses(row, LADDER, 3) == [BEAST, beast1, FLOWER]
    row[[beast1, beast2]] = 0.8, 0.7
    assert guesses(row, LADDER, 3) == [beast1, beast2, FLOWER]


def test_of_very_many_examples_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, right = collection(200)
    everything = Examples.of(looks, right)
    monkeypatch.setattr(evidence_module, "MOST_EXAMPLES", 5)
    some = Examples.of(looks, right)
    for uri, rows in everything.rows.items():
        assert some.rows[uri].size == min(rows.size, 5)
        assert set(some.rows[uri]) <= set(rows)
        assert some.parts[uri].size == some.rows[uri].size
    assert some.rows["urn:beast1"][[0, -1]].tolist() == everything.rows["urn:beast1"][[0, -1]].tolist()
