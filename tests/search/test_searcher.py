"""Search as a whole, on pictures whose colours the toy encoder knows."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from sherd.catalogue.catalogue import Shown
from sherd.catalogue.filters import Where
from sherd.encoder.toy import ToyEncoder
from sherd.errors import CorruptData, EncoderMismatch, InvalidArgument
from sherd.search.calibrate import Curve
from sherd.search.confidence import Confidence, save_confidence
from sherd.search.searcher import Searcher, level_of
from sherd.search.settings import SearchSettings
from sherd.types import Box, KeyArray, Level, Query
from sherd.vectors.faiss_index import IndexSettings
from tests.search.memory import COLOURS, MemoryLibrary, plain, quarters


@pytest.fixture
def library(tmp_path: Path) -> MemoryLibrary:
    made = MemoryLibrary(tmp_path)
    made.add(("R-1", plain("red")), title="a red bowl", culture="Tang", material="clay")
    made.add(("G-1", plain("green")), title="a green bowl", culture="Tang", material="jade")
    made.add(("B-1", plain("blue")), title="a bowl", culture="Song", material="clay")
    made.add(("Q-1", quarters("white", "white", "purple", "white")), title="a dish", culture="Song", material="clay")
    return made


def searcher(library: MemoryLibrary, **settings: float) -> Searcher:
    return Searcher(library, library.encoder, settings=replace(SearchSettings(), **settings))  # type: ignore[arg-type]


def ids(library: MemoryLibrary, query: Query, **settings: float) -> list[str]:
    return [hit.record_id for hit in searcher(library, **settings).search(query).hits]


def test_a_text_finds_the_picture_and_the_part(library: MemoryLibrary) -> None:
    assert ids(library, Query(text="red"))[0] == "R-1"
    first = searcher(library).search(Query(text="紫 purple")).hits[0]
    assert first.record_id == "Q-1"
    assert first.level is Level.PART
    assert first.region is not None
    assert first.region.image == first.image == "photos/Q-1-4.jpg"
    assert first.region.box == Box(0, 0.5, 0.5, 0.5)
    assert first.title == "a dish"
    assert first.probability is None


def test_the_reasons_add_up_to_the_score(library: MemoryLibrary) -> None:
    for query in (Query(text="red bowl"), Query(text="bowl", minus="green"), Query(image=plain("red"))):
        for hit in searcher(library).search(query).hits:
            assert hit.score == pytest.approx(sum(hit.reasons.values()), abs=1e-9)
            assert {"object", "part", "lexical"} <= hit.reasons.keys()


def test_a_picture_finds_itself_and_the_whole_of_it_matches(library: MemoryLibrary) -> None:
    hit = searcher(library).search(Query(image=plain("blue"))).hits[0]
    assert (hit.record_id, hit.level) == ("B-1", Level.OBJECT)
    assert hit.region is not None
    assert hit.region.box == Box(0, 0, 1, 1)
    assert hit.score == pytest.approx(1, abs=2e-3)


def test_a_box_finds_the_part_that_looks_like_what_is_inside(library: MemoryLibrary) -> None:
    query = Query(image=quarters("green", "purple", "green", "green"), box=Box(0.5, 0, 0.5, 0.5))
    hit = searcher(library).search(query).hits[0]
    assert (hit.record_id, hit.level) == ("Q-1", Level.PART)
    assert hit.region is not None
    assert hit.region.box == Box(0, 0.5, 0.5, 0.5)


def test_text_and_picture_are_asked_together(library: MemoryLibrary) -> None:
    library.add(("RB-1", quarters("red", "blue", "red", "blue")))
    assert ids(library, Query(text="red", image=plain("blue")), lexical=0)[0] == "RB-1"
    assert ids(library, Query(text="red", image=plain("blue")), text_share=0)[0] == "B-1"
    assert ids(library, Query(text="red", image=plain("blue")), text_share=1)[0] == "R-1"
    boxed = Query(text="red", image=plain("blue"), box=Box(0, 0, 0.5, 0.5))
    assert ids(library, boxed, lexical=0)[0] == "RB-1"


def test_what_is_not_wanted_sinks(library: MemoryLibrary) -> None:
    library.add(("RG-1", quarters("red", "green", "red", "green")), ("RB-1", quarters("red", "blue", "red", "blue")))
    assert ids(library, Query(text="red", k=3))[0] == "R-1"
    order = ids(library, Query(text="red", minus="green", k=10))
    assert order.index("RB-1") < order.index("RG-1")
    assert order.index("G-1") > order.index("B-1")
    hit = searcher(library).search(Query(text="red", minus="green")).hits[0]
    assert hit.reasons["minus"] <= 0


def test_words_in_the_title_count_and_are_shown(library: MemoryLibrary) -> None:
    hits = searcher(library).search(Query(text="dish")).hits
    assert hits[0].record_id == "Q-1"
    assert hits[0].reasons["lexical"] == pytest.approx(0.15)
    assert ids(library, Query(text="dish"), lexical=0) != [hit.record_id for hit in hits]


def test_words_find_what_the_picture_search_did_not_bring(library: MemoryLibrary) -> None:
    for n in range(20):
        library.add((f"P-{n:02}", plain("purple")))
    assert "B-1" not in ids(library, Query(text="purple bowl", k=1), candidates=1, lexical=0)
    found = ids(library, Query(text="purple bowl", k=1), candidates=1, lexical=5)
    assert found[0] in {"B-1", "G-1", "R-1"}


def test_filters_hold_and_an_empty_answer_says_why(library: MemoryLibrary) -> None:
    assert set(ids(library, Query(text="red", where={"culture": ("Song",)}))) == {"B-1", "Q-1"}
    both = Query(text="red", where={"culture": ("Song", "Tang"), "material": ("jade",)})
    assert ids(library, both) == ["G-1"]
    answer = searcher(library).search(Query(text="red", where={"culture": ("Maya",)}))
    assert answer.hits == ()
    assert "culture=Maya" in answer.message


def test_a_filter_judges_records_and_not_pictures(library: MemoryLibrary) -> None:
    library.memory.shown[1].append(replace(library.memory.shown[1][0], record_id="R-2"))
    library.memory.fields["R-2"] = {"culture": "Song"}
    assert "R-1" not in ids(library, Query(text="red", where={"culture": ("Song",)}))
    assert {"R-1", "R-2"} <= set(ids(library, Query(text="red")))


def test_an_empty_library_answers_with_a_sentence(tmp_path: Path) -> None:
    empty = MemoryLibrary(tmp_path)
    finder = searcher(empty)
    answer = finder.search(Query(text="red"))
    assert answer.hits == ()
    assert "sherd ingest" in answer.message
    empty.add(("R-1", plain("red")))
    assert [hit.record_id for hit in finder.search(Query(text="red")).hits] == ["R-1"]
    empty.remove("R-1")
    assert finder.search(Query(text="red")).hits == ()
    empty.add(("G-1", plain("green")))
    assert [hit.record_id for hit in finder.search(Query(text="red")).hits] == ["G-1"]


def test_what_is_committed_and_removed_is_seen_by_the_next_search(library: MemoryLibrary) -> None:
    finder = searcher(library)
    assert finder.search(Query(text="orange")).hits[0].record_id != "O-1"
    library.add(("O-1", plain("orange")))
    assert finder.search(Query(text="orange")).hits[0].record_id == "O-1"
    library.remove("O-1")
    assert "O-1" not in [hit.record_id for hit in finder.search(Query(text="orange")).hits]


def test_parts_that_a_writer_merged_under_the_reader_are_found_again(library: MemoryLibrary) -> None:
    finder = searcher(library)
    store = library.parts(library.encoder.fingerprint)
    old, memory = list(library.memory.infos), library.memory
    finder._candidates.rows._opened.clear()
    merged = store.merge(old)
    store.delete([info.name for info in old])
    with pytest.raises(CorruptData):
        finder.search(Query(text="red"))
    memory.infos = [merged]
    memory.where = {int(key): (merged.name, row) for row, key in enumerate(store.read(merged).keys)}
    memory.commits += 1
    assert finder.search(Query(text="red")).hits[0].record_id == "R-1"


def test_views_of_one_record_are_one_hit_and_the_best_view_is_shown(library: MemoryLibrary) -> None:
    library.add(("V-1", plain("black")), ("V-1", plain("orange")), ("V-1", plain("white")))
    hits = searcher(library).search(Query(text="orange")).hits
    assert [hit.record_id for hit in hits].count("V-1") == 1
    assert (hits[0].record_id, hits[0].image) == ("V-1", "photos/V-1-6.jpg")


def test_one_picture_can_belong_to_two_records(library: MemoryLibrary) -> None:
    library.memory.shown[1].append(replace(library.memory.shown[1][0], record_id="A-9"))
    assert ids(library, Query(text="red"), lexical=0)[:2] == ["A-9", "R-1"]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [5, 3, 1, 0, 2, 4], [2, 4, 0, 5, 1, 3]])
def test_hits_do_not_depend_on_insertion_order(tmp_path: Path, order: list[int]) -> None:
    names = ["red", "red", "blue", "red", "green", "blue"]
    library = MemoryLibrary(tmp_path)
    for n in order:
        library.add((f"X-{n}", plain(names[n])))
    hits = searcher(library).search(Query(text="red")).hits
    assert [hit.record_id for hit in hits][:3] == ["X-0", "X-1", "X-3"]
    assert searcher(library).search(Query(text="red")).hits == hits


def test_the_same_question_has_the_same_answer_in_a_compressed_index(tmp_path: Path) -> None:
    library = MemoryLibrary(tmp_path)
    rng = np.random.default_rng(0)
    names = sorted(COLOURS)
    library.add(*((f"X-{n:03}", quarters(*rng.choice(names, 4).tolist())) for n in range(150)))
    compressed = Searcher(library, library.encoder, index_settings=IndexSettings(exact_limit=60, brute_limit=10))
    for text in ("red", "blue green", "purple"):
        query = Query(text=text, k=20)
        assert compressed.search(query).hits == searcher(library).search(query).hits


@pytest.mark.parametrize(
    "query",
    [Query(text="red"), Query(text="bowl blue"), Query(text="blue", minus="green bowl"), Query(text="red dish")],
)
def test_few_pictures_are_looked_up_and_the_hits_are_those_of_looking_up_all(tmp_path: Path, query: Query) -> None:
    library = MemoryLibrary(tmp_path)
    names, rng = sorted(COLOURS), np.random.default_rng(2)
    for n in range(150):  # two views each; words count for some records that are nothing like what is asked for
        title = {0: "a bowl", 5: "a green bowl", 9: "a dish"}.get(n, "")
        views = [(f"X-{n:03}", quarters(*rng.choice(names, 4).tolist())) for _ in range(2)]
        library.add(*views, title=title or None)
    looked_up = 0
    there = library.memory.hits_for

    def counted(keys: KeyArray, where: Where | None = None) -> dict[int, list[Shown]]:
        nonlocal looked_up
        looked_up += len(keys)
        return there(keys, where)

    library.memory.hits_for = counted  # type: ignore[method-assign]
    few = searcher(library, candidates=300).rank(query, 4)
    assert 0 < looked_up < 100
    every = searcher(library, candidates=300).rank(query, 300)
    assert [(one.record_id, one.score, one.image) for one in few] == [
        (one.record_id, one.score, one.image) for one in every[:4]
    ]


def test_rank_is_search_without_the_places(library: MemoryLibrary) -> None:
    query = Query(text="red bowl", minus="green", k=4)
    finder = searcher(library)
    ranked = finder.rank(query, 4)
    assert [(one.record_id, one.score) for one in ranked] == [
        (hit.record_id, hit.score) for hit in finder.search(query).hits
    ]
    assert len(finder.rank(query, 1_000)) == 4


def test_another_encoder_is_refused_and_both_are_named(library: MemoryLibrary) -> None:
    other = ToyEncoder(version=2)
    with pytest.raises(EncoderMismatch) as caught:
        Searcher(library, other)
    assert other.fingerprint[:12] in str(caught.value)
    assert library.encoder.fingerprint[:12] in str(caught.value)
    finder = searcher(library)
    library.memory.fingerprint = other.fingerprint  # somebody reindexes meanwhile
    with pytest.raises(EncoderMismatch):
        finder.search(Query(text="red"))


def test_an_altered_part_is_an_error_and_not_an_answer(library: MemoryLibrary) -> None:
    path = library.parts(library.encoder.fingerprint).path(library.memory.infos[2].name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptData, match=path.name):
        searcher(library)


def test_a_missing_thumbnail_costs_the_fine_box_and_not_the_hit(
    library: MemoryLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (library.folder / "thumbnails").rglob("*.jpg"):
        path.unlink()
    hit = searcher(library).search(Query(text="purple")).hits[0]
    assert hit.region is not None
    assert hit.region.box == Box(0, 0.5, 0.5, 0.5)
    assert "sherd repair" in caplog.text


def test_timing_is_of_every_stage(library: MemoryLibrary) -> None:
    timing = searcher(library).search(Query(text="red")).timing_ms
    stages = (timing.encode, timing.index, timing.rerank, timing.catalogue)
    assert all(stage > 0 for stage in stages)
    assert sum(stages) <= timing.total


SETTINGS: list[tuple[str, float, Query]] = [
    ("text_object", 0.1, Query(text="purple")),
    ("text_part", 0.1, Query(text="purple")),
    ("sentence_object", 0.1, Query(text="purple " * 12)),
    ("sentence_part", 0.5, Query(text="purple " * 12)),
    ("clauses_object", 0.1, Query(text="purple and white " * 6)),
    ("clauses_part", 0.1, Query(text="purple and white " * 6)),
    ("picture_object", 0.1, Query(image=plain("purple"))),
    ("picture_part", 0.1, Query(image=plain("purple"))),
    ("box_object", 0.5, Query(image=plain("purple"), box=Box(0, 0, 1, 1))),
    ("box_part", 0.5, Query(image=plain("purple"), box=Box(0, 0, 1, 1))),
    ("text_share", 0.9, Query(text="red", image=plain("purple"))),
    ("lexical", 0.5, Query(text="dish")),
    ("minus", 1.0, Query(text="red", minus="white")),
    ("sharpness", 1.0, Query(text="purple")),
    ("lexical_candidates", 0, Query(text="dish")),
    ("level_margin", 1.0, Query(text="purple")),
    ("refine", 0, Query(text="purple orange")),
    ("refine_level", 1.0, Query(text="purple orange")),
]


@pytest.mark.parametrize(("name", "value", "query"), SETTINGS)
def test_every_setting_changes_the_answer(library: MemoryLibrary, name: str, value: float, query: Query) -> None:
    grid = quarters("white", "white", "purple", "white")
    grid[:8, :24] = COLOURS["orange"]
    grid[8:16, :8] = COLOURS["purple"]
    library.add(*((f"N-{n}", grid) for n in range(2)))
    before = searcher(library).search(query).hits
    assert searcher(library, **{name: value}).search(query).hits != before


def test_more_candidates_find_what_is_not_near_as_a_whole_and_best_by_its_parts(tmp_path: Path) -> None:
    library = MemoryLibrary(tmp_path)
    names, rng = sorted(COLOURS), np.random.default_rng(1)
    library.add(*((f"X-{n:03}", quarters(*rng.choice(names, 4).tolist())) for n in range(200)))
    queries = [Query(image=quarters(*rng.choice(names, 4).tolist()), k=1) for _ in range(30)]
    weights = {"picture_object": 0.2, "picture_part": 0.8}
    few, many = searcher(library, candidates=1, **weights), searcher(library, **weights)
    better = [many.rank(query, 1)[0].score - few.rank(query, 1)[0].score for query in queries]
    assert min(better) >= 0
    assert max(better) > 0


def test_no_setting_is_forgotten_above() -> None:
    assert {name for name, _, _ in SETTINGS} | {"candidates", "guess_below"} == {
        field.name for field in fields(SearchSettings)
    }


@pytest.mark.parametrize("bad", [{"minus": -1.0}, {"sharpness": float("nan")}, {"text_share": 2}, {"candidates": 0}])
def test_bad_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument):
        replace(SearchSettings(), **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reasons", "level"),
    [
        ({"object": 0.5, "part": 0.1, "lexical": 0.0}, Level.OBJECT),
        ({"object": 0.1, "part": 0.5, "lexical": 0.0}, Level.PART),
        ({"object": 0.3, "part": 0.3, "lexical": 0.0}, Level.FUSED),
        ({"object": 0.0, "part": 0.1, "lexical": 0.15}, Level.FUSED),
        ({"object": -0.1, "part": -0.2, "lexical": 0.0}, Level.FUSED),
    ],
)
def test_the_level_says_what_carries_the_score(reasons: dict[str, float], level: Level) -> None:
    assert level_of(reasons, 0.6) is level


def test_hits_below_the_line_are_guesses(library: MemoryLibrary) -> None:
    library.add(*((f"F-{n}", plain(("green", "blue", "white", "black")[n % 4])) for n in range(40)))
    curves = Confidence(Curve((-1.0, 3.0), (0.1, 0.9)), None)
    save_confidence(curves, library.folder, library.encoder.fingerprint)
    hits = searcher(library).search(Query(text="red")).hits
    assert all(hit.probability is not None for hit in hits)
    assert all(hit.guess == (hit.probability < 0.5) for hit in hits if hit.probability is not None)
    assert {hit.guess for hit in hits} == {True, False}
    assert {hit.guess for hit in searcher(library, guess_below=0.0).search(Query(text="red")).hits} == {False}
    with_minus = searcher(library).search(Query(text="red", minus="blue")).hits
    assert {hit.probability for hit in with_minus} == {None}


def test_curves_of_a_later_check_up_are_taken_up_at_once(library: MemoryLibrary) -> None:
    library.add(*((f"F-{n}", plain(("green", "blue", "white", "black")[n % 4])) for n in range(40)))
    finder = searcher(library)

    def likely() -> list[float | None]:
        return [hit.probability for hit in finder.search(Query(text="red", k=3)).hits]

    assert likely() == [None] * 3
    for sure in (0.5, 0.75):
        curves = Confidence(Curve((-1.0, 3.0), (sure, sure)), None)
        file = save_confidence(curves, library.folder, library.encoder.fingerprint)
        assert likely() == [sure] * 3
    file.write_text("{}")
    with pytest.raises(CorruptData, match="check-up"):
        likely()
    file.unlink()
    assert likely() == [None] * 3
