from __future__ import annotations

import io
import json
from urllib.parse import parse_qs, urlsplit

import lxml.html
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.search.memory import plain
from tests.server.museum import as_query


def parsed(text: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(text)


def test_the_form_leads_to_an_address_that_can_be_shared(client: TestClient) -> None:
    answer = client.get("/", params={"text": "red", "culture": "Tang", "minus": ""})
    (redirect,) = answer.history
    assert redirect.status_code == 303
    query = parse_qs(urlsplit(redirect.headers["location"]).query)
    assert json.loads(query["q"][0]) == {"text": "red", "where": {"culture": ["Tang"]}}
    page = parsed(answer.text)
    assert page.xpath("//ol[@class='hits']/li")[0].xpath(".//h2")[0].text_content() == "red bowl"
    assert page.xpath("//input[@name='text']/@value") == ["red"]
    assert page.xpath("//input[@name='culture']/@value") == ["Tang"]


def test_hits_have_their_picture_and_the_box_of_the_match_over_it(client: TestClient) -> None:
    page = parsed(client.get("/", params=as_query(text="red", where={"culture": ["Song"]})).text)
    first = page.xpath("//ol[@class='hits']/li")[0]
    (src,) = first.xpath(".//img/@src")
    assert client.get(src).headers["content-type"] == "image/jpeg"
    x, y, w, h = (float(first.xpath(f".//rect[@class='edge']/@{side}")[0]) for side in ("x", "y", "width", "height"))
    assert 0 <= x < x + w <= 1
    assert 0 <= y < y + h <= 1
    (part,) = first.xpath(".//p[@class='next']/a[1]/@href")
    assert client.get(part).status_code == 200


def test_a_picture_is_searched_with_without_a_script(client: TestClient) -> None:
    stream = io.BytesIO()
    Image.fromarray(plain("purple")).save(stream, "PNG")
    answer = client.post("/search-by-picture", files={"file": ("p.png", stream.getvalue(), "image/png")})
    page = parsed(answer.text)
    assert page.xpath("//ol[@class='hits']/li//h2")[0].text_content() == "purple bowl"
    assert page.xpath("//figure[@class='query']//img")
    broken = client.post("/search-by-picture", files={"file": ("p.png", b"nothing", "image/png")})
    assert broken.status_code == 415
    assert parsed(broken.text).xpath("//p[@class='problem']")


@pytest.mark.parametrize(
    ("headers", "lang", "tag", "word"),
    [
        ({}, None, "en", "Search"),
        ({"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}, None, "zh-Hans", "检索"),
        ({"accept-language": "zh-CN"}, "en", "en", "Search"),
        ({}, "zh", "zh-Hans", "检索"),
        ({"accept-language": "fr;q=x, ;;;,zh;q=0"}, "xx", "en", "Search"),
    ],
)
def test_the_page_speaks_chinese_and_english(
    client: TestClient, headers: dict[str, str], lang: str | None, tag: str, word: str
) -> None:
    answer = client.get("/", headers=headers, params={"lang": lang} if lang else {})
    page = parsed(answer.text)
    assert page.get("lang") == tag
    assert page.xpath("//form[@class='ask']/button")[0].text_content() == word
    kept = client.get("/", params={"text": "red"} | ({"lang": lang} if lang else {}), headers=headers)
    assert parsed(kept.text).get("lang") == tag


def test_a_record_has_a_page(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "R/red"}).text)
    assert page.xpath("//h1")[0].text_content() == "red bowl"
    assert client.get("/record", params={"id": "nothing"}).status_code == 404


def test_a_query_that_is_none_is_told_on_the_page(client: TestClient) -> None:
    for params in ({"q": "{"}, {"q": '{"text":""}'}, {"q": '{"text":"red","where":{"colour":["x"]}}'}):
        answer = client.get("/", params=params)
        assert answer.status_code == 400
        assert parsed(answer.text).xpath("//p[@role='alert']")


def test_the_page_runs_no_script_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/", params=as_query(text="red"))
    page = parsed(answer.text)
    assert not page.xpath("//script | //style | //@style | //@*[starts-with(name(), 'on')]")
    for address in page.xpath("//@href | //@src | //@action"):
        assert address.startswith(("/", "?")), address
        assert not address.startswith("//")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert client.get("/static/sherd.css").headers["content-type"].startswith("text/css")
