"""An ingest, followed while it goes on."""

from __future__ import annotations

import base64
from pathlib import Path

import openpyxl
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.test_access import look, serious
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


def museum_folder(tmp_path: Path) -> Path:
    """A folder as a registrar has it: a workbook beside pictures, and what belongs to neither."""
    folder = tmp_path / "新馆 2026"
    (folder / "photos").mkdir(parents=True)
    sheet = openpyxl.Workbook()
    table = sheet.active
    table.append(["登记号", "名称", "照片", "库房"])
    for n in range(12):
        Image.fromarray(plain("orange")).resize((64 + n, 64)).save(folder / "photos" / f"{n}.png")
        table.append([f"新.{n}", f"<img src=x onerror=alert(1)> {n}", f"photos/{n}.png", "甲"])
    table.append(["新.99", "坏图", "photos/broken.png", "甲"])
    sheet.save(folder / "登记表.xlsx")
    (folder / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "photos" / "readme.txt").write_text("no picture")
    (folder / ".DS_Store").write_text("hidden")
    return folder


def test_a_folder_with_a_workbook_is_sent_looked_at_put_right_and_read_in(page: Page, tmp_path: Path) -> None:
    folder = museum_folder(tmp_path)
    with served(app_of(make_library(tmp_path / "museum"))) as address:
        look(page, f"{address}/ingest")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{address}/ingest")
        page.locator("[data-deliver][data-ready]").wait_for()
        page.locator("[data-folder]").set_input_files(folder)
        told = page.locator("[data-deliver-told]")
        expect(told).to_contain_text("14 files")
        expect(told).to_contain_text("1 left out")
        expect(page.get_by_label("Name of this delivery")).to_have_value("新馆 2026")
        assert serious(page) == []
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("新馆 2026")
        chosen = page.locator(".columns select").evaluate_all("all => all.map((one) => one.value)")
        assert chosen == ["accession", "title", "image", ""]
        expect(page.locator("tbody tr")).to_have_count(10)
        page.locator("tbody img").first.evaluate("image => image.decode()")
        look(page, page.url)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(page.url.replace("lang=zh", "lang=en"))
        page.get_by_label("库房").select_option("culture")
        page.get_by_role("button", name="Look again").click()
        expect(page.locator("tbody tr").first).to_contain_text("culture: 甲")
        page.get_by_role("button", name="Read all of this in").click()
        expect(page.locator("[data-state]")).to_have_text("done", timeout=60_000)
        expect(page.locator("[data-count=added]")).to_have_text("12")
        expect(page.locator("[data-refused]")).to_contain_text("the picture ends early")
        page.goto(f"{address}/record?id=新.3")
        expect(page.get_by_role("heading", level=1)).to_have_text("<img src=x onerror=alert(1)> 3")
        page.get_by_role("button", name="Deep zoom").click()  # the picture that was sent is kept in full
        expect(page.locator(".zoom[data-open=tiles] canvas").first).to_be_visible()
        page.goto("about:blank")


def test_pictures_and_their_table_are_dropped_together(page: Page, tmp_path: Path) -> None:
    picture = base64.b64encode((museum_folder(tmp_path) / "photos" / "1.png").read_bytes()).decode()
    with served(app_of(make_library(tmp_path / "museum"))) as address:
        page.goto(f"{address}/ingest?lang=zh")
        page.locator("[data-deliver][data-ready]").wait_for()
        page.evaluate(
            """(picture) => {
                const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
                const dataTransfer = new DataTransfer();
                for (const [data, name, type] of [[bytes, "1.png", "image/png"],
                                                  ["Number,Photo\\nA.1,1.png\\n", "spring.csv", "text/csv"],
                                                  ["<b>", "evil.html", "text/html"]])
                    dataTransfer.items.add(new File([data], name, {type}));
                document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
            }""",
            picture,
        )
        expect(page.locator("[data-deliver-told]")).to_contain_text("2 个文件")
        expect(page.get_by_label("本批名称")).to_have_value("spring")
        page.get_by_role("button", name="上传").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("spring")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.goto(f"{address}/ingest")
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Discard: spring").click()
        expect(page.get_by_role("button", name="Discard: spring")).to_have_count(1)
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Discard: spring").click()
        expect(page.get_by_role("button", name="Discard: spring")).to_have_count(0)


def test_a_line_that_breaks_is_told_and_sending_goes_on_from_there(page: Page, tmp_path: Path) -> None:
    files = sorted((museum_folder(tmp_path) / "photos").glob("*.png"))
    with served(app_of(make_library(tmp_path / "museum"))) as address:
        page.goto(f"{address}/ingest")
        page.locator("[data-deliver][data-ready]").wait_for()
        page.locator("[data-deliver] [name=file]").set_input_files(files)
        page.route("**/ingest/receive", lambda route: route.fulfill(status=507, body='{"detail": "the disk is full"}'))
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_contain_text("the disk is full")
        page.unroute("**/ingest/receive")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("tbody tr")).to_have_count(10)
        page.goto("about:blank")
