"""Choosing on the map by dragging."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.test_access import look


def test_some_are_chosen_searched_for_and_kept(painted: tuple[str, Path], page: Page) -> None:
    page.goto(f"{painted[0]}/map")
    page.get_by_role("button", name="Draw the map").click(timeout=180_000)
    land = page.locator("[data-map]")
    expect(page.locator("[data-spot]")).to_have_count(40, timeout=180_000)
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
        page.get_by_role("button", name="Draw the map").click(timeout=180_000)
    page.locator("[data-spot]").first.wait_for(timeout=180_000)
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


def drawn(page: Page, address: str) -> None:
    """The map, drawn if it is not yet, and ready."""
    page.goto(f"{address}/map?lang=en")
    if page.get_by_role("button", name="Draw the map").count():
        page.get_by_role("button", name="Draw the map").click(timeout=180_000)
    page.locator("[data-map][data-ready]").wait_for(timeout=180_000)


def test_some_are_chosen_by_keys_alone(painted: tuple[str, Path], page: Page) -> None:
    drawn(page, painted[0])
    page.get_by_role("button", name="Choose some").focus()
    page.keyboard.press("Tab")
    expect(page.locator("[data-map]")).to_be_focused()
    said = page.locator("#said")
    expect(said).to_contain_text("vessel")
    first = said.text_content()
    page.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(str(first))
    page.keyboard.press("ArrowLeft")
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowDown"):
        page.keyboard.press(f"Shift+{key}")
    count = page.locator(".land .picked").count()
    assert 2 <= count < 40
    expect(said).to_have_text(f"{count} pictures chosen")
    expect(page.locator("[data-chosen-count]")).to_have_text(f"{count} pictures chosen")
    page.get_by_role("link", name="Search for things like these").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".query img")).to_be_visible()
    page.go_back()
    page.locator("[data-map][data-ready]").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Escape")
    expect(page.locator("[data-chosen]")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/record?**")


def test_two_corners_do_where_dragging_is_hard(painted: tuple[str, Path], page: Page) -> None:
    drawn(page, painted[0])
    page.get_by_role("button", name="Choose some").click()
    box = page.locator("[data-map]").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 3, box["y"] + 3)
    expect(page.locator("#said")).to_have_text("First corner set; click the second")
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"])
    expect(page.locator("[data-chosen-count]")).to_contain_text("pictures chosen")
    assert 1 < page.locator(".land .picked").count() < 40


def test_a_finger_chooses_when_it_is_told_to_and_scrolls_otherwise(browser: Browser, painted: tuple[str, Path]) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    drawn(page, painted[0])
    page.get_by_role("button", name="Choose some").scroll_into_view_if_needed()
    client = context.new_cdp_session(page)

    def swipe(start: int, step: int) -> None:
        box = page.locator("[data-map]").bounding_box()
        assert box is not None
        for n, (x, y) in enumerate((start + step * n, max(box["y"], 0) + 10 + 30 * n) for n in range(11)):
            client.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove" if n else "touchStart", "touchPoints": [{"x": x, "y": y}]},
            )
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        # A page that was flung scrolls on for a while: the next finger would only stop it.
        page.evaluate(
            """async () => {
                const place = () => `${window.scrollX} ${window.scrollY} ${document.querySelector(".land").scrollLeft}`;
                for (let still = 0, last = place(); still < 20; last = place()) {
                    await new Promise(requestAnimationFrame);
                    still = place() === last ? still + 1 : 0;
                }
            }"""
        )

    swipe(330, -25)
    expect(page.locator("[data-chosen]")).to_be_hidden()
    page.locator(".land").evaluate("one => one.scrollTo(0, 0)")
    choose = page.get_by_role("button", name="Choose some")
    choose.tap()
    expect(choose).to_have_attribute("aria-pressed", "true")
    page.locator("[data-map]").scroll_into_view_if_needed()
    swipe(30, 25)
    expect(page.locator("[data-chosen-count]")).to_contain_text("pictures chosen")
    context.close()
