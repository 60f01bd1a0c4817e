"""Every setting is one that can be seen to matter."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sherd.errors import InvalidArgument
from sherd.server.settings import Room, ServerSettings
from tests.conftest import ROOT
from tests.server.museum import app_of, client_of


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def upload(client: TestClient, data: bytes) -> str:
    answer = client.post("/api/v1/uploads", files={"file": ("x.png", data, "image/png")})
    return str(answer.json().get("upload") or answer.json().get("reason") or answer.json()["code"])


def first_upload_is_still_there(client: TestClient) -> int:
    first = upload(client, png(300, 300))
    for _ in range(5):
        upload(client, png(300, 300))
    return client.get(f"/api/v1/uploads/{first}/thumbnail").status_code


def code(path: str, **more: object) -> Callable[[TestClient], object]:
    return lambda client: client.get(path, **more).status_code  # type: ignore[arg-type]


def texts_encoded(client: TestClient) -> float:
    for text in ("red", "green", "red"):
        client.post("/api/v1/search", json={"text": text})
    found = re.search(r'sherd_texts_total\{kept="yes"\} ([0-9.]+)', client.get("/metrics").text)
    assert found is not None
    return float(found[1])


HERE = [
    ("names", ("museum.example",), code("/health/live", headers={"Host": "museum.example"}), 421, 200),
    ("tokens_required", True, code("/api/v1/records"), 200, 401),
    ("max_body_bytes", 10, lambda c: c.post("/api/v1/search", json={"text": "red"}).status_code, 200, 413),
    ("max_upload_bytes", 1_000, lambda c: upload(c, png(60, 60))[:4] != "body", True, False),
    ("max_pixels", 1_000, lambda c: upload(c, png(60, 60)) == "image_too_large", False, True),
    ("max_address_bytes", 5, code("/api/v1/records"), 200, 414),
    ("max_header_bytes", 50, code("/api/v1/records"), 200, 431),
    ("deadline_s", 0.0, lambda c: c.post("/api/v1/search", json={"text": "red"}).status_code, 200, 503),
    ("text_vectors", 0, texts_encoded, 1.0, 0.0),
    ("upload_bytes", 1_000, first_upload_is_still_there, 200, 404),
]  # fmt: skip
ELSEWHERE = {
    "host": "test_running", "body_idle_s": "test_layers", "body_total_s": "test_layers", "wait_s": "test_admission",
    "interactive": "test_admission", "write": "test_admission", "bulk": "test_admission", "files": "test_admission",
    "streams": "test_admission", "per_client": "test_admission", "batch": "test_encoding", "ingest_roots": "test_jobs",
    "max_delivery_bytes": "test_received", "received_bytes": "test_received", "received_files": "test_received",
    "workers": "test_settings", "decoders": "test_settings",
    "open_reading": "test_auth",
    "title": "test_iiif", "public_url": "test_iiif", "origins": "test_iiif", "image_area": "test_iiif_image",
    "image_bytes": "test_iiif_image", "image_workers": "test_iiif_image",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "ask", "usual", "changed"), HERE, ids=[row[0] for row in HERE])
def test_a_setting_changes_what_is_answered(
    library: Path, client: TestClient, name: str, value: object, ask: Callable[[TestClient], object], usual: object,
    changed: object,
) -> None:  # fmt: skip
    with client_of(app_of(library)) as plain:
        assert ask(plain) == usual
    with client_of(app_of(library, **{name: value})) as other:
        assert ask(other) == changed


def test_threads_and_decoders_are_as_many_as_said(library: Path) -> None:
    assert ServerSettings(workers=3).threads == 3
    assert ServerSettings().threads >= 1
    for decoders in (1, 3):
        app = app_of(library, workers=2, decoders=decoders)
        assert app.state.services._pool._max_workers == 2
        assert app.state.services._decoders._workers == decoders


def test_no_setting_is_forgotten() -> None:
    assert {row[0] for row in HERE} | ELSEWHERE.keys() >= {field.name for field in dataclasses.fields(ServerSettings)}
    for name, module in ELSEWHERE.items():
        assert name in (ROOT / f"tests/server/{module}.py").read_text("utf-8"), name


@pytest.mark.parametrize("bad", [{"max_pixels": -1}, {"deadline_s": -0.1}, {"workers": -1}])
def test_a_setting_below_nothing_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument):
        ServerSettings(**bad)  # type: ignore[arg-type]


def test_a_room_has_room() -> None:
    with pytest.raises(InvalidArgument):
        Room(0, 5)
    with pytest.raises(InvalidArgument):
        Room(1, -1)
