"""Contact sheets: many pictures of a pack on one, to be looked at by a person, with or without the truth drawn in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from sherd.errors import InvalidArgument

_COLOURS = ("#ffe14d", "#ff4d4d", "#4dd2ff", "#ff4dff", "#66ff66", "#ffa64d")


def contact_sheet(pack: Path, *, count: int = 100, boxes: bool = False) -> Image.Image:
    """The first `count` pictures of a pack in rows, all as large as the first.

    Args:
        pack: the folder with records.jsonl.
        count: 1 or more; a pack with fewer gives a smaller sheet.
        boxes: draw the box of each region, and its label.
    Raises:
        InvalidArgument: count is below 1, or the pack is empty.
    """
    with (pack / "records.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in islice(file, max(0, count))]
    if not records:
        raise InvalidArgument(f"a contact sheet needs count >= 1 and a pack with records, got count={count}, {pack}")
    columns = math.ceil(math.sqrt(len(records)))
    width, height = records[0]["width"], records[0]["height"]
    sheet = Image.new("RGB", (columns * width, math.ceil(len(records) / columns) * height))
    for number, record in enumerate(records):
        with Image.open(pack / record["image"]) as picture:
            if boxes:
                _draw_boxes(picture, record)
            sheet.paste(picture, (number % columns * width, number // columns * height))
    return sheet


def _draw_boxes(picture: Image.Image, record: Mapping[str, Any]) -> None:
    draw = ImageDraw.Draw(picture)
    for number, region in enumerate(record["regions"]):
        x, y, w, h = region["bbox"]
        colour = _COLOURS[number % len(_COLOURS)]
        draw.rectangle((x, y, x + w - 1, y + h - 1), outline=colour)
        if number:
            draw.text((x + 2, y), region["label"], fill=colour)
