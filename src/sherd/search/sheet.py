"""The contact sheet: one picture with the hits of a question or several, the box of the match drawn on each."""

from __future__ import annotations

import logging
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sherd.errors import CorruptData, InvalidArgument
from sherd.ingest.pictures import thumbnail_pixels
from sherd.search.asked import Asked, Thumbnails
from sherd.search.fonts import Font, chinese_font, font, legible
from sherd.search.words import Language, caption, count_words, covers, match_words, printable, query_words
from sherd.types import Answer, Box, Hit

_PAPER, _MOUNT, _INK, _QUIET = (250, 249, 246), (237, 235, 229), (34, 32, 29), (122, 116, 107)
_RULE = (205, 200, 190)
_ACCENT, _HALO = (214, 64, 31), (255, 255, 255)
_MARGIN, _GAP, _CELL, _QUERY = 48, 28, 300, 220
_TITLE_LINES = 2
_COLUMNS = 5
MAX_ON_SHEET = 100
"""Hits of one question on a sheet; a picture of more would be too long to look at."""
_log = logging.getLogger(__name__)


def write_sheet(path: Path, asked: Sequence[Asked], thumbnails: Thumbnails, *, language: Language = "en") -> None:
    """Write the contact sheet of one or several questions as a PNG.

    Args:
        path: of the file to write; an existing one is replaced.
        asked: each question with its query picture, if there was one, and the answer.
        thumbnails: where the thumbnail of a picture lies. A missing one leaves its place empty.
        language: of the words on it; titles stay as they are.
    Raises:
        InvalidArgument: no question.
        OSError: the file cannot be written.
    """
    draw_sheet(asked, thumbnails, language=language).save(path, "PNG")


def draw_sheet(asked: Sequence[Asked], thumbnails: Thumbnails, *, language: Language = "en") -> Image.Image:
    """The contact sheet as a picture: each question over its hits, five a row, best first.

    Raises:
        InvalidArgument: no question.
    """
    if not asked:
        raise InvalidArgument("a contact sheet needs at least one question")
    if chinese_font() is None:
        language = "en"
    widest = max(min(len(one.answer.hits), MAX_ON_SHEET) for one in asked)
    columns = min(_COLUMNS, max(3, widest))
    strips = [_draw_strip(one, thumbnails, columns, language) for one in asked]
    sheet = Image.new("RGB", (strips[0].width, sum(strip.height for strip in strips)), _PAPER)
    y = 0
    for strip in strips:
        sheet.paste(strip, (0, y))
        if y:
            line = (_MARGIN, y, sheet.width - _MARGIN, y)
            ImageDraw.Draw(sheet).line(line, fill=_RULE, width=2)
        y += strip.height
    return sheet


