"""How well does a model find and point? `python benchmarks/quality.py [MODEL]`.

Measured on relics drawn from a seed that no training used (1,000 of the trained cultures together, 500 of the culture
that no model is trained on; what is pointed at are motifs, handles, lids and damage, not whole objects), and on the
held-out records of every pack below SHERD_SHARED (default ../shared) that is there. Every figure has its 95 % interval,
and chance beside it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from galleries import UNSEEN, draw_pack, parts_only
from provenance import outside, write

from sherd.encoder import load_encoder
from sherd.evaluation.harness import evaluate
from sherd.relics import load_culture, resolve_spec

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
    packs = outside() / "packs"
    reports: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder)
        trained = draw_pack(resolve_spec("all"), drawn / "trained", given.gallery, parts_only)
        unseen = draw_pack([load_culture(UNSEEN)], drawn / "unseen", given.gallery // 2, parts_only)
        reports["rendered, trained cultures"] = evaluate(encoder, trained).as_dict(queries=False)
        reports["rendered, unseen culture"] = evaluate(encoder, unseen).as_dict(queries=False)
    for name, split in PACKS:
        if (packs / name).is_dir():
            found = evaluate(encoder, packs / name, split=split)
            reports[f"{name}, {split or 'all'}"] = found.as_dict(queries=False)
        else:
            print(f"{name}: not there, not measured (SHERD_SHARED, ../shared)")
    for name, report in reports.items():
        report["data"]["path"] = Path(report["data"]["path"]).name
        show(name, report)
    print(write("quality", "How well does the model find and point?", {"model": given.model, "reports": reports}))


def show(name: str, report: dict[str, Any]) -> None:
    """Print what `sherd.evaluation.harness.evaluate` found, a line a row of figures."""
    print(f"{name}: {report['data']['pictures']} pictures, {report['data']['labels']} labels")
    chance = report["chance"]
    for which, found in (("served", report["retrieval"]), ("objects only", report["retrieval_object_only"]),
                         ("chance", chance["retrieval"])):  # fmt: skip
        for way, figures in (found or {}).items():
            print(f"  {which:<13} {way.replace('_', ' '):<14} {_row(figures)}")
    for row, figures in (report["localisation"] or {}).items():
        print(f"  labels, {row:<5} {'model':<14} {_row(figures)}")
        for who, blind in (
            chance["localisation"][row] | {"over the prior": report["over_location_prior"][row]}
        ).items():
            print(f"  labels, {row:<5} {who.replace('_', ' '):<14} {_row(blind)}")


def _row(figures: dict[str, dict[str, Any]]) -> str:
    return "  ".join(f"{name} {one['value']:.3f} {_bounds(one)}" for name, one in figures.items())


def _bounds(figure: dict[str, Any]) -> str:
    return "?..?" if figure["low"] is None else f"{figure['low']:.3f}..{figure['high']:.3f}"


if __name__ == "__main__":
    main()
