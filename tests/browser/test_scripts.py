"""Texts of a catalogue are shown, never run, even in a browser that was told to ignore the policy against scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

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
    with served(app_of(make_library(tmp_path_factory.mktemp("hostile"), rows))) as address:
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
            || [...one.attributes].some(({name, value}) => name.startsWith("on") || /^\\s*javascript:/i.test(value)
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
@pytest.mark.parametrize("where", ["question", "record"])
def test_every_hostile_text_on_every_page_runs_nothing(open_page: Page, where: str) -> None:
    for n, text in enumerate(TEXTS):
        pages = {
            "question": [
                asked(text=text, minus=text, where={"culture": [text]}, k=2),
                "/?" + urlencode({"lang": text, "text": text}),
            ],
            "record": ["/record?" + urlencode({"id": f"{n} {text}"}), "/login?" + urlencode({"next": text})],
        }  # fmt: skip
        for address in pages[where]:
            open_page.goto(address, wait_until="load")
            assert_nothing_ran(open_page, address)


def test_the_check_itself_sees_a_script_that_runs(open_page: Page) -> None:
    open_page.goto("/")
    open_page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '{_PLANTED}')")
    open_page.wait_for_function("window.ran === 1")
    with pytest.raises(AssertionError):
        assert_nothing_ran(open_page, "planted")
