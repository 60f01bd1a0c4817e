"""What browsers send: kept below one folder whatever it is called, and no more than there is room for."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from sherd.errors import InvalidArgument, RejectedItem
from sherd.server.problems import Refusal
from sherd.server.received import Received, checked_name, delivery_name
from tests.search.memory import plain
from tests.server.hostile import STRINGS
from tests.server.museum import app_of, client_of, make_library
from tests.server.test_ingest_page import columns_shown, finished
from tests.server.test_page import parsed

JSON = {"Accept": "application/json"}
TABLE = "登记号,名称,照片\nN.1,紫杯,photos/purple.png\nN.2,坏图,broken.png\n".encode()


def purple() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(plain("purple")).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return make_library(tmp_path / "museum")


@pytest.fixture
def client(library: Path) -> Iterator[TestClient]:
    with client_of(app_of(library)) as client:
        yield client


def sent(client: TestClient, delivery: str, files: dict[str, bytes], **more: object) -> dict[str, object]:
    form = {"delivery": delivery, "path": list(files)}
    given = [("file", ("file", data, "application/octet-stream")) for data in files.values()]
    answer = client.post("/ingest/receive", data=form, files=given, headers=JSON)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_pictures_and_their_table_are_sent_looked_at_and_read_in(client: TestClient, library: Path) -> None:
    files = {"登记.csv": TABLE, "photos/purple.png": purple(), "broken.png": b"\x89PNG\r\n\x1a\n", "run.exe": b"MZ"}
    told = sent(client, "New wing", files)
    assert told == {
        "delivery": "New wing", "kept": 3, "refused": [{"path": "run.exe", "reason": "unsupported_type"}]
    }  # fmt: skip
    assert not client.get("/record", params={"id": "N.1"}).is_success  # nothing is read in before somebody says so
    page = parsed(client.get("/ingest", params={"source": "received/New wing"}).text)
    assert columns_shown(page) == {"登记号": "accession", "名称": "title", "照片": "image"}
    (source,) = page.xpath("//form[@id='read']/input[@name='source']/@value")
    done = finished(client, client.post("/ingest", data={"source": source}))
    assert done.xpath("//dd[@data-count='added']")[0].text_content() == "1"
    assert "broken.png" in done.text_content() or "row 3" in done.text_content()
    assert "紫杯" in client.get("/record", params={"id": "N.1"}).text
    # Sent once more with another title: the record is the same one, put right.
    sent(client, "New wing", {"登记.csv": TABLE.replace("紫杯".encode(), "紫盏".encode())})
    done = finished(client, client.post("/ingest", data={"source": source}))
    assert done.xpath("//dd[@data-count='updated']")[0].text_content() == "1"
    assert "紫盏" in client.get("/record", params={"id": "N.1"}).text
    start = parsed(client.get("/ingest").text)
    assert "New wing" in start.xpath("//section[@aria-labelledby='send']//li")[0].text_content()
    assert client.post("/ingest/discard", data={"delivery": "New wing"}).is_success
    assert not (library / "received" / "New wing").exists()
    assert client.post("/ingest/discard", data={"delivery": "New wing"}).status_code == 404


def test_without_scripts_a_plain_form_does_it(client: TestClient) -> None:
    files = [("file", ("a.png", purple(), "image/png")), ("file", ("t.csv", b"Number,Photo\n1,a.png\n", "text/csv"))]
    answer = client.post("/ingest/receive", data={"delivery": "plain"}, files=files)
    assert answer.url.path == "/ingest"
    assert "Read by the table t.csv" in parsed(answer.text).text_content()
    assert client.post("/ingest/receive", data={"delivery": "../x"}, files=files).status_code == 422
    assert client.post("/ingest/receive", data={"delivery": "none"}).status_code == 422


BAD_PATHS = (
    "../a.png", "/etc/a.png", "a/../../b.png", "C:\\a.png", "file:///a.png", ".hidden.png", "a/.b/c.png", "a\0.png",
    "a\n.png", " .png", "x/ a.png", "\u202egnp.exe.png", "a\u200b.png", "a//b/../c.png", "d/" * 9 + "a.png",
    "n" * 250 + ".png", "", "a.png/", "a.svg", "a.exe", "a.png.html", "noextension",
)  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_name_that_leads_elsewhere_or_hides_is_refused(path: str, tmp_path: Path) -> None:
    received = Received(tmp_path / "received", most_bytes=10_000, most_files=5)
    if path == "a.png/":  # a plain path once its end is taken off
        assert checked_name(path) == "a.png"
        return
    with pytest.raises(RejectedItem):
        received.take("d", path, io.BytesIO(b"x"), 1)
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


def test_hostile_texts_as_names_stay_below_the_folder(tmp_path: Path) -> None:
    received = Received(tmp_path / "in" / "received", most_bytes=10**6, most_files=1_000)
    kept = 0
    for text in STRINGS:
        for delivery, path in ((text, "a.png"), ("d", f"{text}.png")):
            try:
                received.take(delivery, path, io.BytesIO(b"x"), 1)
            except (RejectedItem, Refusal):
                continue
            kept += 1
    assert kept > 20  # markup is no reason to refuse a name
    top = tmp_path / "in" / "received"
    assert all(top in one.parents for one in tmp_path.rglob("*") if one.is_file())
    assert not any(one.is_symlink() or one.name.startswith(".") for one in top.rglob("*"))


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", ".x", "a\0b", "x" * 81, "a\u202eb", "a\\b"])
def test_a_delivery_needs_a_name_that_a_folder_can_have(name: str) -> None:
    with pytest.raises(Refusal):
        delivery_name(name)


def test_there_is_room_for_so_much_and_what_is_replaced_counts_once(tmp_path: Path) -> None:
    received = Received(tmp_path / "r", most_bytes=10, most_files=2)
    received.take("d", "a.png", io.BytesIO(b"12345"), 5)
    received.take("d", "a.png", io.BytesIO(b"1234567"), 7)
    assert (tmp_path / "r/d/a.png").read_bytes() == b"1234567"
    with pytest.raises(Refusal, match="discard"):
        received.take("e", "b.png", io.BytesIO(b"12345"), 5)
    received.take("d", "b.png", io.BytesIO(b"1"), 1)
    with pytest.raises(Refusal, match="2 files"):
        received.take("d", "c.png", io.BytesIO(b"1"), 1)
    assert [(one.name, one.files, one.size_bytes) for one in received.deliveries()] == [("d", 2, 8)]
    again = Received(tmp_path / "r", most_bytes=10, most_files=2)  # as after a restart
    with pytest.raises(Refusal, match="discard"):
        again.take("e", "b.png", io.BytesIO(b"12345"), 5)
    again.discard("d")
    again.take("e", "b.png", io.BytesIO(b"12345"), 5)
    with pytest.raises(Refusal, match="nearly full"):
        Received(tmp_path / "r", most_bytes=100, most_files=9, spare_bytes=2**62).take(
            "e", "c.png", io.BytesIO(b"1"), 1
        )


def test_an_empty_file_and_one_in_the_place_of_a_folder_are_refused(tmp_path: Path) -> None:
    received = Received(tmp_path / "r", most_bytes=100, most_files=9)
    with pytest.raises(RejectedItem) as empty:
        received.take("d", "a.png", io.BytesIO(b""), 0)
    received.take("d", "x.png/a.png", io.BytesIO(b"1"), 1)
    for path in ("x.png", "x.png/a.png/b.png"):
        with pytest.raises(RejectedItem) as taken:
            received.take("d", path, io.BytesIO(b"1"), 1)
        assert taken.value.reason == "name_taken"
    assert empty.value.reason == "file_empty"
    assert not list((tmp_path / "r").glob(".*"))


def test_settings_bound_what_is_taken(library: Path) -> None:
    for settings, status in (
        ({"max_delivery_bytes": 2_000}, 413), ({"received_bytes": 10}, 507), ({"received_files": 1}, 413)
    ):  # fmt: skip
        with client_of(app_of(library, **settings)) as client:
            files = [("file", (f"{n}.png", os.urandom(2_000), "image/png")) for n in range(2)]
            answer = client.post("/ingest/receive", data={"delivery": "x"}, files=files, headers=JSON)
            assert answer.status_code == status, settings


def test_only_an_admin_sends_and_a_folder_may_not_be_called_as_the_received(library: Path, tmp_path: Path) -> None:
    (tmp_path / "received").mkdir()
    with pytest.raises(InvalidArgument):
        app_of(library, ingest_roots=(tmp_path / "received",))
    with client_of(app_of(library, tokens_required=True)) as client:
        answer = client.post(
            "/ingest/receive", data={"delivery": "x"}, files={"file": ("a.png", purple())}, headers=JSON
        )
        assert answer.status_code == 401
    assert not (library / "received").exists()


def test_what_is_being_read_in_is_not_discarded(client: TestClient) -> None:
    sent(client, "big", {f"{n}.png": purple() for n in range(30)})
    job = client.post("/ingest", data={"source": "received/big"}, follow_redirects=False)
    refused = client.post("/ingest/discard", data={"delivery": "big"})
    assert refused.status_code == 422
    assert "being read in" in refused.text
    finished(client, client.get(job.headers["location"]))
    assert client.post("/ingest/discard", data={"delivery": "big"}).is_success
