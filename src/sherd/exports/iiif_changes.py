"""IIIF Change Discovery 1: changes as an Activity Streams collection, in pages from the oldest to the newest.

Source: https://iiif.io/api/discovery/1.0/
"""

from __future__ import annotations

from collections.abc import Sequence

from sherd.exports.changes import Change
from sherd.exports.facts import address
from sherd.exports.iiif_places import Places
from sherd.exports.web_annotation import Json

CONTEXT = "http://iiif.io/api/discovery/1/context.json"
PAGE_SIZE = 500


def change_collection(changes: Sequence[Change], base: str) -> Json:
    """What leads to all pages.

    Args:
        base: address of the collection; a page is at this with a slash and its number.
    """
    return {
        "@context": CONTEXT, "id": base, "type": "OrderedCollection", "totalItems": len(changes),
        "first": _page(base, 1), "last": _page(base, pages_of(changes)),
    }  # fmt: skip


def change_page(changes: Sequence[Change], base: str, number: int, places: Places) -> Json:
    """One page, from 1 on; the last ones are the newest. What stands on a full page never changes."""
    start = (number - 1) * PAGE_SIZE
    page: Json = {
        "@context": CONTEXT, "id": f"{base}/{number}", "type": "OrderedCollectionPage", "startIndex": start,
        "partOf": {"id": base, "type": "OrderedCollection"},
    }  # fmt: skip
    if number > 1:
        page["prev"] = _page(base, number - 1)
    if number < pages_of(changes):
        page["next"] = _page(base, number + 1)
    here = enumerate(changes[start : start + PAGE_SIZE], start + 1)
    return page | {"orderedItems": [_activity(one, n, base, places) for n, one in here]}


def pages_of(changes: Sequence[Change]) -> int:
    """How many pages there are; an empty one where nothing has happened."""
    return max(1, -(-len(changes) // PAGE_SIZE))


def _page(base: str, number: int) -> Json:
    return {"id": f"{base}/{number}", "type": "OrderedCollectionPage"}


def _activity(change: Change, number: int, base: str, places: Places) -> Json:
    told: Json = {
        "id": f"{base}#{number}", "type": str(change.kind),
        "object": {"id": places.manifest(change.record_id), "type": "Manifest"},
        "endTime": change.at.replace("+00:00", "Z"),
    }  # fmt: skip
    if change.who:
        told["actor"] = {
            "id": address(places.settings, "person", change.who), "type": "Person", "name": change.who,
        }  # fmt: skip
    return told
