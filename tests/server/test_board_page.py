"""The board of a browser comes back as files and as a page to print."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sherd.server.routes.board_page import MOST
from tests.server.museum import app_of, client_of
from tests.server.painted import make_painted
from tests.server.test_page import parsed

BOX = {"x": 0.5, "y": 0.5, "w": 0.5, "h": 0.5}


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_painted(tmp_path_factory.mktemp("board"))


@pytest.fixture
def client(painted: Path) -> Iterator[TestClient]:
    with client_of(app_of(painted)) as client:
        yield client


def picture_of(client: TestClient, record: str) -> str:
    return str(client.get("/api/v1/record", params={"id": record}).json()["images"][0]["picture"])


def files_of(client: TestClient, items: object) -> dict[str, bytes]:
    answer = client.post("/board/export", data={"items": json.dumps(items)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_crops_come_in_full_resolution_with_their_credits(client: TestClient, painted: Path) -> None:
    sha256 = picture_of(client, "p-01")
    items = [{"record": "p-01", "picture": sha256, "box": BOX}, {"record": "p-01", "picture": sha256}]
    files = files_of(client, items)
    with Image.open(io.BytesIO(files["pictures/001-p-01.jpg"])) as crop:
        assert crop.size == (120, 100)
        with Image.open(painted.parent / "source" / "01.png") as original:
            wanted = np.asarray(original.convert("RGB").crop((120, 100, 240, 200)), float)
        assert np.abs(np.asarray(crop, float) - wanted).mean() < 6
    with Image.open(io.BytesIO(files["pictures/002-p-01.jpg"])) as whole:
        assert whole.size == (240, 200)
    credits = files["credits.csv"].decode("utf-8-sig")
    assert "vessel 1. p-01. CC0" in credits
    assert "http://127.0.0.1/record?id=p-01" in credits
    assert files["meanings.csv"].count(b"\r\n") >= 3


def test_where_the_museums_file_is_gone_the_small_picture_is_given_and_said_to_be_small(tmp_path: Path) -> None:
    library = make_painted(tmp_path, size=(700, 560))
    shutil.rmtree(tmp_path / "source")
    with client_of(app_of(library)) as client:
        files = files_of(client, [{"record": "p-01", "picture": picture_of(client, "p-01"), "box": BOX}])
        assert b"small: the museum's file is not at hand" in files["credits.csv"]
        with Image.open(io.BytesIO(files["pictures/001-p-01.jpg"])) as crop:
            assert crop.size == (256, 205)


def test_the_page_to_print_has_captions_credits_and_codes(client: TestClient) -> None:
    items = json.dumps([{"record": "p-01", "picture": picture_of(client, "p-01"), "box": BOX}])
    page = parsed(client.post("/board/print", data={"items": items, "title": "<b>课</b>"}).text)
    assert page.xpath("//h1")[0].text_content() == "<b>课</b>"
    (src,) = page.xpath("//figure/img/@src")
    with Image.open(io.BytesIO(client.get(src).content)) as shown:
        assert shown.size[0] / shown.size[1] == pytest.approx(1.2, abs=0.05)
    assert page.xpath("//figure//span[@class='qr']/svg/path/@d")
    text = page.xpath("//figure")[0].text_content()
    assert "vessel 1" in text
    assert "CC0" in text
    assert page.xpath("//p[@lang='zh-Hans']")


OUTSIDE = {"record": "p-01", "picture": "0" * 64, "box": {"x": 2, "y": 0, "w": 1, "h": 1}}
TOO_MANY = [{"record": "p", "picture": "0" * 64}] * (MOST + 1)
PARTS = ('[{"record":"p-01"}]', '[{"record":"a","picture":"x"}]')


@pytest.mark.parametrize(
    "items",
    [
        "",
        "{",
        "[]",
        '[{"record":"p-01"}]',
        '[{"record":"a","picture":"x"}]',
        json.dumps([OUTSIDE]),
        json.dumps(TOO_MANY),
    ],
)
def test_a_board_that_is_none_is_refused(client: TestClient, items: str) -> None:
    for path in ("/board/export", "/board/print"):
        assert client.post(path, data={"items": items}).status_code == 422


def test_what_the_library_has_no_more_is_left_out(client: TestClient) -> None:
    items = [{"record": "gone", "picture": "0" * 64}, {"record": "p-01", "picture": "0" * 64}]
    assert sorted(files_of(client, items)) == ["credits.csv", "meanings.csv"]
