"""Which relics the benchmarks draw: the cultures that models are trained on, and seeds that no training uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sherd.relics import Culture, render_pack

TRAINED = ("ritual_bronze", "painted_ceramic", "cave_mural", "silk_textile")
UNSEEN = "glyph_stela"
TEST_SEED = 1001
FIT_SEED = 2001
"""What is chosen (a weight, a localiser) is chosen on these, and measured on the others."""
CALIBRATION_SEED = 3001
LABELLED = {"byzart_icons": ("valid",), "iconart_parts": ("valid", "test")}
"""Packs of real pictures with boxes, and the splits of them that no model learns from."""

Line = dict[str, Any]


def draw_pack(
    cultures: Sequence[Culture], out: Path, each: int, change: Callable[[Line], Line], *, masks: bool = True
) -> Path:
    """Render a pack of relics of the test seed into folder `out`, then put each of its lines through `change`."""
    records = render_pack(cultures, each, TEST_SEED, out, masks=masks, workers=2).records
    lines = [change(json.loads(line)) for line in records.read_text("utf-8").splitlines()]
    written = records.with_suffix(".new")
    written.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    written.replace(records)
    return out


def parts_only(line: Line) -> Line:
    """The record without the region of the whole object, which is its first: who points at it has found nothing."""
    return {**line, "phrases": [], "regions": line["regions"][1:]}
