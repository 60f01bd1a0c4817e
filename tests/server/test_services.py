"""A server over a library that changes under it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sherd.encoder import load_encoder
from sherd.ingest.library import Library
from sherd.ingest.reindex import reindex
from tests.search.memory import plain
from tests.server.museum import app_of, client_of, make_library
from tests.server.test_jobs import finished


def test_an_empty_library_says_so_and_is_searched_once_there_is_something(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    Image.fromarray(plain("red")).save(new / "red.png")
    Library.open(tmp_path / "library", create=True).close()
    with client_of(app_of(tmp_path / "library", ingest_roots=(new,))) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        asked = client.post("/api/v1/search", json={"text": "red"})
        assert (asked.status_code, asked.json()["code"]) == (409, "library_empty")
        assert client.get("/").status_code == 200
        job = client.post("/api/v1/jobs", json={"source": "new"}).json()["number"]
        assert finished(client, job)["state"] == "done"
        assert client.get("/health/ready").status_code == 200
        (hit,) = client.post("/api/v1/search", json={"text": "red"}).json()["hits"]
        assert hit["record_id"] == "red.png"


def test_a_library_that_is_indexed_with_another_model_is_searched_with_that_one(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    with client_of(app_of(library)) as client:
        assert client.post("/api/v1/search", json={"text": "red", "k": 1}).json()["hits"][0]["record_id"] == "R/red"
        with Library.open(library) as there, there.writer():
            reindex(there, load_encoder("builtin"), encoder_name="builtin")
        refused = client.post("/api/v1/search", json={"text": "red"})
        assert (refused.status_code, refused.json()["code"]) == (503, "encoder_mismatch")
        assert int(refused.headers["retry-after"]) > 0
        found = client.post("/api/v1/search", json={"text": "red", "k": 3}).json()["hits"]
        assert len(found) == 3
        picture = client.post("/api/v1/search", json={"image": {"picture": found[0]["picture"]}, "k": 1}).json()["hits"]
        assert picture[0]["record_id"] == found[0]["record_id"]
        tiny = {"image": {"picture": found[0]["picture"]}, "box": {"x": 0.999999, "y": 0, "w": 1e-9, "h": 1e-9}}
        answer = client.post("/api/v1/search", json=tiny)
        assert answer.status_code == 200, answer.text
        assert np.isfinite([hit["score"] for hit in answer.json()["hits"]]).all()
