"""Scores against a naive loop, and how a query becomes vectors."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import InvalidArgument
from sherd.search.question import Question, encode, unit
from sherd.search.rerank import score, soft_maximum
from sherd.search.settings import SearchSettings
from sherd.types import Box, FloatArray, Query
from tests.search.memory import plain, quarters
from tests.vectors.batches import random_unit

ENCODER = ToyEncoder()


def question(rows: int, *, minus: bool = False, points: bool = True) -> Question:
    vectors = random_unit((rows + 2, 8), 5)
    return Question(
        object=vectors[0],
        parts=vectors[1 : rows + 1],
        shares=np.full(rows, 1 / rows, np.float32),
        pointer=vectors[1] if points else None,
        minus=vectors[-1] if minus else None,
        object_weight=0.4,
        part_weight=0.6,
        text=None,
        minus_text=None,
    )


def _soft(values: list[float], sharpness: float) -> float:
    weights = [math.exp(sharpness * value) for value in values]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


@pytest.mark.parametrize(("rows", "minus"), [(1, False), (3, False), (2, True)])
def test_agrees_with_a_naive_loop(rows: int, minus: bool) -> None:
    asked = question(rows, minus=minus)
    objects, parts = random_unit((20, 8), 1), random_unit((20, 4, 8), 2)
    got = score(asked, objects, parts, sharpness=10, minus=0.5)
    for n in range(20):
        by_object = 0.4 * float(objects[n] @ asked.object)
        by_part = 0.6 / rows * sum(_soft([float(z @ q) for z in parts[n]], 10) for q in asked.parts)
        away = 0.0
        if asked.minus is not None:
            near = _soft([float(z @ asked.minus) for z in parts[n]], 10)
            away = -0.5 * (0.4 * float(objects[n] @ asked.minus) + 0.6 * near)
        assert got.total[n] == pytest.approx(by_object + by_part + away, abs=5e-6)
        assert got.best_part[n] == max(range(4), key=lambda k: float(parts[n, k] @ asked.parts[0]))


def test_a_whole_picture_is_shown_at_the_part_that_agrees_most_with_any_of_its_own() -> None:
    asked = question(3, points=False)
    parts = random_unit((9, 4, 8), 2)
    best = score(asked, random_unit((9, 8), 1), parts, sharpness=10, minus=0.5).best_part
    naive = [max(range(4), key=lambda k: max(float(parts[n, k] @ q) for q in asked.parts)) for n in range(9)]
    assert best.tolist() == naive


def test_without_parts_the_object_stands_for_them() -> None:
    asked, objects = question(1), random_unit((5, 8), 1)
    got = score(asked, objects, np.zeros((5, 0, 8), np.float32), sharpness=10, minus=0.5)
    assert got.best_part.tolist() == [-1] * 5
    assert np.allclose(got.part, 0.6 * objects @ asked.parts[0], atol=2e-6)


def test_a_score_does_not_depend_on_its_neighbours() -> None:
    asked, objects, parts = question(2, minus=True), random_unit((50, 8), 1), random_unit((50, 4, 8), 2)
    together = score(asked, objects, parts, sharpness=30, minus=0.5).total
    for n in (0, 13, 49):
        alone = score(asked, objects[n : n + 1], parts[n : n + 1], sharpness=30, minus=0.5).total
        assert alone[0] == together[n]


def test_the_soft_maximum_lies_between_mean_and_maximum() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (30, 6))
    for sharpness in (0.0, 1.0, 30.0, 1e4):
        soft = soft_maximum(values, sharpness)
        assert (soft <= values.max(1) + 1e-12).all()
        assert (soft >= values.mean(1) - 1e-12).all()


def vectors_of(query: Query, settings: SearchSettings | None = None) -> Question:
    return encode(query, ENCODER, settings or SearchSettings())


def test_a_text_asks_objects_and_parts_with_one_vector() -> None:
    asked = vectors_of(Query(text=" red "))
    assert asked.text == "red"
    assert asked.pointer is not None
    for vector in (asked.parts[0], asked.pointer):
        assert np.allclose(vector, asked.object, atol=1e-6)


def test_a_picture_asks_with_all_its_parts_and_points_at_nothing() -> None:
    asked = vectors_of(Query(image=quarters("red", "blue", "green", "white")))
    assert asked.parts.shape == (4, ENCODER.dim)
    assert asked.shares.sum() == pytest.approx(1)
    assert asked.pointer is None
    assert asked.candidate_vectors(0.5)[1] is None


def test_a_text_asks_for_each_of_its_clauses_and_points_as_a_whole() -> None:
    text = "red tripod, with a blue mark and a green lid on a white stand of yellow wood"
    asked = vectors_of(Query(text=text))
    wanted = ENCODER.encode_text(["red tripod", "a blue mark", "a green lid on a white stand of yellow wood"])
    assert np.allclose(asked.parts, wanted, atol=1e-6)
    assert asked.shares.tolist() == pytest.approx([1 / 3] * 3)
    assert asked.pointer is not None
    assert np.allclose(asked.pointer, ENCODER.encode_text([text])[0], atol=1e-6)
    assert (asked.object_weight, asked.part_weight) == pytest.approx((0.5, 0.5))


def test_a_box_asks_with_what_is_inside_it() -> None:
    asked = vectors_of(Query(image=quarters("red", "blue", "green", "white"), box=Box(0.5, 0, 0.5, 0.5)))
    assert float(asked.object @ ENCODER.encode_text(["blue"])[0]) > 0.9
    assert asked.parts.shape == (1, ENCODER.dim)
    assert asked.part_weight > asked.object_weight


def test_text_and_picture_are_two_voices_and_the_text_points() -> None:
    settings = SearchSettings(text_share=0.25)
    asked = vectors_of(Query(text="red", image=plain("blue")), settings)
    text, seen = ENCODER.encode_text(["red"])[0], ENCODER.encode_images([plain("blue")]).object[0]
    assert np.allclose(asked.object, unit(0.25 * text + 0.75 * seen), atol=1e-6)
    assert asked.shares.tolist() == pytest.approx([0.25] + [0.75 / 4] * 4)
    assert asked.pointer is not None
    assert np.allclose(asked.pointer, text, atol=1e-6)
    assert asked.object_weight == pytest.approx(0.25 * settings.text_object + 0.75 * settings.picture_object)


def test_what_is_not_wanted_is_taken_from_the_candidates_too() -> None:
    asked = vectors_of(Query(text="red", minus="blue"))
    red, blue = ENCODER.encode_text(["red", "blue"])
    by_object, by_part = asked.candidate_vectors(0.5)
    assert by_part is not None
    assert np.allclose(by_object, unit(red - 0.5 * blue), atol=1e-6)
    assert vectors_of(Query(text="red", minus="  ")).minus is None


def test_a_query_that_cancels_itself_out_is_refused() -> None:
    asked = vectors_of(Query(text="red", minus="red"))
    with pytest.raises(InvalidArgument, match="cancel"):
        asked.candidate_vectors(1.0)


def test_an_encoder_that_gives_nan_is_refused(tmp_path: Path) -> None:
    class Broken(ToyEncoder):
        def encode_text(self, texts: object) -> FloatArray:
            return np.full((1, self.dim), np.nan, np.float32)

    with pytest.raises(InvalidArgument, match="NaN"):
        encode(Query(text="red"), Broken(), SearchSettings())
