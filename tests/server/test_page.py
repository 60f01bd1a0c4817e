from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import lxml.html
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sherd.search.words import LANGUAGES
from sherd.server import pages
from sherd.server.page_words import CATALOGUE, words_in
from sherd.server.pages import TEMPLATES
from sherd.server.problems import CODES
from sherd.server.shown import first_guess
from sherd.types import Hit, Level
from tests.search.memory import plain
from tests.server.museum import as_query

SOURCES = Path(__file__).resolve().parents[2] / "web/src"
HITS = "//ol[@id='hits']/li[@data-hit]"


def parsed(text: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(text)


def test_the_form_leads_to_an_address_that_can_be_shared(client: TestClient) -> None:
    answer = client.get("/", params={"text": "red", "culture": "Tang", "minus": ""})
    (redirect,) = answer.history
    assert redirect.status_code == 303
    query = parse_qs(urlsplit(redirect.headers["location"]).query)
    assert json.loads(query["q"][0]) == {"text": "red", "where": {"culture": ["Tang"]}}
    page = parsed(answer.text)
    assert page.xpath(HITS)[0].xpath(".//h3")[0].text_content() == "red bowl"
    assert page.xpath("//input[@name='text']/@value") == ["red"]
    assert "culture: Tang" in page.xpath("//p[@class='chips']/a")[0].text_content()
    again = client.get("/", params={"text": "red", "from": page.xpath("//input[@name='from']/@value")[0]})
    assert again.url == answer.url


def test_hits_have_their_picture_and_the_box_of_the_match_over_it(client: TestClient) -> None:
    page = parsed(client.get("/", params=as_query(text="red", where={"culture": ["Song"]})).text)
    first = page.xpath(HITS)[0]
    (src,) = first.xpath(".//img/@src")
    assert client.get(src).headers["content-type"] == "image/jpeg"
    width, height = (int(first.xpath(f".//img/@{side}")[0]) for side in ("width", "height"))
    x, y, w, h = (float(first.xpath(f".//rect[@class='edge']/@{side}")[0]) for side in ("x", "y", "width", "height"))
    assert first.xpath(".//svg/@viewbox") == [f"0 0 {width} {height}"]
    assert 0 <= x < x + w <= width
    assert 0 <= y < y + h <= height
    (part,) = first.xpath(".//a[@class='part']/@href")
    asked = json.loads(parse_qs(urlsplit(part).query)["q"][0])
    assert asked["box"]["x"] == pytest.approx(x / width, abs=1e-4)
    assert client.get(part).status_code == 200
    (heat,) = first.xpath(".//@data-heat")
    assert client.get(heat).headers["content-type"] == "image/png"
    assert not parsed(client.get(first.xpath(".//p[@class='next']/a[2]/@href")[0]).text).xpath("//@data-heat")


def test_a_picture_is_searched_with_without_a_script(client: TestClient) -> None:
    stream = io.BytesIO()
    Image.fromarray(plain("purple")).save(stream, "PNG")
    answer = client.post("/search-by-picture", files={"file": ("p.png", stream.getvalue(), "image/png")})
    page = parsed(answer.text)
    assert page.xpath(HITS)[0].xpath(".//h3")[0].text_content() == "purple bowl"
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
    assert page.xpath("//form[@class='ask']//button")[0].text_content() == word
    kept = client.get("/", params={"text": "red"} | ({"lang": lang} if lang else {}), headers=headers)
    assert parsed(kept.text).get("lang") == tag


def test_a_record_has_a_page(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "R/red"}).text)
    assert page.xpath("//h1")[0].text_content() == "red bowl"
    assert client.get("/record", params={"id": "nothing"}).status_code == 404


def test_a_query_that_is_none_is_told_on_the_page(client: TestClient) -> None:
    for params in (
        {"q": "{"},
        {"minus": "red"},
        {"q": '{"text":""}'},
        {"q": '{"text":"red","where":{"colour":["x"]}}'},
    ):
        answer = client.get("/", params=params)
        assert answer.status_code == 400
        assert parsed(answer.text).xpath("//p[@role='alert']")


