"""Deciding by keys, in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.server.painted import take_all_back


@pytest.fixture
def reviewing(painted: tuple[str, Path], context: BrowserContext) -> tuple[str, Page]:
    """The address of a museum in which nothing is decided, and a page."""
    take_all_back(painted[1])
    return painted[0], context.new_page()


def test_a_group_is_decided_by_keys(reviewing: tuple[str, Page]) -> None:
    address, page = reviewing
    page.goto(f"{address}/review")

    def press(key: str) -> None:
        """A key that leads to another page, whose own keys work when this is over."""
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press(key)

    def first_group() -> None:
        with page.expect_navigation(wait_until="load"):
            page.locator(".groups a").first.click()

    first_group()
    count = page.locator(".members li").count()
    page.locator(".members input").first.check()
    page.get_by_label("Who decides").fill("Ada")
    page.locator("h1").click()
    press("2")
    expect(page.locator(".kept")).to_contain_text(f"Kept: {count - 1} decisions")
    expect(page.locator(".log li").first).to_contain_text("Ada")
    press("u")
    expect(page.locator(".log li").first).to_contain_text("taken back")
    first_group()
    expect(page.get_by_label("Who decides")).to_have_value("Ada")
    page.locator(".members input").first.check()
    page.locator("h1").click()
    press("1")  # all, whatever is ticked
    expect(page.locator(".kept")).to_contain_text(f"Kept: {count} decisions")
    first_group()
    before = page.url
    press("5")
    assert page.url != before
    press("4")
    expect(page.locator(".log li").first).to_contain_text("refused")


def test_a_record_is_decided_card_by_card(reviewing: tuple[str, Page]) -> None:
    address, page = reviewing
    page.goto(f"{address}/review/record")
    # What the catalogue says already is folded away, and neither counts nor is accepted unseen.
    cards = page.locator("[data-card]:visible")
    count = cards.count()
    assert count >= 2
    page.keyboard.press("4")
    expect(cards.first.locator("[value=refuse]")).to_be_checked()
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("5")
    expect(cards.nth(1).locator("[value=skip]")).to_be_checked()
    page.keyboard.press("2")
    expect(page.locator(".kept")).to_contain_text(f"Kept: {count - 1} decisions")
    page.wait_for_load_state("load")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("accept all but those ticked or refused")


def test_a_narrower_term_is_picked_by_its_picture_and_definition(reviewing: tuple[str, Page]) -> None:
    address, page = reviewing
    page.set_viewport_size({"width": 390, "height": 844})
    for n in range(12):
        page.goto(f"{address}/review/record?id=p-{n:02}&lang=en")
        if page.locator("[data-written]").count():
            page.locator("[data-written] > summary").click()
        card = page.locator("[data-card]:visible").filter(has=page.locator("[data-narrower]")).first
        if card.count():
            break
    card.locator("summary").click()
    choice = card.locator(".narrow-card").first
    expect(choice.locator(".note-of")).not_to_be_empty()
    choice.locator("input").check()
    expect(card.locator("[value=narrow]")).to_be_checked()  # whoever picks one means it
    bar = page.locator(".bar").bounding_box()
    assert bar is not None
    assert bar["height"] < 844 / 6  # the bar leaves room for what is decided
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Keep these").click()
    expect(page.locator(".kept")).to_contain_text("Kept: 1 decisions")


def test_terms_are_found_while_they_are_typed(painted: tuple[str, Path], page: Page) -> None:
    page.goto(f"{painted[0]}/thesaurus")
    page.get_by_label("A term").press_sequentially("taoti")
    first = page.locator("#found .concepts li").first
    expect(first).to_contain_text("饕餮纹")
    first.locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("taotie")
    page.get_by_role("link", name="Search for it").click()
    expect(page.locator(".understood a.concept").first).to_have_text("taotie")
    page.locator("a.undo").click()
    expect(page.locator(".understood")).to_contain_text("words only")
