from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sherd.encoder.toy import ToyEncoder
from sherd.ingest.library import Library
from sherd.search.searcher import Searcher
from sherd.server.schemas import BoxForm
from sherd.types import Box, Query
from tests.search.memory import plain, quarters
from tests.server.museum import as_query


def png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def ids(answer: dict[str, object]) -> list[str]:
    return [hit["record_id"] for hit in answer["hits"]]  # type: ignore[attr-defined]


def upload(client: TestClient, data: bytes) -> str:
    answer = client.post("/api/v1/uploads", files={"file": ("x.png", data, "image/png")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["upload"])


def test_the_api_answers_as_the_searcher_does(client: TestClient, library: Path) -> None:
    answer = client.post("/api/v1/search", json={"text": "red bowl", "minus": "blue", "k": 5}).json()
    with Library.open(library) as there:
        found = Searcher(there, ToyEncoder()).search(Query(text="red bowl", minus="blue", k=5), refine=0)
    assert [(hit["record_id"], hit["score"], hit["reasons"]) for hit in answer["hits"]] == [
        (hit.record_id, hit.score, dict(hit.reasons)) for hit in found.hits
    ]
    assert answer["query"]["text"] == "red bowl"
    assert set(answer["timing_ms"]) == {"encode", "index", "rerank", "catalogue", "total"}


def test_the_query_in_the_address_is_the_query_in_the_body(client: TestClient) -> None:
    form = {"text": "红", "where": {"culture": ["Tang"]}, "k": 3}
    by_body = client.post("/api/v1/search", json=form).json()
    by_address = client.get("/api/v1/search", params=as_query(**form)).json()
    assert ids(by_body) == ids(by_address)
    assert ids(by_body)[0] == "R/red"
    again = client.get("/api/v1/search", params={"q": json.dumps(by_body["query"])}).json()
    assert ids(again) == ids(by_body)


def test_pages_follow_each_other_without_gap_or_repeat(client: TestClient) -> None:
    whole = client.post("/api/v1/search", json={"text": "red", "k": 16}).json()
    pages = [client.post("/api/v1/search", json={"text": "red", "k": 5, "offset": n}).json() for n in (0, 5, 10, 15)]
    assert [one for page in pages for one in ids(page)] == ids(whole)
    assert [page["more"] for page in pages] == [True, True, True, False]
    behind = client.post("/api/v1/search", json={"text": "red", "offset": 900}).json()
    assert behind["hits"] == []
    assert behind["message"]


def test_filters_let_only_through_what_they_say(client: TestClient) -> None:
    found = client.post("/api/v1/search", json={"text": "red", "where": {"culture": ["Song"]}, "k": 20}).json()
    assert set(ids(found)) == {f"M-{n}" for n in range(8)}
    answer = client.post("/api/v1/search", json={"text": "red", "where": {"colour": ["red"]}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_picture_of_the_library_finds_itself(client: TestClient) -> None:
    picture = client.post("/api/v1/search", json={"text": "green", "k": 1}).json()["hits"][0]["picture"]
    found = client.post("/api/v1/search", json={"image": {"picture": picture}, "k": 1}).json()
    assert ids(found) == ["R/green"]


def test_an_uploaded_picture_is_searched_with_whole_or_by_a_box(client: TestClient) -> None:
    name = upload(client, png(quarters("purple", "orange", "orange", "orange")))
    part = {"image": {"upload": name}, "box": {"x": 0, "y": 0, "w": 0.5, "h": 0.5}, "k": 1}
    assert ids(client.post("/api/v1/search", json=part).json()) == ["R/purple"]
    shown = client.get(f"/api/v1/uploads/{name}/thumbnail")
    assert shown.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size == (64, 64)
    gone = client.post("/api/v1/search", json={"image": {"upload": "0" * 32}})
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_upload")


def test_a_box_ends_at_the_edge_of_its_picture() -> None:
    assert BoxForm(x=0.5, y=0.25, w=1, h=0.5).box() == Box(0.5, 0.25, 0.5, 0.5)
    assert BoxForm(x=1 - 1e-16, y=0, w=1e-9, h=1).box().w > 0


def test_half_a_surrogate_pair_is_no_text(client: TestClient) -> None:
    answer = client.post("/api/v1/search", content=b'{"text":"\\ud800"}', headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_a_file_that_is_no_picture_is_refused_with_a_reason(client: TestClient) -> None:
    for data, status, reason in (
        (b"GIF89a", 422, None),
        (b"<svg/>", 415, "unsupported_type"),
        (b"", 422, "file_empty"),
    ):
        answer = client.post("/api/v1/uploads", files={"file": ("x.png", data, "image/png")})
        assert answer.status_code == status
        assert reason is None or answer.json()["reason"] == reason
    whole = png(plain("red"))
    answer = client.post("/api/v1/uploads", files={"file": ("x.png", whole[: len(whole) // 2], "image/png")})
    assert answer.json()["reason"] == "image_truncated"


def test_the_heat_map_is_warm_where_the_answer_is(client: TestClient) -> None:
    name = "red"
    hit = next(
        hit for hit in client.post("/api/v1/search", json={"text": name, "k": 16}).json()["hits"]
        if hit["record_id"].startswith("M-")
    )  # fmt: skip
    drawn = client.get(f"/api/v1/pictures/{hit['picture']}/heat", params=as_query(text=name))
    assert drawn.headers["content-type"] == "image/png"
    picture = Image.open(io.BytesIO(drawn.content))
    jpeg = Image.open(io.BytesIO(client.get(hit["thumbnail"]).content)).convert("RGB")
    assert (picture.mode, picture.size) == ("RGBA", jpeg.size)
    alpha, pixels = np.asarray(picture)[..., 3].astype(int), np.asarray(jpeg).astype(int)
    is_red = (pixels[..., 0] > 180) & (pixels[..., 1] < 80) & (pixels[..., 2] < 80)
    assert is_red.any()
    assert alpha[is_red].mean() > 2 * alpha[~is_red].mean()
    box = client.get(f"/api/v1/pictures/{hit['picture']}/place", params=as_query(text=name)).json()["box"]
    x, y = int((box["x"] + box["w"] / 2) * jpeg.width), int((box["y"] + box["h"] / 2) * jpeg.height)
    assert is_red[y, x]


def test_a_whole_picture_is_in_no_place(client: TestClient) -> None:
    picture = client.post("/api/v1/search", json={"text": "green", "k": 1}).json()["hits"][0]["picture"]
    answer = client.get(f"/api/v1/pictures/{picture}/heat", params=as_query(image={"picture": picture}))
    assert (answer.status_code, answer.json()["code"]) == (404, "no_place")
    nothing = client.get(f"/api/v1/pictures/{'0' * 64}/heat", params=as_query(text="red"))
    assert (nothing.status_code, nothing.json()["code"]) == (404, "unknown_picture")


@pytest.mark.parametrize(
    "form",
    [
        {}, {"text": ""}, {"text": "  "}, {"text": "x" * 2_001}, {"text": 7}, {"text": "red", "k": 0},
        {"text": "red", "k": 1_001}, {"text": "red", "k": "10"}, {"text": "red", "k": 10.5}, {"text": "red", "k": True},
        {"text": "red", "offset": -1}, {"text": "red", "offset": 1_000}, {"text": "red", "minus": None},
        {"text": "red", "colour": "blue"},
        {"text": "red", "where": {"culture": []}}, {"text": "red", "where": {"culture": "Tang"}},
        {"box": {"x": 0, "y": 0, "w": 1, "h": 1}}, {"image": {}}, {"image": {"picture": "../../etc/passwd"}},
        {"image": {"picture": "0" * 64, "upload": "0" * 32}}, {"text": "red", "where": {"culture": ["x"] * 51}},
        {"image": {"picture": "0" * 64}, "box": {"x": 1, "y": 0, "w": 0.6, "h": 1}},
        {"text": "a\x00b"}, {"text": "\x9b"},
        {"image": {"picture": "0" * 64}, "box": {"x": 0, "y": 0, "w": 0, "h": 1}},
        {"image": {"picture": "0" * 64}, "box": {"x": -0.1, "y": 0, "w": 1, "h": 1}},
    ],
)  # fmt: skip
def test_a_query_that_is_none_is_refused_and_told_why(client: TestClient, form: dict[str, object]) -> None:
    answer = client.post("/api/v1/search", json=form)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    by_address = client.get("/api/v1/search", params={"q": json.dumps(form)})
    assert by_address.status_code == answer.status_code