def test_the_page_has_no_script_of_its_own_in_it_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/", params=as_query(text="red"))
    page = parsed(answer.text)
    assert not page.xpath("//script[not(@src)] | //style | //@style | //@*[starts-with(name(), 'on')]")
    for address in page.xpath("//@href | //@src | //@action"):
        assert address.startswith(("/", "?", "#")), address
        assert not address.startswith("//")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert client.get("/static/sherd.css").headers["content-type"].startswith("text/css")


def test_filters_have_counts_and_are_links_that_turn_them_on_and_off(client: TestClient) -> None:
    page = parsed(client.get("/", params=as_query(text="red")).text)
    values = {one.text_content(): one for one in page.xpath("//aside//li/a")}
    assert values["Tang"].getparent().xpath("./span")[0].text_content() == "8"
    narrowed = parsed(client.get(values["Tang"].get("href")).text)
    assert len(narrowed.xpath(HITS)) == 8
    (on,) = narrowed.xpath("//aside//li/a[@aria-current]")
    assert on.text_content() == "Tang"
    both = parsed(client.get(narrowed.xpath("//aside//li/a[text()='Song' or ./bdi='Song']/@href")[0]).text)
    assert len(both.xpath(HITS)) == 16
    assert len(parsed(client.get(on.get("href")).text).xpath(HITS)) == 16


def test_without_the_modules_the_page_says_what_is_missing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    bare = parsed(client.get("/", params=as_query(text="red")).text)
    assert bare.xpath("//*[@class='unbuilt']")
    assert not bare.xpath("//script")
    assert not bare.xpath("//button[@data-draw or @data-keep or @data-heat-toggle]")
    assert bare.xpath(HITS + "//svg[@class='box']")
    (tmp_path / "page.js").write_text("")
    full = parsed(client.get("/", params=as_query(text="red")).text)
    assert not full.xpath("//*[@class='unbuilt']")
    assert full.xpath("//script/@src") == ["/static/built/page.js"]
    assert full.xpath("//button[@data-draw]")


def test_the_page_begins_with_examples_and_pictures_of_the_collection(client: TestClient) -> None:
    page = parsed(client.get("/").text)
    assert "16 records with 16 pictures" in page.text_content()
    for example in page.xpath("//p[@class='examples']/a/@href"):
        assert client.get(example).status_code == 200
    assert len(page.xpath("//ul[@class='mosaic']//img")) == 16


def hit(*, guess: bool) -> Hit:
    return Hit("a", "a", 0.5, Level.PART, None, {}, "a.jpg", guess=guess)


@pytest.mark.parametrize(
    ("guesses", "line"), [((), None), ((0, 0), None), ((1, 1), 0), ((0, 1, 0, 1, 1), 3), ((1, 0), None)]
)
def test_below_the_line_there_are_only_guesses(guesses: tuple[int, ...], line: int | None) -> None:
    assert first_guess([hit(guess=bool(one)) for one in guesses]) == line


def test_every_word_is_there_in_both_languages_and_none_is_in_vain() -> None:
    tables = tomllib.loads(CATALOGUE.read_text("utf-8"))
    used = "\n".join(file.read_text("utf-8") for file in [*TEMPLATES.glob("*.html"), *SOURCES.rglob("*.ts")])
    used += "\n".join(file.read_text("utf-8") for file in TEMPLATES.parent.rglob("*.py"))
    used += "\n".join(file.read_text("utf-8") for file in (TEMPLATES.parents[1] / "ingest").rglob("*.py"))
    for name, table in tables.items():
        for key, both in table.items():
            assert len(both) == len(LANGUAGES) == 2
            assert not hasattr({}, key), f"{key} is a method of a table"
            assert all(one.strip() for one in both), (name, key)
            holes = [sorted(re.findall(r"{\w*}", one)) for one in both]
            assert holes[0] == holes[1], (name, key)
            assert re.search(rf"\b{key}\b", used) or key.startswith(("did_", "state_", "kind_", "not_")), (
                f"nothing says {name}.{key}"
            )
    assert tables["problems"].keys() == CODES.keys()
    assert words_in("zh")["all"]["search"] == tables["all"]["search"][1]


def test_the_pages_files_are_asked_about_before_they_are_used_again(client: TestClient) -> None:
    answer = client.get("/static/sherd.css", headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-encoding"] == "gzip"
    again = client.get("/static/sherd.css", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
