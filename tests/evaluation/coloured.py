"""A pack for the toy encoder, which sees colours and reads colour words: what is true of it is known by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RGB = {"red": (220, 30, 30), "green": (30, 160, 60), "blue": (30, 60, 220), "white": (250, 250, 250)}
SIDE = 64


def write(folder: Path, lines: Sequence[dict[str, Any]]) -> Path:
    """`lines` as a pack. Each has `ground`, and may have `spot`, a colour for the upper left quarter."""
    (folder / "images").mkdir(parents=True)
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        for n, line in enumerate(lines):
            canvas = np.empty((SIDE, SIDE, 3), np.uint8)
            canvas[:] = RGB[line["ground"]]
            if "spot" in line:
                canvas[: SIDE // 2, : SIDE // 2] = RGB[line["spot"]]
            Image.fromarray(canvas).save(folder / f"images/{n}.png")
            kept = {key: value for key, value in line.items() if key not in ("ground", "spot")}
            file.write(json.dumps({"id": f"r{n}", "image": f"images/{n}.png", **kept}, ensure_ascii=False) + "\n")
    return folder


def region(label: str, *, right: bool = False) -> dict[str, Any]:
    """The box of the upper left quarter, or of the upper right one."""
    return {"label": label, "bbox": [SIDE // 2 if right else 0, 0, SIDE // 2, SIDE // 2]}
