"""200 strings that would be script if they were taken for HTML, in every field that is shown.

The pages are parsed by libxml2's HTML5 tokenizer: what counts is what elements and attributes come out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import lxml.html
import pytest
from starlette.testclient import TestClient

from sherd.search.words import printable
from tests.server.hostile import STRINGS
from tests.server.museum import app_of, client_of, make_library

FIELDS = ("title", "description", "object_type", "material", "culture", "period", "motif", "theme", "rights", "licence",
          "note <b>")  # fmt: skip
_ALLOWED = {
    "html", "head", "meta", "title", "link", "body", "header", "a", "nav", "main", "p", "search", "form", "label",
    "input", "details", "summary", "button", "section", "h1", "h2", "ol", "li", "span", "img", "svg", "rect", "dl",
    "dt", "dd", "bdi", "footer", "figure", "ul", "h3", "b", "aside", "div", "script", "noscript", "figcaption",
}  # fmt: skip


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record a string, with the string in every field, in its identifier and in the name of its picture."""
    rows = []
    for n, text in enumerate(STRINGS):
        clean = " ".join(text.replace("\x00", " ").split())
        name = f"{n} {clean}".translate(dict.fromkeys(map(ord, "/\\;|"), "_")).encode()[:120].decode("utf-8", "ignore")
        rows.append({"id": f"{n} {clean}", "image": f"{name}.png"} | dict.fromkeys(FIELDS, clean))
    return make_library(tmp_path_factory.mktemp("hostile"), rows)


@pytest.fixture(scope="module")
def client(museum: Path) -> Iterator[TestClient]:
    with client_of(app_of(museum)) as client:
        yield client


def harmless(html: str) -> lxml.html.HtmlElement:
    """The page, after looking at every element and attribute of it."""
    page = lxml.html.document_fromstring(html)
    for element in page.iter():
        if not isinstance(element.tag, str):
            raise AssertionError(f"a comment or an instruction: {element}")
        assert element.tag in _ALLOWED, element.tag
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), (element.tag, name)
            assert name != "style"
            if element.tag == "script":
                assert element.attrib == {"type": "module", "src": "/static/built/page.js"}
                assert not element.text
            if name in ("href", "src", "action", "formaction") and value != "#main":
                assert value.startswith("/"), (name, value)
                assert not value.startswith("//"), (name, value)
    return page


def test_every_record_is_shown_as_text(client: TestClient) -> None:
    seen = []
    after = ""
    while True:
        listed = client.get("/api/v1/records", params={"after": after, "limit": 100}).json()
        seen += [one["record_id"] for one in listed["records"]]
        if not listed["next"]:
            break
        after = listed["next"]
    assert len(seen) == len(STRINGS)
    for record_id in seen:
        answer = client.get("/record", params={"id": record_id})
        assert answer.status_code == 200
        shown = harmless(answer.text).xpath("//main")[0].text_content()
        assert printable(record_id) in " ".join(shown.split())


def test_hits_are_shown_as_text(client: TestClient) -> None:
    found = set()
    for offset in range(0, 200, 50):
        answer = client.get("/", params={"q": json.dumps({"text": "red", "k": 50, "offset": offset})})
        page = harmless(answer.text)
        found |= {bdi.text_content() for bdi in page.xpath("//ol[@id='hits']//p[@class='id']/bdi")}
    assert len(found) == len(STRINGS)


def test_what_is_asked_for_is_shown_as_text(client: TestClient) -> None:
    for text in STRINGS:
        clean = printable(text)
        query = {"text": clean, "minus": clean + "x", "where": {"culture": [clean]}}
        page = harmless(client.get("/", params={"q": json.dumps(query), "lang": text}).text)
        assert page.xpath("//input[@name='text']/@value")[0] == clean
        assert page.xpath("//p[@class='chips']/a/bdi")[0].text_content() == printable(clean)
        harmless(client.get("/", params={"q": text, "image": text}).text)
        harmless(client.get("/record", params={"id": text + "x", "lang": text}).text)
        harmless(client.get("/login", params={"next": text}).text)


def test_forms_are_taken_as_text(client: TestClient) -> None:
    for text in STRINGS[::4]:
        asked = client.get("/", params={"text": text, "culture": text, "image": text})
        assert harmless(asked.text).xpath("//input[@name='text']/@value")[0] == printable(text)
        harmless(client.post("/login", data={"token": text[:200], "next": text}).text)


def test_json_says_what_it_is(client: TestClient) -> None:
    """What a browser would take for HTML is never sent as something that it might."""
    for text in STRINGS[::5]:
        for answer in (
            client.post("/api/v1/search", json={"text": text}),
            client.post("/api/v1/search", json={text[:50]: 1}),
            client.get("/api/v1/records", params={"limit": text}),
            client.get("/api/v1/record", params={"id": text + "x"}),
        ):
            assert answer.headers["content-type"] in ("application/json", "application/problem+json")
            assert answer.headers["x-content-type-options"] == "nosniff"
