"""The dial: what it promises is what a search finds; and every setting of an index changes what it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.depths import Depths, Dial, Setting, untuned
from sherd.vectors.exact import ExactIndex
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.tuning import exact_nearest, own_queries, recall, tune
from tests.vectors.batches import clustered

DIM, N = 32, 30_000
SETTINGS = IndexSettings(exact_limit=1_000, tail_limit=500)


class Source:
    def __init__(self, rows: FloatArray) -> None:
        self._rows = rows

    def vectors(self, keys: KeyArray) -> FloatArray:
        return np.asarray(self._rows[keys], np.float32)


@pytest.fixture(scope="module")
def rows() -> FloatArray:
    return clustered(N, DIM, 1, clusters=600)


@pytest.fixture(scope="module")
def index(rows: FloatArray) -> FaissIndex:
    made = FaissIndex(DIM, settings=SETTINGS)
    made.build(np.arange(N), Source(rows))
    return made


@pytest.fixture(scope="module")
def kinds(rows: FloatArray, index: FaissIndex) -> dict[str, FaissIndex]:
    graph = FaissIndex(DIM, settings=replace(SETTINGS, kind="hnsw"))
    graph.build(np.arange(N), Source(rows))
    return {"lists": index, "hnsw": graph}


@pytest.fixture(scope="module")
def oracle(rows: FloatArray) -> ExactIndex:
    made = ExactIndex(DIM)
    made.add(np.arange(N), rows)
    return made


def test_the_exact_search_of_segments_is_exact(index: FaissIndex, oracle: ExactIndex) -> None:
    queries = clustered(40, DIM, 2, clusters=600)
    truth = exact_nearest(index.state, queries, 10)
    assert recall(oracle.search(queries, 10)[1], truth) >= 0.995


def test_the_dial_holds_on_other_queries(index: FaissIndex, oracle: ExactIndex) -> None:
    dial = tune(index, own_queries(index), asked_with="own")
    queries = clustered(200, DIM, 3, clusters=600)
    truth = oracle.search(queries, 10)[1]
    assert (dial.rows, dial.queries, dial.asked_with) == (N, 200, "own")
    found = []
    for setting in dial.settings:
        assert setting.reached
        assert setting.recall >= setting.target
        got = index.search_state(index.state, queries, 10, None, setting.depths)[1]
        found.append(recall(got, truth))
        assert found[-1] >= setting.target - 0.04
    assert found[0] < found[-1]
    assert Dial.from_dict(dial.as_dict()) == dial


def test_a_target_out_of_reach_gets_the_best_and_says_so(index: FaissIndex) -> None:
    dial = tune(index, own_queries(index, 50), targets=(1.1,))
    assert not dial.settings[0].reached
    assert dial.settings[0].recall >= 0.99


def test_alike_vectors_count_as_one() -> None:
    twins = np.repeat(clustered(200, DIM, 4), 12, axis=0)
    index = FaissIndex(DIM, settings=replace(SETTINGS, exact_limit=100))
    index.add(np.arange(len(twins)), twins)
    assert tune(index, own_queries(index, 60)).at(0.99).recall >= 0.98


def test_an_index_without_segments_cannot_be_tuned() -> None:
    with pytest.raises(InvalidArgument, match="segments"):
        tune(FaissIndex(DIM), clustered(3, DIM, 1))


def test_the_dial_gives_the_next_target() -> None:
    settings = tuple(Setting(t, Depths(n, n, n), t, True) for n, t in enumerate((0.9, 0.95, 0.99), 1))
    dial = Dial(settings, 1, 1, "own")
    assert [dial.at(t).target for t in (0.5, 0.9, 0.93, 0.95, 0.999)] == [0.9, 0.9, 0.95, 0.95, 0.99]
    assert untuned(0.99, 1_000, graph=False).probes > untuned(0.9, 1_000, graph=False).probes
    with pytest.raises(InvalidArgument):
        Depths(0, 1, 1)


@pytest.mark.parametrize("kind", ["lists", "hnsw"])
@pytest.mark.parametrize("share", [0.5, 0.02, 0.001])
def test_a_filter_keeps_its_recall(kind: str, share: float, kinds: dict[str, FaissIndex], oracle: ExactIndex) -> None:
    queries = clustered(60, DIM, 5, clusters=600)
    allowed = np.sort(np.random.default_rng(0).choice(N, int(share * N), replace=False))
    truth = oracle.search(queries, 10, allowed)[1]
    made = FaissIndex(DIM, settings=replace(SETTINGS, brute_limit=100), layers=kinds[kind].state.layers)
    assert recall(made.search(queries, 10, allowed)[1], truth) >= 0.93


def test_growing_needs_no_new_coder_until_it_has_grown_far(rows: FloatArray, oracle: ExactIndex) -> None:
    index = FaissIndex(DIM, settings=replace(SETTINGS, retrain_growth=8))
    for start in range(0, N, 1_500):
        index.add(np.arange(start, start + 1_500), rows[start : start + 1_500])
    coders = {layer.segment.coder.trained_on for layer in index.state.layers}
    assert len(coders) == 1
    assert N / 8 < coders.pop() < N, "learnt anew on the way, and not at every step"
    assert len(index.state.layers) <= 8
    queries = clustered(100, DIM, 6, clusters=600)
    assert recall(index.search(queries, 10)[1], oracle.search(queries, 10)[1]) >= 0.9


def test_many_vectors_at_once_get_a_coder_of_their_own_and_the_old_segment_stays(rows: FloatArray) -> None:
    index = FaissIndex(DIM, settings=SETTINGS)
    index.build(np.arange(1_200), Source(rows))
    old = index.state.layers[0].segment
    index.build(np.arange(1_200, N), Source(rows))
    index.upkeep()
    assert any(layer.segment is old for layer in index.state.layers)
    assert sorted(layer.segment.coder.trained_on for layer in index.state.layers) == [1_200, N - 1_200]


def _layers(rows: FloatArray, **changes: object) -> list[int]:
    """Sizes of the segments after 6,000 vectors came in by 500."""
    index = FaissIndex(DIM, settings=replace(SETTINGS, **changes))  # type: ignore[arg-type]
    for start in range(0, 6_000, 500):
        index.add(np.arange(start, start + 500), rows[start : start + 500])
    return sorted(len(layer.segment) for layer in index.state.layers)


def test_sizes_are_as_the_settings_say(rows: FloatArray) -> None:
    usual = _layers(rows)
    assert _layers(rows, exact_limit=10_000) == []
    assert _layers(rows, tail_limit=2_500) != usual
    assert len(_layers(rows, merge_ratio=100.0)) > len(usual)
    assert max(_layers(rows, segment_rows=2_000, retrain_growth=1e9)) <= 2_000


def test_energy_recall_and_kind_change_the_index(rows: FloatArray, index: FaissIndex, tmp_path: Path) -> None:
    small = FaissIndex(DIM, settings=replace(SETTINGS, energy=0.5, kind="hnsw"))
    small.build(np.arange(2_000), Source(rows))
    assert small.state.layers[0].segment.graph
    assert small.state.layers[0].segment.coder.near < index.state.layers[0].segment.coder.near
    deep = FaissIndex(DIM, settings=replace(SETTINGS, recall=0.99), layers=index.state.layers)
    assert (
        deep.depths().probes
        > FaissIndex(DIM, settings=replace(SETTINGS, recall=0.9), layers=deep.state.layers).depths().probes
    )
    assert FaissIndex(DIM, settings=replace(SETTINGS, depths=Depths(3, 4, 5))).depths() == Depths(3, 4, 5)
    for wrong in ({"recall": 1.0}, {"recall": 0.2}, {"kind": "tree"}):
        with pytest.raises(InvalidArgument):
            replace(SETTINGS, **wrong)


def test_brute_limit_decides_who_is_scored_row_by_row(rows: FloatArray, index: FaissIndex, oracle: ExactIndex) -> None:
    queries, allowed = clustered(50, DIM, 7, clusters=600), np.arange(0, N, 10)
    shallow = Depths(1, 10, 15)
    truth = oracle.search(queries, 10, allowed)[1]
    found = []
    for limit in (10, 5_000):
        made = FaissIndex(DIM, settings=replace(SETTINGS, brute_limit=limit, depths=shallow), layers=index.state.layers)
        found.append(recall(made.search(queries, 10, allowed)[1], truth))
    assert found[0] < found[1]
    assert found[1] >= 0.98
