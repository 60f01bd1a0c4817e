"""Choosing on the map by dragging."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.test_access import look


def test_some_are_chosen_searched_for_and_kept(painted: tuple[str, Path], page: Page) -> None:
    page.goto(f"{painted[0]}/map")
    page.get_by_role("button", name="Draw the map").click(timeout=60_000)
    land = page.locator("[data-map]")
    expect(page.locator("[data-spot]")).to_have_count(40, timeout=60_000)
    page.wait_for_load_state("load")
    box = land.bounding_box()
    assert box is not None
    page.locator("[data-map][data-ready]").wait_for()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.9 * box["height"], steps=6)
    page.mouse.up()
    expect(page.locator("[data-chosen-count]")).to_contain_text("pictures chosen")
    count = page.locator(".land .picked").count()
    assert 3 < count < 40
    expect(page.locator("[data-chosen-count]")).to_have_text(f"{count} pictures chosen")
    page.get_by_role("button", name="Keep them all").click()
    expect(page.locator("[data-board-count]")).to_have_text(str(count))
    look(page, f"{painted[0]}/map")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{painted[0]}/map")
    page.locator("[data-map][data-ready]").wait_for()
    page.locator("[data-spot]").first.click()
    page.wait_for_url("**/record?**")  # a click without a drag opens the record


def test_what_was_chosen_is_searched_for(painted: tuple[str, Path], page: Page) -> None:
    page.goto(f"{painted[0]}/map")
    if page.get_by_role("button", name="Draw the map").count():
        page.get_by_role("button", name="Draw the map").click(timeout=60_000)
    page.locator("[data-spot]").first.wait_for(timeout=60_000)
    page.locator("[data-map][data-ready]").wait_for()
    box = page.locator("[data-map]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, min(box["y"] + box["height"], 900) - 5, steps=6)
    page.mouse.up()
    page.get_by_role("link", name="Search for things like these").click()
    expect(page.locator(".query img")).to_be_visible()
    expect(page.locator("[data-hit]").first).to_be_visible()
