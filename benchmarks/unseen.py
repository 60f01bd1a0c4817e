"""What does the model make of a culture it never met? `python benchmarks/unseen.py [MODEL]`.

Every shipped culture that no model is trained on: 250 relics of a seed never used, names of the culture and its periods
taken out of the captions. R@1, 5 and 10 both ways in the culture's own gallery, and of texts among 1,000 relics of the
trained cultures too; beside it chance, and one who sees colours only (a ridge regression from colour histograms to
caption vectors, fitted on trained cultures). Intervals over relics.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from galleries import FIT_SEED, TEST_SEED
from provenance import told, write

from sherd.encoder import load_encoder
from sherd.evaluation import drawn
from sherd.metrics.bootstrap import interval, paired_interval
from sherd.relics import load_culture, resolve_spec, shipped_cultures

RECALLS = (1, 5, 10)


def main() -> None:
    """Measure, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    parser.add_argument("--each", type=int, default=250)
    given = parser.parse_args()
    encoder = load_encoder(given.model)
    trained = [culture.id for culture in resolve_spec("all")]
    unseen = [name for name in shipped_cultures() if not load_culture(name).training]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        crowd = drawn.draw_gallery(trained, given.each, TEST_SEED, cache)
        fit = drawn.draw_gallery(trained, 2 * given.each, FIT_SEED, cache)
        others = drawn.look(encoder, crowd).objects
        for name in unseen:
            gallery = drawn.draw_gallery([name], given.each, TEST_SEED, cache, nameless=True)
            seen = drawn.look(encoder, gallery)
            blind = replace(seen, objects=drawn.colour_control(encoder, fit, gallery), parts=seen.parts[:, :0])
            own, colours = (drawn.both_ranks(one, gallery.captions, 0.0) for one in (seen, blind))
            mixed = drawn.mixed_ranks(seen, others, gallery.captions)
            results[name] = {
                f"R@{k}": _row(own, colours, mixed, len(gallery.captions), len(others), k) for k in RECALLS
            }
            for k in RECALLS:
                print(name, f"R@{k}", results[name][f"R@{k}"], flush=True)
    about = {"model": encoder.fingerprint, "relics": {"seed": TEST_SEED, "each": given.each}, "cultures": results}
    print(write("unseen", "What does the model make of a culture it never met?", about))


def _row(own: drawn.Ranks, colours: drawn.Ranks, mixed: drawn.Ranks, size: int, others: int, k: int) -> dict[str, Any]:
    hits, control = (own <= k).astype(float), (colours <= k).astype(float)
    relics = np.tile(np.arange(size), 2)
    return {
        "own": told(interval(hits, clusters=relics)),
        "mixed": told(interval((mixed <= k).astype(float))),
        "chance": k / size,
        "chance_mixed": k / (size + others),
        "colours": float(control.mean()),
        "over_colours": told(paired_interval(hits, control, clusters=relics)),
    }


if __name__ == "__main__":
    main()
