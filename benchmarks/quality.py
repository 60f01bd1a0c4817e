"""How well does a model find and point? `python benchmarks/quality.py [MODEL]`.

Measured on relics drawn from a seed that no training used (1,000 of the trained cultures together, 500 of the culture
that no model is trained on), and on the held-out records of every pack below SHERD_SHARED (default ../shared) that is
there. Chance stands beside every figure.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from provenance import write

from sherd.encoder import load_encoder
from sherd.evaluation.harness import evaluate
from sherd.relics import load_culture, render_pack, resolve_spec

SEED = 1001
PACKS = (
    ("getty_catalogues", "heldout"),
    ("open_museum_small", "heldout"),
    ("kamon_crests", "heldout"),
    ("byzart_icons", "valid"),
    ("iconart_parts", "test"),
    ("zh_relics_shaanxi", None),
)


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    parser.add_argument("--gallery", type=int, default=1000, help="relics of the trained cultures")
    given = parser.parse_args()
    encoder = load_encoder(given.model)
    packs = Path(os.environ.get("SHERD_SHARED", "../shared")) / "packs"
    reports: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder)
        render_pack(resolve_spec("all"), given.gallery, SEED, drawn / "trained", workers=2)
        render_pack([load_culture("glyph_stela")], given.gallery // 2, SEED, drawn / "unseen", workers=2)
        reports["rendered, trained cultures"] = evaluate(encoder, drawn / "trained").as_dict()
        reports["rendered, unseen culture"] = evaluate(encoder, drawn / "unseen").as_dict()
    for name, split in PACKS:
        if (packs / name).is_dir():
            reports[f"{name}, {split or 'all'}"] = evaluate(encoder, packs / name, split=split).as_dict()
        else:
            print(f"{name}: not there, not measured (SHERD_SHARED, ../shared)")
    for name, report in reports.items():
        report["data"]["path"] = Path(report["data"]["path"]).name
        _show(name, report)
    print(write("quality", "How well does the model find and point?", {"model": given.model, "reports": reports}))


def _show(name: str, report: dict[str, Any]) -> None:
    print(f"{name}: {report['data']['pictures']} pictures")
    chance = report["chance"]
    for which, found in (("served", report["retrieval"]), ("objects only", report["retrieval_object_only"]),
                         ("chance", chance.get("retrieval"))):  # fmt: skip
        if found is not None:
            ways = ("text_to_image", "image_to_text")
            rows = ("  ".join(f"{key} {value:.3f}" for key, value in found[way].items()) for way in ways)
            print(f"  {which:<13} text to image {next(rows)}   image to text {next(rows)}")
    if report["localisation"] is not None:
        blind = chance["localisation"]
        print(
            f"  pointing {report['localisation']['pointing']:.3f} over {report['data']['labels']} labels; anywhere "
            f"{blind['uniform']:.3f}, centre {blind['centre']:.3f}, usual place {blind['location_prior']:.3f}; "
            f"overlap of the box {report['localisation']['box_iou']:.3f}"
        )


if __name__ == "__main__":
    main()
