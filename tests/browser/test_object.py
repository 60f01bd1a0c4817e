"""An object, looked at closely: its marks, its terms, what is like it, and how to cite it."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect


def test_a_photograph_is_looked_at_closely(page: Page) -> None:
    page.goto("/record?id=R/red")
    page.get_by_role("button", name="Deep zoom").click()
    zoom = page.locator(".zoom[data-open=tiles]")
    expect(zoom.locator("canvas").first).to_be_visible()
    before = zoom.screenshot()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(900)
    assert zoom.screenshot() != before
    page.keyboard.press("Escape")
    expect(zoom).to_have_count(0)
    expect(page.get_by_role("button", name="Deep zoom")).to_be_focused()


def test_what_is_like_it_comes_in_three_rows(page: Page) -> None:
    page.goto("/record?id=M-1")
    rows = page.locator(".like .row")
    expect(rows.first.locator("li").first).to_be_visible()
    expect(rows.nth(1).locator("li").first).to_be_visible()
    hrefs = rows.locator("a").evaluate_all("found => found.map((one) => one.getAttribute('href'))")
    assert len(hrefs) == 16
    assert "/record?id=M-1" not in hrefs
    expect(page.locator(".like")).to_contain_text("No theme is known")
    rows.first.locator("a").first.click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("碗 mixed 1")


def test_the_citation_is_copied(page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/record?id=R/red")
    page.get_by_role("button", name="Copy the citation").click()
    expect(page.locator("#said")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("red bowl. R/red. Tang.")
    assert "/record?id=R/red" in text
