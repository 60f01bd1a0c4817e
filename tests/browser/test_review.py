"""Deciding by keys, in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.server.museum import app_of, served
from tests.server.painted import make_painted, take_all_back


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    library = make_painted(tmp_path_factory.mktemp("reviewed"))
    with served(app_of(library)) as address:
        yield address, library


@pytest.fixture
def reviewing(painted: tuple[str, Path], context: BrowserContext) -> tuple[str, Page]:
    """The address of a museum in which nothing is decided, and a page."""
    take_all_back(painted[1])
    return painted[0], context.new_page()


def test_a_group_is_decided_by_keys(reviewing: tuple[str, Page]) -> None:
    address, page = reviewing
    page.goto(f"{address}/review")
    page.locator(".groups a").first.click()
    members = page.locator(".members li")
    count = members.count()
    page.locator(".members input").first.check()
    page.get_by_label("Who decides").fill("Ada")
    page.locator("h1").click()
    page.keyboard.press("2")
    expect(page.locator(".kept")).to_contain_text(f"Kept: {count - 1} decisions")
    expect(page.locator(".log li").first).to_contain_text("Ada")
    page.keyboard.press("u")
    expect(page.locator(".log li").first).to_contain_text("taken back")
    page.locator(".groups a").first.click()
    expect(page.get_by_label("Who decides")).to_have_value("Ada")
    page.locator(".members input").first.check()
    page.locator("h1").click()
    page.keyboard.press("1")  # all, whatever is ticked
    expect(page.locator(".kept")).to_contain_text(f"Kept: {count} decisions")
    page.locator(".groups a").first.click()
    page.keyboard.press("5")
    expect(page.locator(".members li").first).to_be_visible()
    page.keyboard.press("4")
    expect(page.locator(".log li").first).to_contain_text("refused")


def test_a_record_is_decided_card_by_card(reviewing: tuple[str, Page]) -> None:
    address, page = reviewing
    page.goto(f"{address}/review/record")
    cards = page.locator("[data-card]")
    count = cards.count()
    assert count >= 3
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
