"""Reading pictures in by the page: what lies where, what columns are taken for, and how it went."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.search.memory import plain
from tests.server.museum import app_of, client_of, make_library
from tests.server.test_page import parsed


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a table, its pictures, one of them broken, and a link that leads out."""
    root = tmp_path / "new"
    (root / "<b>").mkdir(parents=True)
    for n in range(3):
        Image.fromarray(plain("orange")).resize((50 + n, 40)).save(root / "<b>" / f"{n}.png")
    (root / "<b>" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with (root / "<b>" / "list.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Accession no.", "Photo", "题名", "Shelf"])
        writer.writerows([f"A.{n}", f"{n}.png", f"<i>杯 {n}", "s"] for n in range(4))
    (root / "out").symlink_to(tmp_path)
    return root


@pytest.fixture
def client(tmp_path: Path, root: Path) -> Iterator[TestClient]:
    with client_of(app_of(make_library(tmp_path / "museum"), ingest_roots=(root,))) as client:
        yield client


def test_a_table_is_looked_at_read_in_and_what_was_refused_is_told(client: TestClient) -> None:
    start = parsed(client.get("/ingest").text)
    folder = parsed(client.get(start.xpath("//ul[@class='places']//a/@href")[0]).text)
    names = [one.text_content() for one in folder.xpath("//ul[@class='places']//a")]
    assert names == ["<b>/"]  # and not the link
    inside = parsed(client.get(folder.xpath("//ul[@class='places']//a/@href")[0]).text)
    assert "4 pictures right here" in inside.text_content()
    table = parsed(client.get(inside.xpath("//h3[text()='Tables']/following-sibling::ul[1]//a/@href")[0]).text)
    columns = dict(
        zip(*([one.text_content() for one in table.xpath(f"//dl/{tag}")] for tag in ("dt", "dd")), strict=True)
    )
    assert columns["title"] == "题名"
    assert columns["image"] == "Photo"
    assert columns["kept as they are"] == "Shelf"
    assert len(table.xpath("//tbody/tr")) == 4
    assert "<i>杯 0" in table.xpath("//tbody")[0].text_content()
    (source,) = table.xpath("//form[contains(@action, 'ingest')]/input[@name='source']/@value")
    answer = client.post("/ingest", data={"source": source})
    until = time.monotonic() + 60
    while 'data-over="no"' in answer.text and time.monotonic() < until:
        time.sleep(0.1)
        answer = client.get(str(answer.url))
    page = parsed(answer.text)
    assert page.xpath("//*[@data-state]")[0].text_content() == "done"
    assert page.xpath("//dd[@data-count='added']")[0].text_content() == "3"
    assert page.xpath("//dd[@data-count='rejected']")[0].text_content() == "1"
    assert "image_truncated" in page.xpath("//ul[@data-refused]")[0].text_content()
    assert "杯 0" in client.get("/record", params={"id": "A.0"}).text
    assert "done" in parsed(client.get("/ingest").text).xpath("//ul[@class='log']/li")[0].text_content()


def test_nothing_outside_of_the_folders_is_shown_or_read(client: TestClient) -> None:
    for source in ("new/out", "new/../museum", "/etc", "no", "new/no"):
        assert client.get("/ingest", params={"source": source}).status_code in (404, 422)
        assert client.post("/ingest", data={"source": source}).status_code in (404, 422)
    assert client.get("/ingest/job", params={"number": 9}).status_code == 404
    assert client.post("/ingest/stop", data={"number": 9}).status_code == 404


def test_a_folder_in_which_nothing_can_be_read_says_why(client: TestClient, root: Path) -> None:
    (root / "two").mkdir()
    for name in ("records.jsonl", "metadata.csv"):
        (root / "two" / name).write_text("")
    page = parsed(client.get("/ingest", params={"source": "new/two"}).text)
    assert "Nothing can be read here" in page.text_content()
    assert not page.xpath("//form[contains(@action, 'ingest')]")


def test_without_a_folder_the_page_says_how_to_give_one(tmp_path: Path) -> None:
    with client_of(app_of(make_library(tmp_path / "museum"))) as client:
        assert "--ingest" in parsed(client.get("/ingest").text).text_content()
