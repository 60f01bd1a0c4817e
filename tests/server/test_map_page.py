"""The map is drawn once, shown to all, and says when the collection has changed; periods stand in their order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.server.museum import app_of, client_of
from tests.server.painted import RECORDS, make_painted
from tests.server.test_page import parsed


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_of(app_of(make_painted(tmp_path_factory.mktemp("map")))) as client:
        yield client


def test_the_map_is_drawn_and_every_picture_is_a_link(client: TestClient) -> None:
    before = parsed(client.get("/map").text)
    assert "has not been drawn" in before.text_content()
    page = parsed(client.post("/map").text)
    spots = page.xpath("//svg//a[@data-spot]")
    assert len(spots) == RECORDS
    assert client.get(spots[0].get("href")).status_code == 200
    (image,) = spots[0].xpath("./image/@href")
    assert client.get(image).headers["content-type"] == "image/jpeg"
    for name in page.xpath("//svg//*[@class='names']/a/@href"):
        assert parsed(client.get(name).text).xpath("//li[@data-hit]")
    assert f"{RECORDS} of {RECORDS} pictures" in page.text_content()
    assert "has changed since" not in page.text_content()


def test_periods_stand_in_the_order_of_their_years(client: TestClient) -> None:
    rows = parsed(client.get("/map").text).xpath("//ol[@class='periods']/li")
    assert [one.xpath(".//b")[0].text_content() for one in rows] == ["Shang", "Western Zhou", "Tang"]
    assert "1600 BC" in rows[0].text_content()
    assert "from 618" in rows[2].text_content()
    assert len(rows[0].xpath(".//img")) == 8
    assert parsed(client.get(rows[2].xpath(".//a/@href")[0]).text).xpath("//li[@data-hit]")
