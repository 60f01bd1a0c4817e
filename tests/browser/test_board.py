"""Keeping things, putting them in order, and taking them along."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.test_access import serious


def test_hits_are_kept_ordered_exported_and_printed(
    painted: tuple[str, Path], page: Page, context: BrowserContext, tmp_path: Path
) -> None:
    address = painted[0]
    page.goto(f"{address}/board")
    expect(page.locator("[data-board-empty]")).to_be_visible()
    page.goto(f"{address}/?q=" + json.dumps({"text": "red", "k": 6}))
    page.locator("[data-keep]").nth(0).click()
    page.locator("[data-keep]").nth(1).click()
    page.locator("[data-keep]").nth(1).click()  # twice is once
    expect(page.locator("[data-board-count]")).to_have_text("2")
    page.goto(f"{address}/record?id=p-05&lang=en")
    page.locator(".photograph figcaption [data-keep]").click()  # a whole photograph, without a box
    expect(page.locator("[data-board-count]")).to_have_text("3")
    page.goto(f"{address}/board")
    kept = page.locator(".kept-list li")
    expect(kept).to_have_count(3)
    expect(page.locator(".kept-list .framed")).to_have_count(2)
    first = kept.nth(0).locator("a").text_content()
    assert serious(page) == []
    kept.nth(1).get_by_role("button", name="Move up").click()
    expect(kept.nth(1).locator("a")).to_have_text(str(first))
    with page.expect_download() as loading:
        page.get_by_role("button", name="Take it along").click()
    file = tmp_path / "board.zip"
    loading.value.save_as(file)
    with zipfile.ZipFile(file) as there:
        assert sum(name.startswith("pictures/") for name in there.namelist()) == 3
    page.get_by_label("Heading").fill("Masks 课")
    with context.expect_page() as opening:
        page.get_by_role("button", name="A page to print").click()
    sheet = opening.value
    sheet.wait_for_load_state("load")
    expect(sheet.get_by_role("heading", level=1)).to_have_text("Masks 课")
    assert serious(sheet) == []
    expect(sheet.locator(".sheet figure")).to_have_count(3)
    pdf = sheet.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert b"/MediaBox" in pdf
    sheet.close()
    page.get_by_role("button", name="Take away").first.click()
    expect(kept).to_have_count(2)
    page.get_by_role("button", name="Empty the board").click()
    expect(page.locator("[data-board-empty]")).to_be_visible()
