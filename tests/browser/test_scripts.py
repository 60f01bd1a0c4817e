"""Texts of a catalogue are shown, never run, even in a browser that was told to ignore the policy against scripts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.errors import RejectedItem
from sherd.ingest.library import Library
from sherd.search.words import printable
from sherd.server.problems import Refusal
from sherd.server.received import RECEIVED, Received
from sherd.suggest import review
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Action, Concept, Decision
from tests.server.hostile import STRINGS
from tests.server.museum import app_of, make_library, served

FIELDS = (
    "title",
    "description",
    "object type",
    "culture",
    "period",
    "material",
    "motifs",
    "theme",
    "rights",
    "licence",
    "note",
)


TEXTS = [" ".join(text.replace("\0", " ").split()) for text in STRINGS]
_PLANTED = "<img src=x onerror=alert(1)>"


def row(n: int, text: str) -> dict[str, str]:
    """A record with the text in every field, and in the name of its picture as far as a name may have it."""
    name = f"{n} {text}".translate(dict.fromkeys(map(ord, "/\\;|"), "_")).encode()[:120].decode("utf-8", "ignore")
    return {"id": f"{n} {text}", "image": f"{name}.png", **dict.fromkeys(FIELDS, text)}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    rows = [row(n, text) for n, text in enumerate(TEXTS)]
    folder = tmp_path_factory.mktemp("hostile")
    library = make_library(folder, rows)
    top = Concept("urn:top", {"en": TEXTS[0]})
    below = (
        Concept(f"urn:c:{n}", {"en": text, "zh-Hans": text}, {"en": (text,)}, ("urn:top",), scope_notes={"en": text})
        for n, text in enumerate(TEXTS)
    )
    with Library.open(library) as there, there.writer():
        import_thesaurus(there.catalogue.database, Thesaurus.from_concepts([top, *below]), name="hostile")
        said = [
            Decision(f"{n} {text}", Action.OTHER, printable(text), review.now(), value=f"urn:c:{n}", note=text)
            for n, text in enumerate(TEXTS)
        ]
        review.decide(there, said)
    received = Received(library / RECEIVED, most_bytes=10**6, most_files=1_000)
    for text in STRINGS:
        with suppress(RejectedItem, Refusal):  # not every text can be the name of a folder
            received.take(text, "a.csv", io.BytesIO(f"{text},Photo\n1,{text}.png\n".encode()), 9)
    with served(app_of(library, ingest_roots=(folder / "source",))) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, hostile: str) -> Iterator[Page]:
    """A page whose policy is off, so that only escaping stands between a text and a script."""
    context = browser.new_context(base_url=hostile, bypass_csp=True)
    context.add_init_script("window.ran = 0; window.alert = window.print = () => { window.ran += 1; };")
    page = context.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    yield page
    context.close()


def assert_nothing_ran(page: Page, what: str) -> None:
    assert page.evaluate("window.ran") == 0, what
    foreign = page.evaluate(
        """[...document.querySelectorAll("*")].filter((one) =>
            (one.localName === "script" && one.getAttribute("src") !== "/static/built/page.js")
            || ["iframe", "object", "embed", "math", "base"].includes(one.localName)
            || [...one.attributes].some(({name, value}) => name.startsWith("on")
                || (/href|src|action|data$/.test(name) && /^\\s*(javascript|data|vbscript):/i.test(value))
                || ["srcdoc", "formaction"].includes(name) || name.startsWith("hx-on")))
            .map((one) => one.outerHTML)"""
    )
    assert foreign == [], what


def asked(**query: object) -> str:
    return "/?" + urlencode({"q": json.dumps(query)})


def test_a_page_of_two_hundred_hostile_records_runs_nothing(open_page: Page) -> None:
    assert len(TEXTS) == 200
    for lang in ("en", "zh"):
        open_page.goto(asked(text="alert", k=200) + f"&lang={lang}")
        assert open_page.locator("[data-hit]").count() == 200
        assert open_page.locator("[data-hit] h3").first.text_content()
        assert_nothing_ran(open_page, lang)
    titles = set(open_page.locator("[data-hit] h3").all_text_contents())
    assert {" ".join(one.split()) for one in titles} >= {one for one in TEXTS if one.isascii()}  # shown as they are


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("where", ["question", "record", "term"])
def test_every_hostile_text_on_every_page_runs_nothing(open_page: Page, where: str) -> None:
    for n, text in enumerate(TEXTS):
        record = urlencode({"id": f"{n} {text}"})
        pages = {
            "question": [
                asked(text=text, minus=text, where={"culture": [text]}, k=2),
                "/?" + urlencode({"lang": text, "text": text}),
                "/login?" + urlencode({"next": text}),
            ],
            "record": [f"/record?{record}", f"/record/like?{record}&row=objects", f"/review/record?{record}"],
            "term": [f"/thesaurus?uri=urn:c:{n}", "/thesaurus?" + urlencode({"search": text})],
        }
        for address in pages[where]:
            open_page.goto(address, wait_until="load")
            assert_nothing_ran(open_page, address)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pages_that_show_many_run_nothing(open_page: Page) -> None:
    for address in (
        "/",
        "/review",
        "/thesaurus",
        "/thesaurus?uri=urn:top",
        "/ingest",
        "/ingest?source=source/records.csv",
    ):
        open_page.goto(address, wait_until="load")
        assert_nothing_ran(open_page, address)
    open_page.goto("/ingest", wait_until="load")
    sent = open_page.locator("section[aria-labelledby=send] .log a")
    assert sent.count() > 20
    for address in sent.evaluate_all("all => all.map((one) => one.getAttribute('href'))"):
        open_page.goto(address, wait_until="load")
        assert_nothing_ran(open_page, address)
    open_page.goto("/map")
    open_page.get_by_role("button", name="Draw the map").click(timeout=120_000)
    open_page.locator("[data-map][data-ready]").wait_for(timeout=120_000)
    assert_nothing_ran(open_page, "/map")
    open_page.goto(asked(text="red", k=100))
    open_page.evaluate("for (const one of document.querySelectorAll('[data-keep]')) one.click()")
    open_page.goto("/board")
    assert open_page.locator(".kept-list li").count() == 100
    assert_nothing_ran(open_page, "/board")
    open_page.evaluate("document.querySelector('form[action*=print]').removeAttribute('target')")
    open_page.get_by_label("Heading").fill(TEXTS[0])
    open_page.get_by_role("button", name="A page to print").click()
    open_page.locator(".sheet figure").first.wait_for(timeout=60_000)
    assert_nothing_ran(open_page, "/board/print")


def test_the_check_itself_sees_a_script_that_runs(open_page: Page) -> None:
    open_page.goto("/")
    open_page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '{_PLANTED}')")
    open_page.wait_for_function("window.ran === 1")
    with pytest.raises(AssertionError):
        assert_nothing_ran(open_page, "planted")
