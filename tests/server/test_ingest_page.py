"""Reading pictures in by the page: what lies where, what columns are taken for, and how it went."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
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


def columns_shown(page: Any) -> dict[str, str]:
    """Heading -> role that is chosen for it."""
    labels = page.xpath("//div[@class='columns']/label")
    return {one.xpath("b")[0].text_content(): (one.xpath(".//option[@selected]/@value") or [""])[0] for one in labels}


def finished(client: TestClient, answer: Response) -> Any:
    """The page of a job when it is over."""
    until = time.monotonic() + 60
    while 'data-over="no"' in answer.text and time.monotonic() < until:
        time.sleep(0.1)
        answer = client.get(str(answer.url))
    return parsed(answer.text)


def test_a_table_is_looked_at_read_in_and_what_was_refused_is_told(client: TestClient) -> None:
    start = parsed(client.get("/ingest").text)
    folder = parsed(client.get(start.xpath("//ul[@class='places']//a/@href")[0]).text)
    names = [one.text_content() for one in folder.xpath("//ul[@class='places']//a")]
    assert names == ["<b>/"]  # and not the link
    inside = parsed(client.get(folder.xpath("//ul[@class='places']//a/@href")[0]).text)
    assert "4 pictures in this very folder" in inside.text_content()
    assert "Read by the table list.csv" in inside.text_content()  # the only one, whatever its name
    assert columns_shown(inside) == {"Accession no.": "accession", "Photo": "image", "题名": "title", "Shelf": ""}
    assert len(inside.xpath("//tbody/tr")) == 4
    assert "<i>杯 0" in inside.xpath("//tbody")[0].text_content()
    picture = client.get(inside.xpath("//tbody//img/@src")[0])
    assert picture.headers["content-type"] == "image/jpeg"
    (source,) = inside.xpath("//form[@id='read']/input[@name='source']/@value")
    page = finished(client, client.post("/ingest", data={"source": source}))
    assert page.xpath("//*[@data-state]")[0].text_content() == "done"
    assert page.xpath("//dd[@data-count='added']")[0].text_content() == "3"
    assert page.xpath("//dd[@data-count='rejected']")[0].text_content() == "1"
    assert page.xpath("//a[@class='button'][@href='/']")  # on to the search
    assert "the picture ends early" in page.xpath("//ul[@data-refused]")[0].text_content()
    assert "杯 0" in client.get("/record", params={"id": "A.0"}).text
    jobs = parsed(client.get("/ingest").text).xpath("//section[@aria-labelledby='jobs']//li")
    assert "done" in jobs[0].text_content()


def test_a_person_puts_the_columns_right(client: TestClient) -> None:
    asked = {"source": "new/<b>/list.csv", "role": ["accession", "image", "", "title"]}
    page = parsed(client.get("/ingest", params=asked).text)
    assert columns_shown(page) == {"Accession no.": "accession", "Photo": "image", "题名": "", "Shelf": "title"}
    assert page.xpath("//tbody/tr[1]/td[3]")[0].text_content().strip() == "s"
    assert finished(client, client.post("/ingest", data=asked)).xpath("//*[@data-state]")[0].text_content() == "done"
    assert "<title>s · Sherd</title>" in client.get("/record", params={"id": "A.0"}).text
    for role in (["accession", "accession", "", ""], ["image"], ["nonsense", "image", "", ""]):
        assert client.get("/ingest", params={**asked, "role": role}).status_code == 422
        assert client.post("/ingest", data={**asked, "role": role}).status_code == 422


def test_a_table_with_unknown_headings_can_be_read_when_a_person_names_them(client: TestClient, root: Path) -> None:
    (root / "<b>" / "list.csv").write_text("Foo,Bar\nB.1,0.png\n")
    page = parsed(client.get("/ingest", params={"source": "new/<b>"}).text)
    assert columns_shown(page) == {"Foo": "", "Bar": ""}
    assert "Choose them above" in page.text_content()
    named = client.get("/ingest", params={"source": "new/<b>/list.csv", "role": ["accession", "image"]})
    assert "B.1" in parsed(named.text).xpath("//tbody")[0].text_content()


def test_pictures_are_read_without_the_table_that_lies_with_them(client: TestClient) -> None:
    page = parsed(client.get("/ingest", params={"source": "new/<b>", "plain": "true"}).text)
    assert "<b>/0.png" not in page.text_content()
    assert "0.png" in page.xpath("//tbody")[0].text_content()
    assert page.xpath("//form[@id='read']/input[@name='source']/@value") == ["new/<b>"]


def test_a_picture_that_is_not_there_is_told_before_it_is_read(client: TestClient, root: Path) -> None:
    (root / "<b>" / "2.png").unlink()
    page = parsed(client.get("/ingest", params={"source": "new/<b>"}).text)
    assert "not there: 2.png" in page.xpath("//tbody")[0].text_content()


def test_nothing_outside_of_the_folders_is_shown_or_read(client: TestClient) -> None:
    for source in ("new/out", "new/../museum", "/etc", "no", "new/no"):
        assert client.get("/ingest", params={"source": source}).status_code in (404, 422)
        assert client.post("/ingest", data={"source": source}).status_code in (404, 422)
        assert client.get("/ingest/picture", params={"source": source, "path": "0.png"}).status_code in (404, 422)
    for path in ("../museum/library/catalogue.sqlite", "/etc/passwd", "out/museum/source/red.png", "list.csv"):
        assert client.get("/ingest/picture", params={"source": "new/<b>", "path": path}).status_code in (415, 422)
    assert client.get("/ingest/job", params={"number": 9}).status_code == 404
    assert client.post("/ingest/stop", data={"number": 9}).status_code == 404


def test_a_folder_in_which_nothing_can_be_read_says_why(client: TestClient, root: Path) -> None:
    (root / "two").mkdir()
    for name in ("records.jsonl", "metadata.csv"):
        (root / "two" / name).write_text("")
    page = parsed(client.get("/ingest", params={"source": "new/two"}).text)
    assert "several of which one has to be chosen" in page.text_content()
    assert not page.xpath("//button[@form='read']")


def test_without_a_folder_the_page_says_how_to_give_one(tmp_path: Path) -> None:
    with client_of(app_of(make_library(tmp_path / "museum"))) as client:
        assert "--ingest" in parsed(client.get("/ingest").text).text_content()
