from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.evaluation import drawn
from sherd.relics.culture import load_culture
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import FloatArray, Picture


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> drawn.Gallery:
    return drawn.draw_gallery(["ritual_bronze"], 12, 77, tmp_path_factory.mktemp("gallery"))


def test_a_gallery_is_the_same_every_time(gallery: drawn.Gallery, tmp_path: Path) -> None:
    again = drawn.draw_gallery(["ritual_bronze"], 12, 77, tmp_path)
    assert again.captions == gallery.captions
    assert np.array_equal(again.corpus.pictures, gallery.corpus.pictures)


def test_names_of_the_culture_can_be_taken_out(tmp_path: Path) -> None:
    culture = load_culture("glyph_stela")
    plain = drawn.draw_gallery(["glyph_stela"], 20, 3, tmp_path).captions
    nameless = drawn.draw_gallery(["glyph_stela"], 20, 3, tmp_path, nameless=True).captions
    names = [name for one in (culture, *culture.periods) for some in one.names.values() for name in some]
    assert any(name in caption for caption in plain for name in names)
    assert not any(name in caption for caption in nameless for name in names)
    assert all(nameless)


def perfect(captions: tuple[str, ...]) -> drawn.Seen:
    """Every picture is its caption; equal captions are equal pictures."""
    places = {caption: n for n, caption in enumerate(dict.fromkeys(captions))}
    vectors = np.eye(len(places), dtype=np.float32)[[places[caption] for caption in captions]]
    return drawn.Seen(vectors, vectors[:, None], vectors, tuple(vectors[:, None]))


def test_ranks_of_a_perfect_and_of_a_blind_encoder(gallery: drawn.Gallery) -> None:
    seen = perfect(gallery.captions)
    assert drawn.both_ranks(seen, gallery.captions, 0.0).tolist() == [1] * 24
    blind = drawn.Seen(seen.objects * 0, seen.parts * 0, seen.captions, seen.clauses)
    assert drawn.both_ranks(blind, gallery.captions, 0.0).mean() > 3


def test_the_part_weight_is_fitted_to_what_helps(gallery: drawn.Gallery) -> None:
    seen = perfect(gallery.captions)
    noise = np.random.default_rng(0).normal(size=seen.objects.shape).astype(np.float32)
    assert drawn.fit_part_weight(seen, gallery.captions) == 0
    only_parts = drawn.Seen(
        noise / np.linalg.norm(noise, axis=1, keepdims=True), seen.parts, seen.captions, seen.clauses
    )
    assert drawn.fit_part_weight(only_parts, gallery.captions) > 0.3


def test_pair_scores_are_those_of_the_search() -> None:
    texts = np.array([[1, 0]], np.float32)
    objects = np.array([[0.6, 0.8]], np.float32)
    parts = np.array([[[1, 0], [0, 1]]], np.float32)
    expected = 0.5 * 0.6 + 0.5 * np.exp(30) / (np.exp(30) + 1)
    assert drawn.pair_scores(texts, objects, parts, 0.5)[0, 0] == pytest.approx(expected)
    both = [np.array([[1, 0], [0, 1]], np.float32)]
    assert drawn.pair_scores(texts, objects, parts[:, :1], 1.0, both)[0, 0] == pytest.approx(0.5)
    assert drawn.pair_scores(texts, objects, parts[:, :0], 1.0)[0, 0] == pytest.approx(0.6)


def test_pictures_of_other_cultures_stand_in_the_way(gallery: drawn.Gallery) -> None:
    seen = perfect(gallery.captions)
    clear = drawn.mixed_ranks(seen, np.zeros((5, seen.objects.shape[1]), np.float32), gallery.captions)
    assert clear.tolist() == [1] * 12
    crowd = np.repeat(seen.objects[:1] * 2, 9, axis=0)
    assert drawn.mixed_ranks(seen, crowd, gallery.captions)[0] == 10


def test_an_oracle_points_right_and_a_flat_map_does_not(gallery: drawn.Gallery) -> None:
    queries = drawn.motif_queries(gallery)
    assert queries
    by_picture: dict[bytes, list[drawn.MotifQuery]] = {}
    for query in queries:
        by_picture.setdefault(gallery.corpus.pictures[query.picture].tobytes(), []).append(query)

    def oracle(picture: Picture, vectors: FloatArray) -> FloatArray:
        return np.stack([query.mask.astype(np.float32) for query in by_picture[picture.tobytes()]])

    def flat(picture: Picture, vectors: FloatArray) -> FloatArray:
        return np.zeros((len(vectors), 4, 4), np.float32)

    encoder = ToyEncoder()
    best = drawn.localisation_values(encoder, gallery, queries, oracle)
    assert best["pointing"].mean() == best["mask_iou"].mean() == 1
    assert best["energy"].mean() == 1
    worst = drawn.localisation_values(encoder, gallery, queries, flat)
    assert worst["pointing"].mean() < 0.7
    assert worst["mask_iou"].mean() < 0.5
    assert 0 < worst["chance"].mean() < worst["prior"].mean() <= 1
    assert len(worst["ap30"]) == len({query.concept for query in queries})


def test_parts_are_asked_for_and_not_the_whole_object(gallery: drawn.Gallery) -> None:
    queries, examples = drawn.motif_queries(gallery), gallery.corpus.examples
    asked = {(query.picture, query.concept) for query in queries}
    assert {concept for _, concept in asked}.isdisjoint(uri for one in examples for uri in one.concepts["type"])
    shown = {(n, uri) for n, one in enumerate(examples) for uri in one.concepts["motif"]}
    assert asked <= shown
    assert len(asked) > len(shown) / 2


def test_the_usual_place_of_a_part_is_where_it_is_on_other_pictures() -> None:
    left, right = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    left[:, :20] = right[:, 20:] = True
    there = [drawn.MotifQuery(name, "here", n, left) for n, name in enumerate(("a", "b", "c"))]
    found = drawn.usual_place_values([*there, drawn.MotifQuery("d", "once", 3, right)])
    assert found["box_iou"].tolist() == found["mask_iou"].tolist() == found["energy"].tolist() == [1, 1, 1, 0]
    assert found["ap30"].tolist() == [1, 0]  # a concept, in the order of their names


def test_naming_asks_for_the_nearest_concept(gallery: drawn.Gallery) -> None:
    encoder = ToyEncoder()
    seen = drawn.look(encoder, gallery)
    values = drawn.naming_values(encoder, seen.objects, gallery, builtin_thesaurus(), "type")
    assert len(values["type_accuracy"]) == 12
    assert len(values["type_error_distance"]) == 12 - values["type_accuracy"].sum()
    assert (values["type_error_distance"] >= 1).all()


def test_colours_alone_are_a_control(gallery: drawn.Gallery) -> None:
    pictures = np.zeros((2, 8, 8, 3), np.uint8)
    pictures[1] = 255
    histograms = drawn.colour_histograms(list(pictures))
    assert histograms.shape == (2, 64)
    assert histograms[0, 0] == histograms[1, 63] == 1
    vectors = drawn.colour_control(ToyEncoder(), gallery, gallery)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
