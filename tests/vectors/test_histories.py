"""Whatever is done to an index in whatever order, it holds what a dictionary holds, and scores as it does."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sherd.types import FloatArray, KeyArray
from sherd.vectors.depths import Depths
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.manifest import Manifest, open_layers, read_manifest, saved, write_manifest
from tests.vectors.batches import random_unit

DIM = 16
SETTINGS = IndexSettings(exact_limit=40, tail_limit=30, depths=Depths(1_000, 1_000, 1_000), brute_limit=5)
Step = tuple[str, int, int]
ACTS = ["add", "add", "remove", "rebuild", "seal", "reopen"]
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 60), st.integers(1, 40)), min_size=1, max_size=12)


@pytest.mark.parametrize("kind", ["lists", "hnsw"])
@pytest.mark.parametrize("background", [False, True])
@given(steps=STEPS)
@settings(max_examples=15, deadline=None)
def test_any_history_leaves_the_keys_and_the_scores_of_a_dictionary(
    kind: str, background: bool, steps: list[Step]
) -> None:
    truth = dict[int, FloatArray]()
    chosen = replace(SETTINGS, kind=kind)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        index = FaissIndex(DIM, settings=chosen, folder=folder / "f", background=background)
        for number, (act, start, count) in enumerate(steps):
            keys = np.arange(start, start + count)
            if act == "add":
                vectors = random_unit((count, DIM), number)
                index.add(keys, vectors)
                truth.update(zip(keys.tolist(), vectors, strict=True))
            elif act == "remove":
                index.remove(keys)
                for key in keys.tolist():
                    truth.pop(key, None)
            elif act == "seal":
                index.seal()
            elif act == "rebuild":
                index.rebuild()
            else:
                index.wait()
                index = _reopened(index, folder, chosen)
            assert index.keys().tolist() == sorted(truth)
            assert len(index) == len(truth)
        _compare(index, truth, None)
        index.wait()
        _compare(index, truth, None)
        _compare(index, truth, np.arange(0, 100, 3))


def _reopened(index: FaissIndex, folder: Path, chosen: IndexSettings) -> FaissIndex:
    """The index as its files have it, and what was in its tail added again, as a library does from its parts."""
    state = index.state
    (folder / "f").mkdir(exist_ok=True)
    write_manifest(folder / "m", Manifest(DIM, chosen.kind, 0.95, saved(state.layers, folder / "f")))
    manifest = read_manifest(folder / "m")
    assert manifest is not None
    layers = open_layers(manifest, folder / "f")
    fresh = FaissIndex(DIM, settings=chosen, folder=folder / "f", layers=layers)
    fresh.add(state.tail.keys(), state.tail.vectors())
    return fresh


def _compare(index: FaissIndex, truth: dict[int, FloatArray], allowed: KeyArray | None) -> None:
    query = random_unit((1, DIM), 1_234)
    scores, keys = index.search(query, 200, allowed)
    held = truth if allowed is None else {key: truth[key] for key in allowed.tolist() if key in truth}
    wanted = sorted(((float(row @ query[0]), -key) for key, row in held.items()), reverse=True)
    found = keys[0][keys[0] >= 0]
    assert sorted(found.tolist()) == sorted(held)
    assert np.allclose(scores[0][: len(wanted)], [score for score, _ in wanted], atol=1e-4)
    assert np.allclose([float(truth[int(key)] @ query[0]) for key in found], scores[0][: len(found)], atol=1e-4)
