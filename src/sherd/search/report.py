"""The search report: one HTML file with the hits of a question or several, to be read offline, printed and filed.

It has no scripts and loads nothing: pictures are embedded. Every text is escaped by `markup.element`.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from sherd.errors import CorruptData, InvalidArgument
from sherd.ingest.pictures import thumbnail_pixels
from sherd.search.asked import About, Asked, Thumbnails
from sherd.search.markup import Html, element
from sherd.search.report_style import STYLE
from sherd.search.words import (
    Language,
    count_words,
    covers,
    match_words,
    place_words,
    printable,
    query_words,
    reason_words,
    timing_words,
)
from sherd.types import Box, Hit, Picture

_log = logging.getLogger(__name__)
_EMBEDDED_PX, _QUERY_PX, _SHOWN_PX = 480, 480, 264
_QUALITY = 85
# Nothing may be loaded or run, whatever a text in the page tries.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Search report", "contents": "Questions", "query picture": "query picture",
        "no thumbnail": "no thumbnail", "library": "Library", "encoder": "Encoder",
        "pictures": "Pictures searched", "made": "Made", "record": "Record", "file": "Picture", "match": "Match",
        "region": "Box", "score": "Score", "probability": "Probability", "times": "Times",
        "note": "The red box marks where the picture answers the question. A score is the sum of its shares, which the "
        "bar shows; it orders the records of one question and cannot be compared between questions.",
        "made by": "Found by machine; not a person's judgement.",
    },
    "zh": {
        "title": "检索报告", "contents": "问题", "query picture": "查询图片",
        "no thumbnail": "无缩略图", "library": "藏品库", "encoder": "编码器",
        "pictures": "检索图片数", "made": "生成时间", "record": "藏品号", "file": "图片", "match": "相合处",
        "region": "框", "score": "得分", "probability": "概率", "times": "用时",
        "note": "红框标出图片与问题相合之处。得分为各项之和，色条示其构成；"
        "得分只用于排定同一问题的先后，不同问题之间不可比较。",
        "made by": "由机器检出，未经人工判定。",
    },
}  # fmt: skip
_SHARES = ("object", "part", "lexical")
"""Reasons that the bar of a score shows, each in its own colour; `minus` is told in words."""


def write_report(
    path: Path, asked: Sequence[Asked], thumbnails: Thumbnails, about: About, *, language: Language = "en"
) -> None:
    """Write the report of one or several questions.

    Args:
        path: of the file to write; an existing one is replaced.
        asked: each question with its query picture, if there was one, and the answer.
        thumbnails: where the thumbnail of a picture lies. A missing one leaves its place empty.
        about: for the head of the page.
        language: of the words on it; titles stay as they are.
    Raises:
        InvalidArgument: no question.
        OSError: the file cannot be written.
    """
    path.write_text(report(asked, thumbnails, about, language=language), encoding="utf-8")


def report(asked: Sequence[Asked], thumbnails: Thumbnails, about: About, *, language: Language = "en") -> str:
    """The report as HTML. See `write_report`."""
    if not asked:
        raise InvalidArgument("a report needs at least one question")
    title = about.title or _WORDS[language]["title"]
    page = element(
        "html",
        {"lang": "zh-Hans" if language == "zh" else "en"},
        element(
            "head",
            None,
            element("meta", {"charset": "utf-8"}),
            element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
            element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
            element("title", None, printable(title)),
            element("style", None, STYLE),
        ),
        element(
            "body",
            None,
            _head(title, asked, about, language),
            element("main", None, *(_question(n, one, thumbnails, language) for n, one in enumerate(asked, 1))),
            element("footer", None, _WORDS[language]["made by"]),
        ),
    )
    return f"<!doctype html>\n{page}\n"


def _head(title: str, asked: Sequence[Asked], about: About, language: Language) -> Html:
    words = _WORDS[language]
    facts = [
        (words["library"], about.library),
        (words["encoder"], about.encoder),
        (words["pictures"], f"{about.pictures:,}"),
        (words["made"], about.made.strftime("%Y-%m-%d %H:%M")),
    ]
    inside = [element("h1", None, printable(title)), _facts(facts, "facts")]
    if len(asked) > 1:
        links = (
            element("li", None, element("a", {"href": f"#q{n}"}, printable(query_words(one.query, language))))
            for n, one in enumerate(asked, 1)
        )
        inside.append(element("nav", {"aria-label": words["contents"]}, element("ol", None, *links)))
    return element("header", None, *inside, element("p", {"class": "note"}, words["note"]))


def _question(number: int, asked: Asked, thumbnails: Thumbnails, language: Language) -> Html:
    query, answer, words = asked.query, asked.answer, _WORDS[language]
    asking = query_words(query, language)
    times = timing_words(answer.timing_ms, language)
    told = [
        element("h2", {"id": f"h{number}"}, element("span", {"class": "place"}, f"{number}"), printable(asking)),
        element("p", {"class": "count"}, printable(count_words(answer, language))),
        _facts([(stage, f"{ms:.1f} ms") for stage, ms in times], "times", words["times"]),
    ]
    head = [element("div", {"class": "told"}, *told)]
    if query.image is not None:
        named = element("figcaption", None, _breakable(asked.image)) if asked.image else Html()
        alt = words["query picture"]
        if query.box is not None:
            alt += f": {place_words(query.box, language)}"
        shown = _framed(query.image, query.box, alt, _QUERY_PX, _SHOWN_PX)
        head.insert(0, element("figure", {"class": "query"}, shown, named))
    hits = [_hit(n, hit, thumbnails, language) for n, hit in enumerate(answer.hits, 1)]
    inside = [element("div", {"class": "asking"}, *head)]
    if hits:
        inside.append(element("ol", {"class": "hits"}, *hits))
    return element("section", {"id": f"q{number}", "aria-labelledby": f"h{number}"}, *inside)


def _hit(place: int, hit: Hit, thumbnails: Thumbnails, language: Language) -> Html:
    words = _WORDS[language]
    title = printable(hit.title)
    match = match_words(hit, language)
    picture = _thumbnail(hit, thumbnails)
    box = hit.region.box if hit.region else None
    if picture is None:
        shown = element("span", {"class": "empty"}, words["no thumbnail"])
    else:
        alt = f"{title} ({match})" if language == "en" else f"{title}（{match}）"
        shown = _framed(picture, box, alt, _EMBEDDED_PX, _SHOWN_PX)
    facts: list[tuple[str, str]] = [
        (words["record"], _breakable(hit.record_id)),
        (words["match"], match),
        (words["file"], _breakable(hit.image)),
    ]
    if box is not None and not covers(box):
        facts.append((words["region"], ", ".join(f"{side:.2f}" for side in (box.x, box.y, box.w, box.h))))
    if hit.probability is not None:
        facts.append((words["probability"], f"{hit.probability:.0%}"))
    return element(
        "li",
        {"class": "hit"},
        element("div", {"class": "mount"}, shown),
        element("h3", None, element("span", {"class": "place"}, f"{place}"), element("bdi", None, title)),
        _score(hit, language),
        _facts(facts, "hit-facts"),
    )


def _score(hit: Hit, language: Language) -> Html:
    """The score in figures, as a bar of its shares, and its shares in words."""
    shares = [
        element("span", {"class": f"share {name}"}, f"{words} {share:+.3f}")
        for name, (words, share) in zip(
            (name for name, share in hit.reasons.items() if share), reason_words(hit.reasons, language), strict=True
        )
    ]
    bars, x = list[str](), 0.0
    for name in _SHARES:
        width = min(100 * max(hit.reasons.get(name, 0.0), 0.0), 100 - x)
        bars.append(element("rect", {"class": name, "x": f"{x:.2f}", "y": 0, "width": f"{width:.2f}", "height": 4}))
        x += width
    bar = element("svg", {"viewBox": "0 0 100 4", "preserveAspectRatio": "none", "aria-hidden": "true"}, *bars)
    number = element("strong", {"title": _WORDS[language]["score"]}, f"{hit.score:.3f}")
    return element("div", {"class": "score"}, number, bar, element("div", {"class": "shares"}, *shares))


def _facts(facts: Sequence[tuple[str, str]], name: str, label: str | None = None) -> Html:
    rows = (element("div", None, element("dt", None, term), element("dd", None, said)) for term, said in facts)
    return element("dl", {"class": name, "aria-label": label}, *rows)


def _framed(picture: Picture, box: Box | None, alt: str, embedded_px: int, shown_px: int) -> Html:
    """The picture with the box over it. The box is an SVG of the picture's own size, so both stretch together."""
    height, width = picture.shape[:2]
    scale = shown_px / max(width, height)
    size: dict[str, str | int | float | None] = {"width": round(width * scale), "height": round(height * scale)}
    inside = [element("img", {"src": _data_uri(picture, embedded_px), "alt": alt, **size})]
    if box is not None:
        corner = {"x": f"{box.x:.4f}", "y": f"{box.y:.4f}", "width": f"{box.w:.4f}", "height": f"{box.h:.4f}"}
        lines = ("whole",) if covers(box) else ("halo", "edge")
        rects = (element("rect", {"class": name, **corner}) for name in lines)
        over = {"class": "box", "viewBox": "0 0 1 1", "preserveAspectRatio": "none", "aria-hidden": "true"}
        inside.append(element("svg", {**over}, *rects))
    return element("span", {"class": "frame"}, *inside)


def _data_uri(picture: Picture, longest_px: int) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _thumbnail(hit: Hit, thumbnails: Thumbnails) -> Picture | None:
    try:
        return thumbnail_pixels(thumbnails(hit.sha256).read_bytes())
    except (OSError, CorruptData) as error:
        _log.warning("%s: its place in the report stays empty (%s); run `sherd repair`", hit.image, error)
        return None


def _breakable(path: str) -> Html:
    """A path or an identifier that may break after a slash, a dash or an underscore."""
    pieces, now = list[str](), ""
    for character in printable(path):
        now += character
        if character in "/_-":
            pieces += [now, _BREAK]
            now = ""
    return element("bdi", None, *pieces, now)


_BREAK = element("wbr")
