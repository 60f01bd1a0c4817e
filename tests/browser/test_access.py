"""For everybody: axe finds nothing serious, in both languages and on a phone; nothing has to be scrolled sideways."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
RESULTS = "/?q=" + json.dumps({"text": "red", "minus": "blue", "where": {"culture": ["Tang"]}})
PAGES = {"start": "/", "results": RESULTS, "record": "/record?id=R/red", "login": "/login", "problem": "/record?id=no"}
DESKS = {
    "review": "/review", "reviewed record": "/review/record?id=p-01", "terms": "/thesaurus",
    "found": "/thesaurus?search=lotus", "concept": "/thesaurus?uri=urn:sherd:taotie", "marked": "/record?id=p-01",
}  # fmt: skip
MOST_BYTES = 100_000


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    if not AXE.exists():
        pytest.skip("axe is not here; `make web` brings it")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        ".then((found) => found.violations)"
    )
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(page: Page, name: str) -> None:
    look(page, PAGES[name])


@pytest.mark.parametrize("name", DESKS)
def test_axe_finds_nothing_serious_at_the_desks(page: Page, painted: tuple[str, Path], name: str) -> None:
    look(page, painted[0] + DESKS[name])


def test_a_group_is_accessible_too(page: Page, painted: tuple[str, Path]) -> None:
    page.goto(painted[0] + "/review")
    href = page.locator(".groups a").first.get_attribute("href")
    look(page, f"{painted[0]}{href}")


def look(page: Page, address: str) -> None:
    """Wide and in English, narrow and in Chinese."""
    for width, lang, tag in ((1280, "en", "en"), (390, "zh", "zh-Hans")):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={lang}", wait_until="load")
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("html").get_attribute("lang") == tag


def test_the_dialogs_are_accessible_too(page: Page) -> None:
    page.goto(RESULTS)
    page.locator("[data-draw]").first.click()
    page.locator("svg.a9s-annotationlayer").wait_for()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    assert serious(page) == []


def test_axe_would_find_something(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.querySelector('label[for=text]').remove()")
    assert any(one.startswith("label") for one in serious(page))


def test_the_search_page_weighs_little(page: Page) -> None:
    heavy: list[Response] = []
    page.on("response", lambda response: heavy.append(response))
    page.goto(RESULTS)
    page.wait_for_load_state("networkidle")
    own = [one for one in heavy if one.status == 200 and "/thumbnail" not in one.url]
    assert any(one.url.endswith("page.js") for one in own)
    sent = sum(len(gzip.compress(one.body())) for one in own)
    assert sent < MOST_BYTES, sent
    print(f"{sent} bytes compressed")
