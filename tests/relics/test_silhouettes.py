from __future__ import annotations

import numpy as np
import pytest

from sherd.relics import load_culture
from sherd.relics.ornament import adorn
from sherd.relics.parts import PART_PROGRAMS
from sherd.relics.silhouettes import ToPixels, build_body, lay_out
from tests.relics.examples import CULTURES, plans


@pytest.mark.parametrize("name", CULTURES)
def test_adorned_places_lie_in_the_atlas_and_apart(name: str) -> None:
    for plan in plans(load_culture(name), 60):
        body = build_body(plan)
        taken = np.zeros((body.rows, body.columns), int)
        for slot in body.slots.values():
            assert slot.height > 4
            assert slot.width > 4
            assert slot.top + slot.height <= body.rows
            assert slot.left + slot.width <= body.columns
            taken[slot.top : slot.top + slot.height, slot.left : slot.left + slot.width] += 1
        assert taken.max() == 1


@pytest.mark.parametrize("name", CULTURES)
def test_every_adorned_place_of_the_plan_has_its_label_in_the_atlas(name: str) -> None:
    for plan in plans(load_culture(name), 20):
        atlas = adorn(plan, build_body(plan))
        found = set(np.unique(np.asarray(atlas.labels)).tolist()) - {0}
        assert found == set(range(1, len(plan.zones) + 1))
        assert np.asarray(atlas.inks).any()


def test_labels_do_not_depend_on_whether_the_motif_is_drawn() -> None:
    plan = next(plans(load_culture("ritual_bronze"), 1))
    body = build_body(plan)
    with_it, without = adorn(plan, body), adorn(plan, body, without=0)
    assert with_it.labels.tobytes() == without.labels.tobytes()
    assert with_it.inks.tobytes() != without.inks.tobytes()


def test_each_kind_of_body_lays_its_rows_downwards_and_its_mask_where_its_outline_is() -> None:
    seen = set()
    for name in CULTURES:
        for plan in plans(load_culture(name), 30):
            body = build_body(plan)
            if body.kind in seen:
                continue
            seen.add(body.kind)
            grid = ToPixels(100.0, 0.0, (100.0, 80.0))
            lay = lay_out(body, *grid.grid(160, 200), grid)
            rows, columns = np.nonzero(lay.mask)
            low, high = (np.asarray(grid(body.polygon)).min(0), np.asarray(grid(body.polygon)).max(0))
            assert abs(columns.min() - low[0]) < 8
            assert abs(columns.max() - high[0]) < 8
            assert abs(rows.max() - high[1]) < 14
            assert lay.row[lay.mask].max() < body.rows
            assert lay.col[lay.mask].max() < body.columns
            assert lay.row[lay.mask].min() >= 0
            assert lay.col[lay.mask].min() >= 0
            middle = lay.row[:, 100][lay.mask[:, 100] & ~lay.inside[:, 100]]
            if body.kind != "disc":
                assert (np.diff(middle) >= 0).all()
    assert {"revolved", "box", "disc", "panel", "slab"} == seen


def test_pixels_and_object_units_are_inverse_to_each_other() -> None:
    to = ToPixels(37.0, 0.3, (20.0, 31.0))
    ox, oy = to.grid(50, 60)
    back = np.asarray(to(np.stack([ox.ravel(), oy.ravel()], 1)))
    rows, columns = np.mgrid[0:50, 0:60]
    np.testing.assert_allclose(back[:, 0], columns.ravel() + 0.5, atol=1e-3)
    np.testing.assert_allclose(back[:, 1], rows.ravel() + 0.5, atol=1e-3)
    moved = to.shifted(3, 4)
    assert np.asarray(moved(np.zeros((1, 2))))[0] == pytest.approx(np.asarray(to(np.zeros((1, 2))))[0] - (3, 4))


@pytest.mark.parametrize("program", PART_PROGRAMS)
def test_every_part_has_an_outline_beyond_the_body_or_before_it(program: str) -> None:
    plan = next(plans(load_culture("ritual_bronze"), 1))
    frame = build_body(plan).frame
    for end in (0, 1):
        outline = PART_PROGRAMS[program].draw(frame, {n: b[end] for n, b in PART_PROGRAMS[program].params.items()})
        shapes = [*outline.front, *outline.behind]
        assert shapes
        for shape in shapes:
            assert shape.ndim == 2
            assert shape.shape[0] >= 3
            assert np.isfinite(shape).all()
            assert np.abs(shape).max() < 3
