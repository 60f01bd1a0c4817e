"""The HTML report: what is in it, and that no text can become more than text."""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from sherd.errors import InvalidArgument
from sherd.search.asked import About, Asked
from sherd.search.markup import Html, element, escaped
from sherd.search.report import report, write_report
from sherd.search.words import LANGUAGES, Language
from sherd.types import Box, HitRegion, Query
from tests.search.answers import asked, hit, shelf
from tests.search.memory import plain

ABOUT = About("museum", "toy (0123456789ab)", 1234, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
ATTACKS = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "<iframe src=javascript:alert(1)>",
    "<a href=\"javascript:alert(1)\">click</a>",
    "<math><mtext><style><img src=x onerror=alert(1)>",
    "<!--<img src=x onerror=alert(1)>-->",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#x3c;script&#x3e;alert(1)",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "\u202e>tpircs<",
    "＜script＞alert(1)＜/script＞",
    "<base href=//example.org>",
    "<meta http-equiv=refresh content='0;url=//example.org'>",
    "<link rel=stylesheet href=//example.org/x.css>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\ud83d lone half",
]  # fmt: skip
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "dl", "div", "dt", "dd", "nav", "ol",
    "li", "a", "p", "main", "section", "figure", "figcaption", "span", "img", "svg", "rect", "bdi", "strong", "wbr",
    "footer",
}  # fmt: skip
EMPTY = {"meta", "img", "wbr"}


