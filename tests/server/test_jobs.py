from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sherd.server.jobs import Jobs
from sherd.server.problems import Refusal
from tests.search.memory import plain
from tests.server.museum import app_of, client_of, make_library, served


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    return make_library(tmp_path / "museum")


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    """A folder with new pictures, and things that lead out of it."""
    root = tmp_path / "new"
    (root / "below").mkdir(parents=True)
    for n in range(3):
        Image.fromarray(plain("orange")).resize((40 + n, 40)).save(root / "below" / f"O-{n}.png")
    (root / "below" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "secret").mkdir()
    (root / "out").symlink_to(tmp_path / "secret")
    return root


@pytest.fixture
def admin(museum: Path, roots: Path) -> Iterator[TestClient]:
    with client_of(app_of(museum, ingest_roots=(roots,))) as client:
        yield client


def finished(client: TestClient, number: int) -> dict[str, object]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job: dict[str, object] = client.get(f"/api/v1/jobs/{number}").json()
        if job["state"] in ("done", "failed", "stopped"):
            return job
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def test_an_ingest_is_started_and_what_it_brings_is_found(admin: TestClient) -> None:
    assert admin.get("/api/v1/sources").json() == {"sources": ["new"]}
    started = admin.post("/api/v1/jobs", json={"kind": "ingest", "source": "new/below"})
    assert started.status_code == 202
    job = finished(admin, started.json()["number"])
    assert job["state"] == "done", job
    assert (job["last"]["added"], job["last"]["rejected"]) == (3, 1)  # type: ignore[index]
    found = admin.post("/api/v1/search", json={"text": "orange", "k": 5}).json()["hits"]
    assert {"O-0.png", "O-1.png", "O-2.png"} <= {hit["record_id"] for hit in found}
    assert [one["number"] for one in admin.get("/api/v1/jobs").json()["jobs"]] == [1]


@pytest.mark.parametrize(
    "source",
    ["", "other", "new/../secret", "new/out", "/etc", "../etc", "new/nothing", "new/\x00", "new/below/../../secret"],
)
def test_nothing_is_read_outside_of_the_roots(admin: TestClient, source: str) -> None:
    answer = admin.post("/api/v1/jobs", json={"source": source})
    assert answer.status_code in (404, 422)
    assert admin.get("/api/v1/jobs").json() == {"jobs": []}


def test_without_roots_nothing_is_ingested(tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        Jobs(tmp_path, [], max_pixels=1).find(str(tmp_path))


def test_progress_comes_as_events_and_goes_on_after_a_break(museum: Path, roots: Path) -> None:
    with (
        served(app_of(museum, ingest_roots=(roots,))) as address,
        httpx2.Client(base_url=address, timeout=60) as client,
    ):
        job = client.post("/api/v1/jobs", json={"source": "new/below"}).json()["number"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            text = "".join(stream.iter_text())  # ends by itself when the job is over
        events = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.strip().split("\n\n")]
        assert events[0]["event"] == "started"
        assert events[-1]["event"] == "done"
        assert [int(one["id"]) for one in events] == list(range(1, len(events) + 1))
        assert json.loads(events[-1]["data"])["added"] == 3
        middle = events[1]["id"]
        again = client.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": middle}).text
        assert again == text[text.index(f"id: {int(middle) + 1}\n") :]
        assert client.get("/api/v1/jobs/99/events").status_code == 404


def test_a_job_is_stopped_and_one_that_waits_never_begins(admin: TestClient, roots: Path) -> None:
    for n in range(60):
        Image.fromarray(plain("blue")).resize((100 + n, 40)).save(roots / f"many-{n}.png")
    first, second = (admin.post("/api/v1/jobs", json={"source": "new"}).json()["number"] for _ in range(2))
    assert admin.delete(f"/api/v1/jobs/{second}").json()["state"] == "stopped"
    assert admin.delete(f"/api/v1/jobs/{first}").json()["state"] == "stopped"
    third = finished(admin, admin.post("/api/v1/jobs", json={"source": "new"}).json()["number"])
    assert third["state"] == "done", third
    assert admin.get(f"/api/v1/jobs/{second}").json()["last"] == {"event": "stopped"}
    assert admin.delete("/api/v1/jobs/99").status_code == 404


def test_a_job_that_fails_says_so_and_no_place(admin: TestClient, roots: Path, museum: Path) -> None:
    (roots / "records.jsonl").write_text("{}")
    (roots / "metadata.csv").write_text("id\n")
    job = finished(admin, admin.post("/api/v1/jobs", json={"source": "new"}).json()["number"])
    assert job["state"] == "failed"
    assert job["last"] == {"event": "failed", "code": "source_unreadable"}
