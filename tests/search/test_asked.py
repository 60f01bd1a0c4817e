"""The JSON form of an answer, which other programs rely on."""

from __future__ import annotations

import json

from sherd.search.asked import as_json
from sherd.types import Box, HitRegion, Level, Query
from tests.search.answers import asked, hit
from tests.search.memory import plain


def test_the_whole_form() -> None:
    query = Query("lotus", "gold", plain("red"), Box(0, 0, 1 / 3, 1), {"culture": ("Tang", "Song")}, 7)
    one = asked(hit(), query=query, image="a.jpg")
    assert as_json(one) == {
        "query": {
            "text": "lotus",
            "minus": "gold",
            "image": "a.jpg",
            "box": {"x": 0, "y": 0, "w": 0.333333, "h": 1},
            "where": {"culture": ["Tang", "Song"]},
            "k": 7,
            "plain": False,
        },
        "understood": [],
        "hits": [
            {
                "record_id": "R-1",
                "title": "Relic 1",
                "score": 0.75,
                "probability": None,
                "guess": False,
                "level": "part",
                "region": {"image": "photos/1.jpg", "x": 0.5, "y": 0.5, "w": 0.25, "h": 0.25},
                "reasons": {"object": 0.25, "part": 0.5, "lexical": 0.0},
            }
        ],
        "timing_ms": {"encode": 1.25, "index": 2.0, "rerank": 3.0, "catalogue": 4.0, "total": 11.123},
    }
    assert json.loads(json.dumps(as_json(one))) == as_json(one)


def test_what_was_not_given_is_null_and_no_hits_are_an_empty_list() -> None:
    form = as_json(asked())
    assert form["query"] == {
        "text": "lotus",
        "minus": None,
        "image": None,
        "box": None,
        "where": {},
        "k": 10,
        "plain": False,
    }
    assert form["hits"] == []


def test_a_hit_may_have_no_region_and_its_region_may_lie_on_another_view() -> None:
    back = hit(2, region=HitRegion("back.jpg", Box(0, 0, 1, 1)), level=Level.FUSED, guess=True)
    found = json.loads(json.dumps(as_json(asked(hit(box=None), back))))["hits"]
    assert found[0]["region"] is None
    assert found[1]["region"]["image"] == "back.jpg"
    assert (found[1]["level"], found[1]["guess"]) == ("fused", True)
