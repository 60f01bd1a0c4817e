"""Content Search: words and places, in the collection and in a manifest, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from starlette.testclient import TestClient

from sherd.errors import InvalidArgument
from sherd.exports.iiif_search import PAGE_SIZE, Asked, Quote, answer_page
from sherd.server.addresses import token_of, with_parameters
from tests.server.bronzes import DING_ID, DRAGON, HEIGHT, MASK, TAOTIE, WIDTH, make_bronzes
from tests.server.conforming import ANSWER_PAGE, TERM_PAGE
from tests.server.museum import app_of, client_of

Json = dict[str, Any]
MANIFEST = f"/iiif/manifest/{token_of(DING_ID)}"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_of(app_of(make_bronzes(tmp_path_factory.mktemp("bronzes")))) as client:
        yield client


@pytest.fixture(scope="module")
def schema(shared: Path) -> Draft7Validator:
    path = shared / "conformance/iiif/presentation/iiif_3_0.json"
    return Draft7Validator(json.loads(path.read_text("utf-8")))


def search(client: TestClient, where: str = "/iiif", **given: str | int) -> Json:
    answer = client.get(f"{where}/search", params=given)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    ANSWER_PAGE.validate(found)
    return found


def said(page: Json, motivation: str = "tagging") -> list[Json]:
    return [one for one in page["items"] if one["motivation"] == motivation]


def target(annotation: Json) -> str:
    found = annotation["target"]
    return str(found["id"] if isinstance(found, dict) else found)


@pytest.mark.parametrize("where", ["/iiif", MANIFEST])
@pytest.mark.parametrize("q", ["taotie", "饕餮", "red", "dragon 龙", "red\x90\x00", "\x90 \x7f"])
def test_answers_are_sound_annotation_pages(client: TestClient, schema: Draft7Validator, where: str, q: str) -> None:
    found = search(client, where, q=q)
    plain = {name: found[name] for name in ("id", "type", "items")}
    schema.validate({"@context": "http://iiif.io/api/presentation/3/context.json"} | plain)


def test_words_of_annotations_are_found_with_their_boxes(client: TestClient) -> None:
    found = search(client, MANIFEST, q="taotie")
    assert all(TAOTIE in json.dumps(one) for one in said(found))
    boxed = [one for one in said(found) if "#xywh=" in target(one)]
    assert [target(one).partition("#xywh=")[2] for one in boxed] == [",".join(map(str, MASK))]
    (context,) = found["annotations"]
    sources = {one["target"]["source"] for one in context["items"]}
    assert sources == {one["id"] for one in said(found)}
    assert {one["target"]["selector"][0]["exact"] for one in context["items"]} == {"taotie"}


def test_the_collection_says_in_which_manifest_a_hit_is(client: TestClient) -> None:
    found = search(client, q="dragon", motivation="tagging")
    (one,) = found["items"]
    assert DRAGON in json.dumps(one)
    assert one["creator"]["name"] == "Ann"  # Li Wei refused the bowl's
    (manifest,) = one["target"]["partOf"]
    assert (manifest["id"], manifest["label"]["en"]) == (f"http://127.0.0.1{MANIFEST}", ["Ding with taotie"])
    assert one["target"]["type"] == "Canvas"


def test_places_that_look_like_it_are_boxes_in_whole_pixels_on_the_canvas(client: TestClient) -> None:
    found = said(search(client, q="blue"), "highlighting")
    assert found
    assert not any("creator" in one or "created" in one for one in found)
    boxes = 0
    for one in found:
        at, _, box = target(one).partition("#xywh=")
        assert at in client.get(one["target"]["partOf"][0]["id"]).text
        if box:
            x, y, w, h = map(int, box.split(","))
            assert 0 <= x < x + w <= WIDTH
            assert 0 <= y < y + h <= HEIGHT
            boxes += 1
    assert boxes
    within = said(search(client, MANIFEST, q="blue"), "highlighting")
    assert [target(one).partition("#")[0].rpartition("/canvas/")[2] for one in within] == ["ding%201.png"]


def test_motivations_people_and_dates_narrow(client: TestClient) -> None:
    ann = "http://127.0.0.1/iiif/person/Ann"
    assert {one["motivation"] for one in search(client, q="taotie")["items"]} == {"tagging", "highlighting"}
    assert {one["motivation"] for one in search(client, q="taotie", motivation="highlighting x")["items"]} == {
        "highlighting"
    }
    assert search(client, q="taotie", motivation="painting")["items"] == []
    assert [one["creator"]["id"] for one in search(client, user=ann)["items"]] == [ann]
    assert search(client, q="taotie", user=ann)["items"] == []
    assert search(client, user="Ann")["items"] == []
    day, other = "2026-11-27T00:00:00Z/2026-11-27T23:59:59Z", "2025-01-01T00:00:00Z/2025-12-31T00:00:00Z"
    assert len(search(client, MANIFEST, date=day)["items"]) == 1
    assert len(search(client, date=f"{other} {day}", q="dragon")["items"]) == 1
    assert search(client, date=other)["items"] == []
    assert search(client)["items"] == []
    assert len(search(client, MANIFEST)["items"]) == len(search(client, MANIFEST, motivation="tagging")["items"]) > 3
    assert [one["id"] for one in search(client, q=DRAGON)["items"]] == [
        one["id"] for one in search(client, user=ann)["items"]
    ]


@pytest.mark.parametrize(
    "date", ["2026", "2026-01-01/2026-02-01", "2026-01-01T00:00:00Z", "a/b", "２０26-01-01T00:00:00Z"]
)
def test_dates_that_are_none_are_refused(client: TestClient, date: str) -> None:
    answer = client.get("/iiif/search", params={"date": date})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    with pytest.raises(InvalidArgument, match="range of dates"):
        Asked.of("x", date=date)


def test_there_are_no_pages_after_the_last(client: TestClient) -> None:
    assert client.get("/iiif/search", params={"q": "taotie", "page": 2}).status_code == 404


def test_terms_begin_as_asked(client: TestClient) -> None:
    page = client.get("/iiif/terms", params={"q": "tao", "min": 2, "user": "x"}).json()
    TERM_PAGE.validate(page)
    assert page["ignored"] == ["min", "user"]
    assert "taotie" in {one["value"] for one in page["items"]}
    (taotie,) = [one for one in page["items"] if one["value"] == "taotie"]
    assert client.get(taotie["service"][0]["id"]).json()["items"]
    within = client.get(f"{MANIFEST}/terms", params={"q": "饕"}).json()
    TERM_PAGE.validate(within)
    assert {(one["value"], one["language"]) for one in within["items"]} >= {("饕餮纹", "zh-Hans")}
    assert min(one["total"] for one in within["items"]) >= 2
    assert client.get(f"{MANIFEST}/terms", params={"q": "饕", "min": 9}).json()["items"] == []
    assert client.get(f"{MANIFEST}/terms", params={"q": "zzz"}).json()["items"] == []


@settings(deadline=None)
@given(st.integers(0, 4 * PAGE_SIZE + 3), st.integers(0, 2))
def test_pages_hold_everything_once_and_lead_from_one_to_the_next_and_back(count: int, quotes: int) -> None:
    def address(page: int | None) -> str:
        return with_parameters("https://a.example/search", q="x", page=page)

    def annotation(n: int) -> Json:
        return {
            "id": f"https://a.example/{n}",
            "type": "Annotation",
            "motivation": "tagging",
            "body": [],
            "target": "x",
        }

    found: list[tuple[Json, list[Quote]]] = [
        (annotation(n), [Quote(f"https://a.example/{n}", "", "x", "")] * quotes) for n in range(count)
    ]
    seen: list[str] = []
    before, here = None, answer_page(address, found, 1)
    while True:
        ANSWER_PAGE.validate(here)
        assert (here["startIndex"], here["partOf"]["total"]) == (len(seen), count)
        assert here.get("prev", {}).get("id") == before
        seen += [one["id"] for one in here["items"]]
        if "next" not in here:
            break
        before = here["id"]
        number = int(parse_qs(urlsplit(here["next"]["id"]).query)["page"][0])
        here = answer_page(address, found, number)
    assert here["id"] == here["partOf"]["last"]["id"]
    assert seen == [one["id"] for one, _ in found]
    for number in (0, -(-count // PAGE_SIZE) + 2):
        with pytest.raises(InvalidArgument, match="page"):
            answer_page(address, found, number)


def test_words_are_compared_without_case() -> None:
    assert Asked.of(" Tao  TIE ").words == ("tao", "tie")
