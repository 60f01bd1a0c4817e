from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from sherd.errors import InvalidArgument
from sherd.relics import Relic, load_culture, render
from sherd.relics.render import FACETS, draw, plan_of
from tests.relics.examples import CULTURES

SIZE = 96
EACH = 16


@pytest.fixture(scope="module", params=CULTURES)
def relics(request: pytest.FixtureRequest) -> list[Relic]:
    culture = load_culture(request.param)
    return [render(culture, 1, index, SIZE, masks=True) for index in range(EACH)]


def test_regions_lie_inside_the_picture_and_the_object_comes_first(relics: list[Relic]) -> None:
    for relic in relics:
        assert relic.picture.shape == (SIZE, SIZE, 3)
        assert relic.picture.dtype == np.uint8
        assert [r.kind for r in relic.regions].index("object") == 0
        for region in relic.regions:
            x, y, w, h = region.bbox
            assert x >= 0
            assert y >= 0
            assert w > 0
            assert h > 0
            assert x + w <= SIZE
            assert y + h <= SIZE


def test_masks_agree_with_boxes(relics: list[Relic]) -> None:
    for relic in relics:
        assert relic.masks is not None
        assert len(relic.masks) == len(relic.regions)
        for mask, region in zip(relic.masks, relic.regions, strict=True):
            rows, columns = np.nonzero(mask)
            x, y, w, h = region.bbox
            assert (x, y) == (columns.min(), rows.min())
            assert (x + w, y + h) == (columns.max() + 1, rows.max() + 1)


def test_motifs_and_parts_are_of_the_object_and_do_not_overlap(relics: list[Relic]) -> None:
    for relic in relics:
        assert relic.masks is not None
        whole = relic.masks[0]
        taken = np.zeros_like(whole, dtype=int)
        for mask, region in zip(relic.masks[1:], relic.regions[1:], strict=True):
            taken += mask
            if region.kind != "damage":
                assert not (mask & ~whole).any()
        assert taken.max() <= 1


def test_every_phrase_names_a_region_and_every_motif_region_has_phrases_in_both_languages(relics: list[Relic]) -> None:
    for relic in relics:
        named = Counter((p.region, p.language) for p in relic.phrases)
        for number in range(len(relic.regions)):
            assert named[number, "zh"] >= 1
            assert named[number, "en"] >= 1
        assert {region for region, _ in named} == set(range(len(relic.regions)))


def test_concepts_hold_every_region_theme_and_material(relics: list[Relic]) -> None:
    for relic in relics:
        culture = load_culture(relic.culture_id)
        assert {r.concept for r in relic.regions} <= set(relic.concepts)
        themes = {theme.names["en"][0]: theme.uri for theme in culture.themes}
        assert {themes[name] for name in relic.themes} <= set(relic.concepts)
        assert len(set(relic.concepts)) == len(relic.concepts)
        assert len(relic.motifs) >= 1


def test_each_facet_says_what_is_true_of_the_relic(relics: list[Relic]) -> None:
    for relic in relics:
        culture = load_culture(relic.culture_id)
        facets = relic.concepts_by_facet
        assert tuple(facets) == FACETS
        assert facets["type"] == (relic.regions[0].concept,)
        assert facets["culture"][0] == culture.uri
        assert {period.names["en"][0] for period in culture.periods if period.uri in facets["culture"]} == {
            relic.period
        }
        assert {m.names["en"][0] for m in culture.materials if m.uri in facets["material"]} == set(relic.materials)
        assert any(technique.uri in facets["material"] for technique in culture.techniques)
        assert set(facets["motif"]) == {region.concept for region in relic.regions[1:]}
        assert {t.names["en"][0] for t in culture.themes if t.uri in facets["theme"]} == set(relic.themes)
        assert set(relic.concepts) == {uri for uris in facets.values() for uri in uris}
        assert relic.record()["concepts"] == list(relic.concepts)


def test_the_same_seed_and_number_give_the_same_relic() -> None:
    culture = load_culture("silk_textile")
    one, two = (render(culture, 5, 3, SIZE) for _ in range(2))
    assert one.record() == two.record()
    np.testing.assert_array_equal(one.picture, two.picture)
    for other in (render(culture, 5, 4, SIZE), render(culture, 6, 3, SIZE)):
        assert not np.array_equal(one.picture, other.picture)


def test_size_changes_the_picture_but_not_what_it_shows() -> None:
    culture = load_culture("cave_mural")
    small, large = render(culture, 0, 1, 128), render(culture, 0, 1, 256)
    assert large.picture.shape == (256, 256, 3)
    assert small.traits == large.traits
    assert [r.concept for r in small.regions] == [r.concept for r in large.regions]
    for a, b in zip(small.regions, large.regions, strict=True):
        assert np.allclose(np.array(a.bbox) * 2, b.bbox, atol=6)


def _grown(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    for _ in range(steps):
        p = np.pad(mask, 1)
        mask = p[:-2, 1:-1] | p[2:, 1:-1] | p[1:-1, :-2] | p[1:-1, 2:] | mask
    return mask


@pytest.mark.parametrize("name", CULTURES)
def test_a_motif_is_where_its_region_says(name: str) -> None:
    """The oracle: without the motif, the picture changes within its region and nowhere else."""
    culture = load_culture(name)
    looked = 0
    for index in range(8):
        plan = plan_of(culture, 2, index)
        full = draw(plan, "full", SIZE, keep_masks=True)
        assert full.masks is not None
        for number, zone in enumerate(plan.zones):
            found = [
                mask
                for mask, r in zip(full.masks, full.regions, strict=True)
                if r.kind == "motif" and r.id == zone.motif.id and r.place == zone.place
            ]
            if not found or zone.ground is not None:
                continue
            bare = draw(plan, "bare", SIZE, without=number)
            changed = np.abs(full.picture.astype(int) - bare.picture).sum(2) > 6
            outside = np.count_nonzero(changed & ~_grown(found[0], 4))
            assert np.count_nonzero(changed & found[0]) > 0.03 * np.count_nonzero(found[0])
            assert outside <= 0.05 * np.count_nonzero(changed)
            looked += 1
    assert looked >= 8


def test_damage_is_in_the_picture_that_tells_of_it() -> None:
    culture = load_culture("ritual_bronze")
    kinds = Counter[str]()
    for index in range(40):
        relic = render(culture, 8, index, SIZE, masks=True)
        assert relic.masks is not None
        for mask, region in zip(relic.masks, relic.regions, strict=True):
            if region.kind == "damage":
                kinds[region.id] += 1
                assert (mask & relic.masks[0]).any() == (region.id == "crack")
    assert set(kinds) == {"crack", "loss"}


def test_pictures_of_a_culture_are_not_alike() -> None:
    culture = load_culture("ritual_bronze")
    pictures = [render(culture, 3, index, 64).picture.astype(float).ravel() for index in range(24)]
    for number, one in enumerate(pictures):
        for other in pictures[number + 1 :]:
            assert np.abs(one - other).mean() > 6


@pytest.mark.parametrize(("seed", "index", "size"), [(-1, 0, 96), (0, -1, 96), (0, 0, 63), (0, 0, 1025)])
def test_numbers_outside_their_range_are_refused(seed: int, index: int, size: int) -> None:
    with pytest.raises(InvalidArgument, match="render needs"):
        render(load_culture("ritual_bronze"), seed, index, size)
