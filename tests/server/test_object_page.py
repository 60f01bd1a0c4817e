"""One record: what is marked on it, what it is said to bear and by whom, and what is like it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import lxml.etree
import pytest
from starlette.testclient import TestClient

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.ingest.library import Library
from sherd.suggest import review
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import Action, Box, Decision
from tests.server.museum import app_of, client_of, make_library
from tests.server.test_page import parsed

TAOTIE, LOTUS = "urn:sherd:taotie", "urn:sherd:lotus_flower"


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three records with terms of the thesaurus; of the first a person decided two things."""
    rows = [
        {"id": "one", "image": "1.png", "title": "鼎", "motif": "taotie", "theme": "long life", "culture": "Shang"},
        {"id": "two", "image": "2.png", "title": "簋", "motif": "lotus", "theme": "long life", "culture": "Zhou"},
        {"id": "three", "image": "3.png", "title": "壶", "motif": "", "theme": "", "culture": "Zhou"},
    ]
    library = make_library(tmp_path_factory.mktemp("terms"), rows)
    with Library.open(library) as there:
        with there.writer():
            import_thesaurus(there.catalogue.database, builtin_thesaurus(), name="builtin")
        said = Decision(
            "one", Action.OTHER, "Ada", review.now(), value=LOTUS, image="1.png", box=Box(0.1, 0.2, 0.3, 0.4)
        )
        refused = Decision("one", Action.REJECT, "Ada", review.now(), concept=TAOTIE)
        review.decide(there, [said, refused])
    return library


@pytest.fixture(scope="module")
def client(museum: Path) -> Iterator[TestClient]:
    with client_of(app_of(museum)) as client:
        yield client


def test_terms_have_their_way_and_meaning_and_say_who_says_so(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "one"}).text)
    terms = {
        one.xpath(".//b")[0].text_content(): one.text_content() for one in page.xpath("//ul[@class='terms']/li[.//b]")
    }
    lotus = builtin_thesaurus().concept(LOTUS)
    assert set(terms) >= {"lotus flower", "long life"}
    assert "›" in terms["lotus flower"]
    assert lotus.scope_notes["en"] in terms["lotus flower"]
    assert "decided by Ada" in terms["lotus flower"]
    assert "the catalogue says “long life”" in terms["long life"]
    assert [one.text_content() for one in page.xpath("//s")] == ["taotie"]
    zh = parsed(client.get("/record", params={"id": "one", "lang": "zh"}).text)
    assert "莲花纹" in [one.text_content() for one in zh.xpath("//ul[@class='terms']/li//b")]
    assert lotus.scope_notes["zh-Hans"] in zh.text_content()


def test_marks_are_numbered_and_lead_to_a_search_for_that_part(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "one"}).text)
    (edge,) = page.xpath("//*[@data-mark='1']/rect[@class='edge']")
    width = float(page.xpath("//figure//img/@width")[0])
    assert float(edge.get("x")) == pytest.approx(0.1 * width)
    (line,) = page.xpath("//li[@data-mark-line='1']")
    assert "lotus" in line.text_content()
    assert client.get(line.xpath(".//a/@href")[0]).status_code == 200


def test_rows_show_others_and_never_the_record_itself(client: TestClient) -> None:
    for row in ("parts", "objects", "theme"):
        page = parsed(client.get("/record/like", params={"id": "one", "row": row}).text)
        shown = page.xpath("//ul[@class='strip']//a/@href")
        assert "/record?id=two" in shown
        assert "/record?id=one" not in shown
        assert ("/record?id=three" in shown) == (row != "theme")
    page = parsed(client.get("/record", params={"id": "three"}).text)
    assert "No theme is known" in page.text_content()
    assert parsed(client.get("/record/like", params={"id": "three", "row": "theme"}).text).xpath("//ul") != []
    assert client.get("/record/like", params={"id": "no", "row": "parts"}).status_code == 404
    assert client.get("/record/like", params={"id": "one", "row": "x"}).status_code == 422


def test_a_record_is_taken_along_without_what_people_refused(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "one"}).text)
    files = {
        address.rsplit("=", 1)[1]: client.get(address) for address in page.xpath("//a[contains(@href, 'export')]/@href")
    }
    assert {*files} == {"json", "annotations", "linked-art", "lido"}
    for answer in files.values():
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")
    assert files["json"].json()["record_id"] == "one"
    assert {LOTUS, TAOTIE} & {one for one in (LOTUS, TAOTIE) if one in files["annotations"].text} == {LOTUS}
    assert json.loads(files["linked-art"].text)[0]["type"] == "HumanMadeObject"
    assert lxml.etree.fromstring(files["lido"].content).tag.endswith("lidoWrap")
    assert client.get("/record/export", params={"id": "no", "form": "json"}).status_code == 404


def test_without_a_word_about_rights_the_page_says_so(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "one"}).text)
    assert "Nothing is said about rights" in page.text_content()
    assert "鼎. one. Shang" in page.xpath("//p[@id='citation']")[0].text_content()
