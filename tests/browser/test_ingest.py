"""An ingest, followed while it goes on."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.test_access import serious
from tests.search.memory import plain
from tests.server.museum import app_of, make_library, served


def test_progress_comes_by_itself(page: Page, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for n in range(40):
        Image.fromarray(plain("orange")).resize((64 + n, 64)).save(tmp_path / "new" / f"{n}.png")
    (tmp_path / "new" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with served(app_of(make_library(tmp_path / "museum"), ingest_roots=(tmp_path / "new",))) as address:
        page.goto(f"{address}/ingest")
        page.locator(".places a").first.click()
        expect(page.locator("tbody tr")).to_have_count(10)
        assert serious(page) == []
        page.get_by_role("button", name="Read all of this in").click()
        expect(page.locator("[data-state]")).to_have_text("done", timeout=60_000)
        expect(page.locator("[data-count=added]")).to_have_text("40")
        expect(page.locator("[data-refused]")).to_contain_text("broken.png")
        assert serious(page) == []
        page.goto("about:blank")
