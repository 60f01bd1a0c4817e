from __future__ import annotations

import random

import pytest

from sherd.errors import InvalidArgument
from sherd.relics import load_culture
from sherd.relics.grammar import Plan
from sherd.relics.independence import Traits, measure_independence, mutual_information
from tests.relics.examples import CULTURES, plans


def _traits(plan: Plan) -> Traits:
    return Traits(
        plan.object.id,
        plan.palette.id,
        plan.background,
        tuple((zone.motif.id, zone.place) for zone in plan.zones),
        tuple(plan.object.zones),
    )


def test_equal_coins_share_one_bit_and_fair_pairs_none() -> None:
    assert mutual_information([(0, 0), (1, 1)] * 2000) == pytest.approx(1.0, abs=0.01)
    assert mutual_information([(a, b) for a in range(4) for b in range(3)] * 100) == 0.0


def test_the_estimate_of_chance_pairs_is_not_biased_upwards() -> None:
    rng = random.Random(1)
    pairs = [(rng.randrange(12), rng.randrange(8)) for _ in range(1000)]
    assert mutual_information(pairs) < 0.02


def test_no_pairs_have_no_information() -> None:
    with pytest.raises(InvalidArgument, match="at least one pair"):
        mutual_information([])


def test_a_motif_that_goes_with_a_palette_is_noticed() -> None:
    rows = [
        Traits("ding", "green" if k % 2 else "gold", "studio", ((("taotie", "cicada")[k % 2], "neck"),), ("neck",))
        for k in range(400)
    ]
    found = measure_independence(rows)
    assert found["motif-palette"] == pytest.approx(1.0, abs=0.02)
    assert found["motif-place"] == 0.0
    assert found["object-palette"] == 0.0
    assert measure_independence([])["place-object"] == 0.0


@pytest.mark.parametrize("name", CULTURES)
def test_motif_place_object_palette_and_background_vary_independently(name: str) -> None:
    found = measure_independence(_traits(plan) for plan in plans(load_culture(name), 1500, seed=7))
    assert len(found) == 10
    assert max(found.values()) < 0.03, found
