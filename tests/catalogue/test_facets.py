"""Values are counted among the records that the other filters let through, and written as the records write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.facets import FacetValue, facet_values
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


def test_no_more_values_than_asked_for(shelf: Catalogue) -> None:
    assert len(facet_values(shelf.database, most=1)["material"]) == 1
    with pytest.raises(InvalidArgument, match="most is 0"):
        facet_values(shelf.database, most=0)
    with pytest.raises(InvalidArgument, match="colour"):
        facet_values(shelf.database, {"colour": ("red",)})