def _draw_strip(asked: Asked, thumbnails: Thumbnails, columns: int, language: Language) -> Image.Image:
    hits = asked.answer.hits[:MAX_ON_SHEET]
    rows = -(-len(hits) // columns)
    title, small = font(21), font(17)
    line, note = _line_height(title), _line_height(small)
    cell = _CELL + 14 + _TITLE_LINES * line + 2 * note + 6
    width = 2 * _MARGIN + columns * _CELL + (columns - 1) * _GAP
    head = _draw_head(asked, width, language)
    height = head.height + rows * cell + max(rows - 1, 0) * _GAP + _MARGIN // 2
    strip = Image.new("RGB", (width, height), _PAPER)
    strip.paste(head, (0, 0))
    draw = ImageDraw.Draw(strip)
    for n, hit in enumerate(hits):
        x = _MARGIN + n % columns * (_CELL + _GAP)
        y = head.height + n // columns * (cell + _GAP)
        box = hit.region.box if hit.region else None
        strip.paste(_mounted(_thumbnail(hit, thumbnails), box, _CELL, language), (x, y))
        y += _CELL + 14
        for text in wrapped(f"{n + 1}. {hit.title}", title, _CELL, _TITLE_LINES):
            draw.text((x, y), text, _INK, title)
            y += line
        for text in (caption(hit), match_words(hit, language)):
            draw.text((x, y), wrapped(text, small, _CELL, 1)[0], _QUIET, small)
            y += note
    return strip


def wrapped(text: str, face: Font, width_px: int, lines: int) -> list[str]:
    """`text` broken into at most `lines` lines (one or more) of `width_px`; what is cut off ends in an ellipsis.

    Breaks at spaces, and anywhere beside a Chinese, Japanese or Korean character.
    """
    # No line has room for more characters than pixels: what is beyond them would only take time.
    words = _pieces(legible(printable(text[: 2 * lines * width_px]))[: lines * width_px])
    broken, now = list[str](), ""
    while words:
        word = words.pop(0)
        if face.getlength((now + word).rstrip()) <= width_px:
            now += word
        elif now.strip():
            broken.append(now.rstrip())
            now = ""
            words.insert(0, word.lstrip())
        else:  # one word wider than the line
            fits = max(1, bisect_right(range(1, len(word)), float(width_px), key=lambda n: face.getlength(word[:n])))
            broken.append(word[:fits])
            now = ""
            words[:0] = [word[fits:]] if word[fits:] else []
        if len(broken) == lines and (now or words):
            last = broken[-1]
            while last and face.getlength(last + "…") > width_px:
                last = last[:-1]
            return [*broken[:-1], last.rstrip() + "…"]
    return [*broken, now.rstrip()] if now.strip() or not broken else broken


def _pieces(text: str) -> list[str]:
    """Where a line may break after each: words with their space, and single wide characters."""
    pieces, now = list[str](), ""
    for character in text:
        wide = unicodedata.east_asian_width(character) in "WF"
        if wide and now:
            pieces.append(now)
            now = ""
        now += character
        if wide or character == " ":
            pieces.append(now)
            now = ""
    return [*pieces, now] if now else pieces


def _draw_head(asked: Asked, width: int, language: Language) -> Image.Image:
    query, answer = asked.query, asked.answer
    big, small = font(38), font(19)
    left, inner = _MARGIN, width - 2 * _MARGIN
    picture = None
    if query.image is not None:
        picture = _mounted(Image.fromarray(query.image), query.box, _QUERY, language)
        left, inner = left + _QUERY + _GAP, inner - _QUERY - _GAP
    asking = query_words(query, language)
    if language == "en":  # curly quotes are as wide as a Chinese character in Chinese fonts
        asking = asking.replace("“", '"').replace("”", '"')
    lines = wrapped(asking, big, inner, 3)
    notes = wrapped(_note(answer, language), small, inner, 2)
    text_height = len(lines) * _line_height(big) + 8 + len(notes) * _line_height(small)
    height = _MARGIN + max(_QUERY if picture is not None else 0, text_height) + 32
    head = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(head)
    y = _MARGIN
    if picture is not None:
        head.paste(picture, (_MARGIN, _MARGIN))
        y += max(0, (_QUERY - text_height) // 2)
    for text in lines:
        draw.text((left, y), text, _INK, big)
        y += _line_height(big)
    y += 8
    for text in notes:
        draw.text((left, y), text, _QUIET, small)
        y += _line_height(small)
    return head


def _note(answer: Answer, language: Language) -> str:
    words = [count_words(answer, language)]
    if len(answer.hits) > MAX_ON_SHEET:
        words.append(f"图上为前 {MAX_ON_SHEET} 件" if language == "zh" else f"the first {MAX_ON_SHEET} are shown")
    if answer.hits:
        words.append(f"{answer.timing_ms.total:.0f} ms")
    if chinese_font() is None:
        words.append("… stands for Chinese characters, for which this machine has no font")
    return ("，" if language == "zh" else ", ").join(words)


def _mounted(picture: Image.Image | None, box: Box | None, size: int, language: Language) -> Image.Image:
    """The picture in the middle of a square mount, with the box drawn on it."""
    mount = Image.new("RGB", (size, size), _MOUNT)
    if picture is None:
        draw = ImageDraw.Draw(mount)
        draw.text(
            (size / 2, size / 2), "无缩略图" if language == "zh" else "no thumbnail", _QUIET, font(17), anchor="mm"
        )
        return mount
    scale = size / max(picture.size)
    shown = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)
    left, top = (size - shown.width) // 2, (size - shown.height) // 2
    mount.paste(shown, (left, top))
    if box is not None:
        _draw_box(mount, box, (left, top), shown.size)
    return mount


def _draw_box(mount: Image.Image, box: Box, at: tuple[int, int], size: tuple[int, int]) -> None:
    corners = np.array([box.x, box.y, box.x + box.w, box.y + box.h]) * np.tile(size, 2)
    x0, y0, x1, y1 = np.clip(corners, 2, np.tile(size, 2) - 3).round().astype(int) + np.tile(at, 2)
    draw = ImageDraw.Draw(mount)
    if covers(box):  # a thin line: it marks no place
        draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=_ACCENT, width=2)
        return
    draw.rectangle((x0 - 2, y0 - 2, max(x1, x0 + 4) + 2, max(y1, y0 + 4) + 2), outline=_HALO, width=6)
    draw.rectangle((x0 - 1, y0 - 1, max(x1, x0 + 4) + 1, max(y1, y0 + 4) + 1), outline=_ACCENT, width=4)


def _thumbnail(hit: Hit, thumbnails: Thumbnails) -> Image.Image | None:
    try:
        return Image.fromarray(thumbnail_pixels(thumbnails(hit.sha256).read_bytes()))
    except (OSError, CorruptData) as error:
        _log.warning("%s: its place on the sheet stays empty (%s); run `sherd repair`", hit.image, error)
        return None


def _line_height(face: Font) -> int:
    top, bottom = face.getbbox("Ág国")[1::2]
    return round(1.35 * (bottom - top))
