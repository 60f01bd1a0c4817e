"""What are probabilities worth on a collection that they were not fitted on, and is it noticed? `--cache DIR`.

Six collections: rendered relics and the packs below SHERD_SHARED. Of each, what a facet's model is fitted on (the
training split, each picture judged without its own record), and what it is asked about (the held-out split).

1. Every model asked about every collection, with that collection's own examples: expected calibration error, and the
   share of true terms inside the sets at 90 %.
2. How many of the asked pictures are called strange (`sherd.suggest.novelty`): of the collection itself, of the others,
   and of two rendered cultures that the encoder never saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from galleries import CALIBRATION_SEED, TEST_SEED, TRAINED, UNSEEN
from provenance import outside, write
from suggest import FACETS, Facet, Right, drawn, judged, pack_looks

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.suggest.evidence import Looks
from sherd.suggest.novelty import Novelty
from sherd.training.corpus import relic_corpus

PACKS = {
    "getty_catalogues": "heldout", "open_museum_small": "heldout", "kamon_crests": "heldout", "byzart_icons": "valid",
    "iconart_parts": "test",
}  # fmt: skip
Side = tuple[Looks, dict[str, Right]]


def collections(encoder: Encoder, shared: Path, cache: Path) -> dict[str, tuple[Side, Side]]:
    """By name: what is known, and what is asked about."""
    found = {
        "rendered": (
            drawn(encoder, relic_corpus(TRAINED, 400, CALIBRATION_SEED, 160, 2, cache), "c"),
            drawn(encoder, relic_corpus(TRAINED, 250, TEST_SEED, 160, 2, cache), "q"),
        )
    }
    for name, test in PACKS.items():
        folder = shared / "packs" / name
        found[name] = pack_looks(encoder, folder, "train"), pack_looks(encoder, folder, test)
    return found


def exchanged(encoder: Encoder, sides: dict[str, tuple[Side, Side]]) -> list[dict[str, Any]]:
    """Part 1, a row for each facet, model and collection."""
    rows = []
    for name in FACETS:
        facet = Facet(name, encoder)
        fitted = {one: facet.fitted(known[0], known[1][name]) for one, (known, _) in sides.items()}
        for source, (model, _) in fitted.items():
            if model is None:
                continue
            for target, (known, (asked, true)) in sides.items():
                keep = np.array([n for n, record in enumerate(asked.records) if true[name].get(record)], np.int64)
                if keep.size < 20:
                    continue
                examples = fitted[target][1]
                told = judged(facet, model, examples, asked.rows(keep), true[name], centred_on=known[0])
                rows.append({"facet": name, "fitted_on": source, "asked_about": target, **told})
                coverage = told["coverage"]["mean"] if told["coverage"] else float("nan")
                error = told["ece"] if told["ece"] is not None else float("nan")
                print(f"{name:<9}{source:<19}{target:<19}ece {error:.3f} coverage {coverage:.3f}", flush=True)
    return rows


def strange(encoder: Encoder, sides: dict[str, tuple[Side, Side]], cache: Path) -> dict[str, dict[str, float]]:
    """Part 2: by what is known, the share of each collection's asked pictures that is called strange."""
    asked = {name: side[0] for name, (_, side) in sides.items()}
    for culture in (UNSEEN, "lustre_tile"):
        asked[culture] = drawn(encoder, relic_corpus([culture], 300, TEST_SEED, 160, 2, cache), "u")[0]
    found = {}
    for name, (known, _) in sides.items():
        novelty = Novelty.of(known[0])
        assert novelty is not None
        found[name] = {one: float(novelty.strange(looks).mean()) for one, looks in asked.items()}
        print(f"{name:<19}" + "  ".join(f"{one} {share:.2f}" for one, share in found[name].items()), flush=True)
    return found


def main() -> None:
    """Both parts, printed and written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for drawn relics, outside the checkout")
    given = parser.parse_args()
    shared = outside()
    encoder = load_encoder("builtin")
    sides = collections(encoder, shared, given.cache)
    result = {"model": encoder.fingerprint, "exchanged": exchanged(encoder, sides)}
    result["strange"] = strange(encoder, sides, given.cache)
    print(write("strangers", "What are probabilities worth on a collection that they were not fitted on?", result))


if __name__ == "__main__":
    main()
