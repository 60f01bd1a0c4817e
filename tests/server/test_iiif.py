"""Manifests by HTTP: sound by the validator's schema, and everything that they point to is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from starlette.testclient import TestClient

from sherd.errors import InvalidArgument
from sherd.exports.described import Shot
from sherd.exports.pictures_meant import PicturesMeant
from sherd.server.addresses import record_of, token_of
from sherd.server.admission import room_of
from sherd.server.problems import Refusal
from sherd.server.routes import iiif
from sherd.server.settings import ServerSettings
from sherd.suggest.suggest import Suggester
from sherd.types import Box, HitRegion, Level, Proposal, Suggestion
from tests.server.bronzes import DING_ID, DRAGON, HEIGHT, MASK, TAOTIE, WIDTH, make_bronzes
from tests.server.museum import app_of, client_of

BASE = "http://127.0.0.1/iiif/"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def bronzes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bronzes(tmp_path_factory.mktemp("bronzes"))


@pytest.fixture(scope="module")
def client(bronzes: Path) -> Iterator[TestClient]:
    with client_of(app_of(bronzes)) as client:
        yield client


@pytest.fixture(scope="module")
def schema(shared: Path) -> Draft7Validator:
    path = shared / "conformance/iiif/presentation/iiif_3_0.json"
    return Draft7Validator(json.loads(path.read_text("utf-8")))


def manifest_of(client: TestClient, record_id: str) -> Json:
    answer = client.get(f"{BASE}manifest/{token_of(record_id)}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def pages_of(manifest: Json) -> dict[tuple[str, int], str]:
    """(layer, number of the canvas or -1) -> address."""
    held = [(-1, manifest), *enumerate(manifest["items"])]
    return {
        (re.split(r"[/?]", page["id"].partition("/annotations/")[2])[1], number): page["id"]
        for number, one in held
        for page in one.get("annotations", ())
    }


def test_all_documents_are_sound_and_all_addresses_lead_somewhere(client: TestClient, schema: Draft7Validator) -> None:
    collection = client.get(BASE + "collection").json()
    schema.validate(collection)
    assert [one["label"] for one in collection["items"]] == [
        {"zh-Hans": ["饕餮纹鼎"], "en": ["Ding with taotie"]}, {"en": ["Blue bowl"]}, {"en": ["Shard"]},
    ]  # fmt: skip
    for one in collection["items"]:
        manifest = client.get(one["id"]).json()
        schema.validate(manifest)
        assert (manifest["id"], manifest["label"]) == (one["id"], one["label"])
        for address in pages_of(manifest).values():
            page = client.get(address).json()
            schema.validate(page)
            assert page["id"] == address
        for shown in (manifest, *manifest["items"]):
            answer = client.get(shown["thumbnail"][0]["id"])
            assert answer.headers["content-type"] == shown["thumbnail"][0]["format"]


def test_a_manifest_tells_rights_languages_and_where_to_search(client: TestClient) -> None:
    found = manifest_of(client, DING_ID)
    assert found["id"] == BASE + "manifest/1987~2F10~20~E9~BC~8E"
    assert found["label"] == {"zh-Hans": ["饕餮纹鼎"], "en": ["Ding with taotie"]}
    assert found["rights"] == "http://creativecommons.org/publicdomain/zero/1.0/"
    assert found["requiredStatement"]["value"] == {"none": ["The museum"]}
    assert found["requiredStatement"]["label"]["zh-Hans"] == ["权利"]
    assert found["service"][0] == {
        "id": f"{found['id']}/search", "type": "SearchService2",
        "service": [{"id": f"{found['id']}/terms", "type": "AutoCompleteService2"}],
    }  # fmt: skip
    (painting,) = found["items"][0]["items"][0]["items"]
    assert (painting["body"]["width"], painting["body"]["height"]) == (WIDTH, HEIGHT)
    (service,) = painting["body"]["service"]
    assert (service["type"], service["profile"]) == ("ImageService3", "level2")
    assert re.fullmatch(re.escape(BASE) + "image/[0-9a-f]{64}", service["id"])


def test_layers_are_pages_of_their_own(client: TestClient) -> None:
    found = manifest_of(client, DING_ID)
    pages = pages_of(found)
    assert set(pages) == {("catalogue", -1), ("catalogue", 0), ("reviewed", 1), ("machine", 0), ("machine", 1)}
    (boxed,) = client.get(pages["catalogue", 0]).json()["items"]
    assert boxed["target"] == f"{found['items'][0]['id']}#xywh={','.join(map(str, MASK))}"
    assert TAOTIE in json.dumps(boxed)
    (ann,) = client.get(pages["reviewed", 1]).json()["items"]
    assert (ann["creator"]["name"], ann["creator"]["id"]) == ("Ann", BASE + "person/Ann")
    assert DRAGON in json.dumps(ann)
    bowl = manifest_of(client, "bowl")
    assert DRAGON not in client.get(pages_of(bowl)["catalogue", -1]).text  # what a person refused


def test_what_is_drawn_on_our_canvases_is_understood_by_the_importer(client: TestClient) -> None:
    canvas = manifest_of(client, DING_ID)["items"][0]["id"]
    shot = Shot("ding 1.png", WIDTH, HEIGHT, "0" * 64)
    assert PicturesMeant({DING_ID: [shot]}).find(canvas) == (DING_ID, shot)


def test_large_collections_come_in_pages(
    client: TestClient, schema: Draft7Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get(BASE + "collection").json()["items"]
    monkeypatch.setattr(iiif, "PAGE_SIZE", 2)
    top = client.get(BASE + "collection").json()
    schema.validate(top)
    assert [one["type"] for one in top["items"]] == ["Collection", "Collection"]
    parts = [client.get(one["id"]).json() for one in top["items"]]
    for part in parts:
        schema.validate(part)
        assert part["partOf"][0]["id"] == top["id"]
    assert [one for part in parts for one in part["items"]] == whole
    assert client.get(BASE + "collection/3").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["manifest/nothing", "manifest/a~2", "manifest/~41", "manifest/~FF", "annotations/nothing/reviewed",
     "annotations/bowl/reviewed?image=other.png", "collection/9"],
)  # fmt: skip
def test_what_is_not_there_is_a_problem(client: TestClient, address: str) -> None:
    answer = client.get(BASE + address)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_answers_are_json_ld_unless_plain_json_is_wanted_and_are_kept(client: TestClient) -> None:
    first = client.get(BASE + "collection")
    assert first.headers["content-type"] == (
        'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
    )
    plain = client.get(BASE + "collection", headers={"Accept": "text/html,application/json;q=0.9"})
    assert plain.headers["content-type"] == "application/json"
    again = client.get(BASE + "collection", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_addresses_are_those_of_the_public_url(bronzes: Path) -> None:
    with client_of(app_of(bronzes, public_url="https://museum.example/sherd/", title="Bronzes")) as client:
        found = client.get("/iiif/collection").json()
        assert found["id"] == "https://museum.example/sherd/iiif/collection"
        assert found["label"] == {"none": ["Bronzes"]}
        assert client.get("/iiif/collection", headers={"Host": "museum.example"}).status_code == 200
        assert client.get("/iiif/collection", headers={"Host": "other.example"}).status_code == 421
        text = client.get(f"/iiif/manifest/{token_of(DING_ID)}").text
        assert "127.0.0.1" not in text
        assert f"https://museum.example/sherd/iiif/object/{quote(DING_ID, safe='')}/canvas/" in text


def test_only_pages_that_may_read_are_told_so(bronzes: Path) -> None:
    def allowed(client: TestClient, origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answer = client.get("/iiif/collection", headers={"Origin": origin})
        beforehand = client.options("/iiif/collection", headers=headers)
        told = answer.headers.get("access-control-allow-origin")
        assert beforehand.headers.get("access-control-allow-origin") == told
        assert (beforehand.status_code == 204) == (told is not None)
        assert "access-control-allow-credentials" not in answer.headers
        other = client.get("/api/v1/records", headers={"Origin": origin})
        assert "access-control-allow-origin" not in other.headers
        return told

    here, viewer, evil = "http://localhost:3333", "https://viewer.example", "https://evil.example"
    with client_of(app_of(bronzes)) as client:
        assert [allowed(client, one) for one in (here, viewer, evil)] == [here, None, None]
        for referer, told in (
            (here + "/x", "cross-origin"),
            (evil + "/x", "same-origin"),
            ("", "same-origin"),
            ("http://[", "same-origin"),
        ):
            answer = client.get("/iiif/collection", headers={"Referer": referer})  # as for a picture on a page
            assert answer.headers["cross-origin-resource-policy"] == told, referer
            assert "access-control-allow-origin" not in answer.headers
    with client_of(app_of(bronzes, origins=(viewer,))) as client:
        assert [allowed(client, one) for one in (here, viewer, evil, "null")] == [here, viewer, None, None]
    with client_of(app_of(bronzes, origins=("*",))) as client:
        assert [allowed(client, one) for one in (here, viewer, evil)] == ["*"] * 3
        assert client.get("/iiif/collection").headers["cross-origin-resource-policy"] == "cross-origin"


def test_where_a_token_is_needed_all_pages_may_ask_and_none_is_told_without(bronzes: Path) -> None:
    with client_of(app_of(bronzes, tokens_required=True)) as client:
        answer = client.get("/iiif/collection", headers={"Origin": "https://evil.example"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*")
        assert "Blue bowl" not in answer.text


@given(st.text(min_size=1, max_size=60))
def test_names_of_records_in_addresses_lead_back(record_id: str) -> None:
    token = token_of(record_id)
    assert re.fullmatch(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*", token)
    assert record_of(token) == record_id


@given(st.text(max_size=20))
def test_other_names_mean_no_record_or_are_the_one_name_of_it(token: str) -> None:
    try:
        found = record_of(token)
    except Refusal:
        return
    assert token_of(found) == token


def test_what_a_machine_suggests_does_not_hold_up_searches() -> None:
    assert room_of("GET", "/iiif/annotations/a/machine") == "bulk"
    assert room_of("GET", "/iiif/annotations/a/reviewed") == "interactive"


def test_the_machine_layer_holds_what_is_suggested_now(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(0.25, 0.25, 0.5, 0.5)
    found = Suggestion(
        "bowl", "motif", TAOTIE, 0.8125, TAOTIE, 0.8125, Level.PART, "bowl.png", HitRegion("bowl.png", box)
    )  # fmt: skip
    proposal = Proposal("bowl", "motif", (found,), None, 0.9)
    monkeypatch.setattr(Suggester, "propose", lambda self, records=None, facets=None: {"bowl": [proposal]})
    monkeypatch.setattr(iiif, "PATIENCE_S", 60)
    page = client.get(BASE + "annotations/bowl/machine?image=bowl.png").json()
    (one,) = page["items"]
    assert one["target"].endswith("/canvas/bowl.png#xywh=160,120,320,240")
    assert (one["generator"]["type"], one["urn:sherd:terms#probability"]) == ("Software", 0.8125)
    assert "creator" not in one


@pytest.mark.parametrize(
    "url", ["museum.example", "https://museum.example", "ftp://a/", "https://a:b@c/", "https://a/?b/"]
)
def test_a_public_url_must_be_one(url: str) -> None:
    with pytest.raises(InvalidArgument, match="public_url"):
        ServerSettings(public_url=url)
