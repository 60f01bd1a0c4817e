"""Values are counted among the records that the other filters let through, and written as the records write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.catalogue import facets
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.facets import FacetCounts, FacetValue, facet_values
from sherd.errors import InvalidArgument
from sherd.types import Record, SourceImage
from tests.catalogue.shelf import filled, item, put


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Catalogue]:
    there = filled(tmp_path)
    twin = Record("twin", (SourceImage("d.jpg"),), materials=("Cobalt", "gilt BRONZE"), culture="Ming")
    put(there, [item(twin, [4])], [4], root="/other", name="p2.vec")
    yield there
    there.close()


def test_the_most_frequent_value_is_first_as_a_record_writes_it(shelf: Catalogue) -> None:
    found = facet_values(shelf.database)
    assert found["culture"] == [FacetValue("Ming", 2), FacetValue("Shang", 1)]
    assert found["material"][:2] == [FacetValue("cobalt", 2), FacetValue("Gilt bronze", 2)]
    assert found["theme"] == [FacetValue("Music", 1)]
    assert "concept" not in found


def test_other_fields_narrow_the_counts_and_the_field_itself_does_not(shelf: Catalogue) -> None:
    found = facet_values(shelf.database, {"culture": ("ming",)})
    assert found["culture"] == [FacetValue("Ming", 2), FacetValue("Shang", 1)]
    assert FacetValue("porcelain", 1) in found["material"]
    assert FacetValue("gilt BRONZE", 1) in found["material"]
    assert found["theme"] == []
    assert facet_values(shelf.database, {"culture": ("nobody",)})["material"] == []


def test_a_count_is_that_of_what_a_click_finds(tmp_path: Path) -> None:
    said = ["bronze", "Bronze", "gilt bronze", "gilt bronze, inlaid", "bronzed wood", "wood", "青铜", "鎏金青铜", "铜"]
    there = filled(tmp_path)
    some = [
        item(
            Record(f"r{n}", (SourceImage(f"r{n}.jpg"),), materials=(material, "bronze wire"[: 11 * (n % 2)] or "tin")),
            [4],
        )
        for n, material in enumerate(said)
    ]
    put(there, some, [4], root="/other", name="p2.vec")
    for where in ({}, {"culture": ("Ming",)}, {"material": ("wood",)}):
        found = facet_values(there.database, where, most=50)
        for field, values in found.items():
            others = {name: accepted for name, accepted in where.items() if name != field}
            for one in values:
                keys = there.live_keys({**others, field: (one.value,)})
                shown = there.hits_for(keys, {**others, field: (one.value,)})
                assert one.count == len({hit.record_id for hits in shown.values() for hit in hits}), one
            assert [one.count for one in values] == sorted((one.count for one in values), reverse=True)
    counts = {one.value: one.count for one in facet_values(there.database, most=50)["material"]}
    assert counts["wood"] == 3  # "wood", and "bronzed wood" twice
    assert facet_values(there.database, most=1)["material"][0].value.lower() == "bronze"
    there.close()


def test_no_more_values_than_asked_for(shelf: Catalogue) -> None:
    assert len(facet_values(shelf.database, most=1)["material"]) == 1
    with pytest.raises(InvalidArgument, match="most is 0"):
        facet_values(shelf.database, most=0)
    with pytest.raises(InvalidArgument, match="colour"):
        facet_values(shelf.database, {"colour": ("red",)})


def test_counts_are_kept_until_the_catalogue_changes(shelf: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def counting(*given: object, **more: object) -> dict[str, list[FacetValue]]:
        counted.append(given)
        return facet_values(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(facets, "facet_values", counting)
    kept = FacetCounts(shelf, kept=2)
    first = kept.values({"culture": ("Ming",)})
    assert kept.values({"culture": ("Ming",)}) == first == facet_values(shelf.database, {"culture": ("Ming",)})
    assert len(counted) == 1
    kept.values()
    kept.values(most=1)  # the oldest gives way
    kept.values({"culture": ("Ming",)})
    assert len(counted) == 4
    put(shelf, [item(Record("more", (SourceImage("e.jpg"),), culture="Ming"), [5])], [5], root="/more", name="p3.vec")
    assert kept.values({"culture": ("Ming",)})["culture"][0] == FacetValue("Ming", 3)
