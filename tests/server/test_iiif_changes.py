"""Change Discovery: sound by a schema, and pages that together tell all, each change once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sherd.catalogue import decisions
from sherd.exports import iiif_changes
from sherd.exports.changes import Change, Kind
from sherd.exports.described import ExportSettings
from sherd.exports.iiif_changes import change_collection, change_page
from sherd.ingest.library import Library
from sherd.server.iiif_places import ServerPlaces
from tests.server.bronzes import DING_ID, decision_pair, make_bronzes
from tests.server.conforming import CHANGE_PAGE, CHANGES
from tests.server.museum import app_of, client_of

BASE = "https://a.example/iiif/changes"
PLACES = ServerPlaces(ExportSettings("https://a.example/iiif/"))


def test_who_keeps_a_copy_reads_backwards_to_where_it_was(tmp_path: Path) -> None:
    library = make_bronzes(tmp_path, decided=False)
    with client_of(app_of(library)) as client:
        collection = client.get("/iiif/changes").json()
        CHANGES.validate(collection)
        assert collection["totalItems"] == 3
        page = client.get(collection["last"]["id"]).json()
        CHANGE_PAGE.validate(page)
        seen = [one["endTime"] for one in page["orderedItems"]]
        assert {one["type"] for one in page["orderedItems"]} == {"Create"}
        with Library.open(library) as there:
            decisions.append(there.catalogue.database, [*decision_pair()])
        page = client.get(client.get("/iiif/changes").json()["last"]["id"]).json()
        CHANGE_PAGE.validate(page)
        new = [one for one in page["orderedItems"] if one["type"] == "Update"]
        assert {one["actor"]["name"] for one in new} == {"Ann", "Li Wei"}
        assert min(one["endTime"] for one in new) >= max(seen)
        (ann,) = [one for one in new if one["actor"]["name"] == "Ann"]
        manifest = client.get(ann["object"]["id"]).json()
        assert manifest["label"]["en"] == ["Ding with taotie"]
        assert client.get("/iiif/changes/2").status_code == 404
        assert client.get("/iiif/changes/0").status_code == 422


_kinds = st.sampled_from(list(Kind))


@pytest.fixture
def pages_of_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iiif_changes, "PAGE_SIZE", 7)


@pytest.mark.usefixtures("pages_of_seven")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 40), _kinds, st.sampled_from(["", "Li Wei"]))
def test_pages_tell_every_change_once_in_order_and_full_ones_stay_as_they_are(count: int, kind: Kind, who: str) -> None:
    changes = [Change(kind, f"{DING_ID} {n}", "2026-11-27T10:00:00+00:00", who=who) for n in range(count)]
    collection = change_collection(changes, BASE)
    CHANGES.validate(collection)
    seen: list[str] = []
    address, before = collection["first"]["id"], None
    while True:
        number = int(address.rpartition("/")[2])
        page = change_page(changes, BASE, number, PLACES)
        CHANGE_PAGE.validate(page)
        assert (page["id"], page["startIndex"], page.get("prev", {}).get("id")) == (address, len(seen), before)
        more = change_page([*changes, *changes[:1]], BASE, number, PLACES)
        if len(page["orderedItems"]) == 7:
            assert more["orderedItems"] == page["orderedItems"]
        seen += [one["id"] for one in page["orderedItems"]]
        if "next" not in page:
            break
        address, before = page["next"]["id"], address
    assert address == collection["last"]["id"]
    assert seen == [f"{BASE}#{n}" for n in range(1, count + 1)]
