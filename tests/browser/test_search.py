"""Searching as a person does it: typing, clicking, drawing, dropping, pressing keys."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect


def query(page: Page) -> dict[str, object]:
    """The search in the address."""
    found: dict[str, object] = json.loads(parse_qs(urlsplit(page.url).query)["q"][0])
    return found


def test_words_are_typed_and_the_address_holds_the_search(page: Page) -> None:
    page.goto("/")
    expect(page.locator("[autofocus]")).to_be_focused()  # with the first frame, which may be after the load
    page.keyboard.type("red")
    page.keyboard.press("Enter")
    first = page.locator("[data-hit]").first
    expect(first.locator("h3")).to_have_text("red bowl")
    assert query(page) == {"text": "red"}
    first.get_by_role("link", name="red bowl").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("red bowl")


def test_an_example_is_one_click(page: Page) -> None:
    page.goto("/")
    page.locator(".examples a").first.click()
    expect(page.locator("[data-hit]").first).to_be_visible()


def test_a_box_is_drawn_on_a_hit_and_its_part_is_searched_for(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red", "where": {"culture": ["Song"]}}))
    page.locator("[data-draw]").first.click()
    dialog = page.get_by_role("dialog")
    canvas = dialog.locator("img").first
    expect(dialog.locator("svg.a9s-annotationlayer")).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    search = dialog.get_by_role("button", name="Search for this part")
    expect(search).to_be_disabled()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    expect(search).to_be_enabled()
    search.click()
    expect(page.locator(".query svg.box")).to_be_visible()
    asked = query(page)["box"]
    assert isinstance(asked, dict)
    for side, wanted in {"x": 0.1, "y": 0.2, "w": 0.4, "h": 0.3}.items():
        assert abs(asked[side] - wanted) < 0.03, asked
    expect(page.locator("[data-hit]").first).to_be_visible()


def test_a_box_can_be_given_without_a_pointer(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red"}))
    page.locator("[data-draw]").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    for name, value in {"Left": "50", "Top": "0", "Width": "50", "Height": "50"}.items():
        dialog.get_by_label(name).fill(value)
    page.keyboard.press("Enter")
    page.wait_for_url("**box**")
    assert query(page)["box"] == {"x": 0.5, "y": 0, "w": 0.5, "h": 0.5}


def test_closing_the_drawing_leads_back_to_where_one_was(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red"}))
    page.locator("[data-draw]").nth(1).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("[data-draw]").nth(1)).to_be_focused()


def given(page: Page, picture: Path, event: str) -> None:
    """Let a file come in as if it were dropped or pasted."""
    data = base64.b64encode(picture.read_bytes()).decode()
    page.evaluate(
        """async ([data, event]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "x.png", {type: "image/png"}));
            const made = event === "paste" ? new ClipboardEvent(event, {clipboardData: transfer, bubbles: true})
                                           : new DragEvent(event, {dataTransfer: transfer, bubbles: true});
            document.body.dispatchEvent(made);
        }""",
        [data, event],
    )


def test_a_picture_is_dropped_pasted_or_chosen_and_a_part_of_it_searched_for(page: Page, picture: Path) -> None:
    for event in ("drop", "paste", "choose"):
        page.goto("/")
        if event == "choose":
            page.locator("input[type=file]").set_input_files(picture)
        else:
            given(page, picture, event)
        expect(page.locator(".query img")).to_be_visible()
        expect(page.locator("[data-hit] h3").first).to_have_text("purple bowl")
    page.locator(".query [data-draw]").click()
    for name in ("Left", "Top", "Width", "Height"):
        page.get_by_role("dialog").get_by_label(name).fill("40")
    page.keyboard.press("Enter")
    page.wait_for_url("**box**")
    image = query(page)["image"]
    assert isinstance(image, dict)
    assert list(image) == ["upload"]
    expect(page.locator("[data-hit] h3").first).to_have_text("purple bowl")


def test_a_file_that_is_no_picture_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"no picture")
    page.goto("/")
    with page.expect_response("**/uploads") as refused:
        given(page, file, "drop")
    assert refused.value.status == 415
    expect(page.locator(".note")).to_contain_text("cannot be used")


def test_heat_maps_come_and_go_with_one_key(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red"}))
    page.locator("#results").click()
    page.keyboard.press("h")
    heat = page.locator("img.heat").first
    expect(heat).to_be_visible()
    heat.evaluate("image => image.decode()")  # waits, and throws where it is no picture
    expect(page.locator("[data-heat-toggle]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("h")
    expect(page.locator("img.heat")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("h")
    expect(page.locator("img.heat")).to_have_count(0)  # a letter in a field is a letter
    page.keyboard.press("Escape")


def test_keys_walk_over_the_hits_and_can_be_turned_off(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red", "where": {"culture": ["Song"]}}))
    page.locator("#results").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-hit]").nth(1).locator("a").first).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("[data-hit]").first.locator("a").first).to_be_focused()
    page.keyboard.press("b")
    expect(page.locator("#said")).to_contain_text("Kept on the board")
    assert len(page.evaluate("JSON.parse(localStorage.getItem('sherd.board'))")) == 1
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    expect(page.locator("img.heat")).to_have_count(0)


def test_more_results_are_added_to_the_list(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red", "k": 5}))
    expect(page.locator("[data-hit]")).to_have_count(5)
    page.get_by_role("link", name="More results").click()
    expect(page.locator("[data-hit]")).to_have_count(10)
    page.get_by_role("link", name="More results").click()
    page.get_by_role("link", name="More results").click()
    expect(page.locator("[data-hit]")).to_have_count(16)
    expect(page.get_by_role("link", name="More results")).to_have_count(0)


def test_a_filter_is_a_click_and_gone_with_another(page: Page) -> None:
    page.goto("/?q=" + json.dumps({"text": "red"}))
    page.locator(".facets").get_by_role("link", name="Tang").click()
    expect(page.locator("[data-hit]")).to_have_count(8)
    page.locator(".chips").get_by_role("link", name="culture: Tang").click()
    expect(page.locator("[data-hit]")).to_have_count(16)