class Page(HTMLParser):
    """The tags, attributes and texts of a page; closing tags must match."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def check_harmless(html: str) -> Page:
    """The page has only our own tags, runs nothing and loads nothing."""
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "formaction")]
        if "src" in attributes:
            assert (tag, (attributes["src"] or "")[:23]) == ("img", "data:image/jpeg;base64,")
        if "href" in attributes:
            assert re.fullmatch(r"#q\d+", attributes["href"] or "")
    assert "default-src 'none'" in str(page.all("meta")[1]["content"])
    return page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_anything_but_text(tmp_path: Path, attack: str, language: Language) -> None:
    one = hit(
        record_id=attack,
        title=attack,
        image=attack,
        region=HitRegion(attack, Box(0, 0, 0.5, 0.5)),
        reasons={"object": 0.5, attack: 0.25},
    )
    harmful = Query(attack, attack, plain("red"), Box(0, 0, 0.5, 0.5), {attack: (attack,)})
    thumbnails = shelf(tmp_path, (one,))
    about = About(attack, attack, 1, ABOUT.made, attack)
    told = [asked(one, query=harmful, image=attack), asked(query=harmful, message=attack)]
    page = check_harmless(report(told, thumbnails, about, language=language))
    calm = hit(box=Box(0, 0, 0.5, 0.5), reasons={"object": 0.5, "odd": 0.25})
    same = Query("a", "b", plain("red"), Box(0, 0, 0.5, 0.5), {"c": ("d",)})
    plainly = [asked(calm, query=same, image="e"), asked(query=same, message="f")]
    without = Page(report(plainly, thumbnails, About("g", "h", 1, ABOUT.made, "i"), language=language))
    assert [tag for tag, _ in page.tags if tag != "wbr"] == [tag for tag, _ in without.tags if tag != "wbr"]


def test_a_title_is_read_as_it_was_written(tmp_path: Path) -> None:
    title = 'Tripod <ding> & "lid" with &lt;taotie&gt; 饕餮纹鼎'
    one = hit(title=title)
    html = report([asked(one)], shelf(tmp_path, (one,)), ABOUT)
    page = check_harmless(html)
    assert title in page.texts
    assert page.all("img")[0]["alt"] == f"{title} (a part of it, centre)"


def test_every_hit_has_its_picture_its_box_and_its_facts(tmp_path: Path) -> None:
    hits = (hit(1), hit(2, box=None), hit(3, box=Box(0, 0, 1, 1), probability=0.42, title="三"))
    page = check_harmless(report([asked(*hits)], shelf(tmp_path, hits), ABOUT))
    images = page.all("img")
    assert len(images) == 3
    for image in images:
        assert image["alt"]
        data = base64.b64decode(str(image["src"]).partition(",")[2])
        assert Image.open(io.BytesIO(data)).size == (64, 64)
    boxes = [rect for rect in page.all("rect") if rect["class"] in ("halo", "edge", "whole")]
    assert [(rect["class"], rect["x"], rect["width"]) for rect in boxes] == [
        ("halo", "0.5000", "0.2500"), ("edge", "0.5000", "0.2500"), ("whole", "0.0000", "1.0000"),
    ]  # fmt: skip
    text = " ".join(page.texts)
    for words in ("Relic 1", "R-", "0.750", "object +0.250", "part +0.500", "0.50, 0.50, 0.25, 0.25", "42%", "11.1 ms"):
        assert words in text
    assert "words" not in text.replace("its words", "")


def test_the_bar_is_the_score(tmp_path: Path) -> None:
    one = hit(reasons={"object": 0.25, "part": 0.5, "lexical": 0.1, "minus": -0.2}, score=0.65)
    page = Page(report([asked(one)], shelf(tmp_path, (one,)), ABOUT))
    bar = {str(rect["class"]): rect for rect in page.all("rect")}
    assert [(bar[n]["x"], bar[n]["width"]) for n in ("object", "part", "lexical")] == [
        ("0.00", "25.00"), ("25.00", "50.00"), ("75.00", "10.00"),
    ]  # fmt: skip
    assert "not wanted -0.200" in " ".join(page.texts)


def test_shares_beyond_the_bar_stay_in_it(tmp_path: Path) -> None:
    one = hit(reasons={"object": 0.9, "part": 0.9, "lexical": -0.2}, score=1.6)
    page = Page(report([asked(one)], shelf(tmp_path, (one,)), ABOUT))
    widths = [float(str(r["width"])) for r in page.all("rect") if r["class"] in ("object", "part", "lexical")]
    assert widths == [90, 10, 0]


def test_a_query_picture_is_shown_with_its_box_and_its_name(tmp_path: Path) -> None:
    query = Query(image=plain("red"), box=Box(0.1, 0.1, 0.2, 0.2))
    page = check_harmless(report([asked(query=query, image="in/my picture.png", message="none")], Path, ABOUT))
    assert page.all("img")[0]["alt"] == "query picture: upper left"
    assert "in/" in page.texts
    assert "none" in page.texts


def test_several_questions_have_a_table_of_contents(tmp_path: Path) -> None:
    one = hit()
    several: list[Asked] = [asked(one), asked(one, query=Query(text="莲花"))]
    page = check_harmless(report(several, shelf(tmp_path, (one,)), ABOUT, language="zh"))
    assert [link["href"] for link in page.all("a")] == ["#q1", "#q2"]
    assert {section["id"] for section in page.all("section")} == {"q1", "q2"}
    assert page.all("html")[0]["lang"] == "zh-Hans"
    assert "检索报告" in page.texts
    with pytest.raises(InvalidArgument, match="at least one question"):
        report([], Path, ABOUT)


def test_a_missing_thumbnail_is_said_and_nothing_stops(tmp_path: Path) -> None:
    page = check_harmless(report([asked(hit())], lambda sha256: tmp_path / "absent", ABOUT))
    assert page.all("img") == []
    assert "no thumbnail" in page.texts


def test_the_file_is_utf8_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old " * 100_000, encoding="utf-8")
    one = hit(title="青铜鼎")
    write_report(path, [asked(one)], shelf(tmp_path, (one,)), ABOUT)
    assert path.read_bytes().startswith(b'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">')
    assert "青铜鼎" in path.read_text("utf-8")


def test_only_what_is_html_already_is_taken_as_html() -> None:
    assert element("b", None, "<", Html("<wbr>")) == "<b>&lt;<wbr></b>"
    assert escaped("\"'&") == "&quot;&#x27;&amp;"
    assert element("p", {"class": None, "id": 'a"b'}) == '<p id="a&quot;b"></p>'
