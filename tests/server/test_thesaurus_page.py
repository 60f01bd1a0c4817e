"""Terms are found by any of their names, shown with their way and meaning, and seen on pictures of the collection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from sherd.server.named import named
from sherd.thesaurus.thesaurus import builtin_thesaurus
from tests.server.museum import app_of, client_of
from tests.server.painted import TAOTIE, make_painted
from tests.server.test_page import parsed


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_of(app_of(make_painted(tmp_path_factory.mktemp("terms")))) as client:
        yield client


@pytest.mark.parametrize("text", ["taotie", "饕餮纹", "饕餮紋", "tao tie wen", "taotiewen", "TAOTIE"])
def test_a_term_is_found_by_its_names_in_all_languages(client: TestClient, text: str) -> None:
    page = parsed(client.get("/thesaurus", params={"search": text}).text)
    first = page.xpath("//ul[@class='concepts']/li")[0]
    assert "taotie" in first.text_content()
    assert builtin_thesaurus().concept(TAOTIE).scope_notes["en"] in first.text_content()
    assert first.xpath(".//*[@class='crop']")


def test_a_concept_has_its_way_up_its_narrower_ones_and_pictures(client: TestClient) -> None:
    broader = builtin_thesaurus().concept(TAOTIE).broader[0]
    page = parsed(client.get("/thesaurus", params={"uri": broader, "lang": "zh"}).text)
    below = {one.get("href") for one in page.xpath("//ul[@class='concepts']/li/a")}
    assert len(below) == len(builtin_thesaurus().narrower(broader))
    (taotie,) = [one for one in page.xpath("//ul[@class='concepts']/li") if "饕餮纹" in one.text_content()]
    assert taotie.xpath(".//*[@class='crop']")
    inside = parsed(client.get(taotie.xpath("./a/@href")[0]).text)
    assert len(inside.xpath("//p[@class='path']/a")) == len(named(builtin_thesaurus(), TAOTIE, "zh").path) + 1 >= 3
    found = parsed(client.get(inside.xpath("//a[@class='button']/@href")[0]).text)
    assert found.xpath("//ol[@id='hits']/li[@data-hit]")
    assert "taotie" in inside.text_content()


def test_the_tree_begins_with_the_facets(client: TestClient) -> None:
    page = parsed(client.get("/thesaurus").text)
    tops = [one for one in builtin_thesaurus() if not one.broader]
    assert len(page.xpath("//ul[@class='tree']/li")) == len(tops)
    assert client.get("/thesaurus", params={"uri": "urn:no"}).status_code == 404
    assert "No term" in parsed(client.get("/thesaurus", params={"search": "zzzzzz"}).text).text_content()
