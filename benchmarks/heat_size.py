"""At what size should heat maps be made? `python benchmarks/heat_size.py [MODEL]`.

The same weights at 160, 224 and 320 px: pointing at the names of parts on 400 relics of a seed that nothing is measured
on and at the labels of icons and paintings that no model learns from (small ones apart), and what a map costs, in
turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from fit_weights import variant
from galleries import FIT_SEED, LABELLED, TRAINED
from provenance import outside, write

from sherd.encoder import load_encoder
from sherd.encoder.onnx import OnnxEncoder
from sherd.evaluation import drawn
from sherd.evaluation.harness import evaluate

SIZES_PX = (160, 224, 320)
TIMED = 60


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    loaded = load_encoder(parser.parse_args().model)
    assert isinstance(loaded, OnnxEncoder)
    result: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gallery = drawn.draw_gallery(TRAINED, 100, FIT_SEED, folder / "relics")
        sized = {px: variant(loaded.folder, folder / str(px), heat_px=px) for px in SIZES_PX}
        queries = drawn.motif_queries(gallery)
        for px, encoder in sized.items():
            found = drawn.localisation_values(encoder, gallery, queries, drawn.patch_localiser(encoder))
            figures = {
                f"rendered, {name}": float(found[name].mean()) for name in ("pointing", "pointing_small", "ap30")
            }
            for pack, (split, *_) in LABELLED.items():
                if (outside() / "packs" / pack).is_dir():
                    report = evaluate(encoder, outside() / "packs" / pack, split=split)
                    for row, about in report.localisation.items():
                        figures[f"{pack}, {row}"] = about["pointing"].value
            result[str(px)] = figures
            print(f"{px} px ", *(f"{name} {value:.3f} " for name, value in figures.items()), flush=True)
        for px, seconds in _in_turns(sized, gallery).items():
            result[str(px)]["ms"] = round(1000 * seconds, 1)
            print(f"{px} px  {1000 * seconds:.1f} ms a map")
    about_it = {"model": loaded.fingerprint, "relics": len(gallery.captions), "names": len(queries), "sizes": result}
    print(write("heat-size", "At what size should heat maps be made?", about_it))


def _in_turns(sized: dict[int, OnnxEncoder], gallery: drawn.Gallery) -> dict[int, float]:
    """Median seconds of the map of a picture never asked about, by size."""
    seconds: dict[int, list[float]] = {px: [] for px in sized}
    vectors = next(iter(sized.values())).encode_text(list(gallery.captions[:TIMED]))
    for picture, vector in zip(gallery.corpus.pictures, vectors, strict=False):
        for px, encoder in sized.items():
            began = time.perf_counter()
            encoder.heat(picture, vector)
            seconds[px].append(time.perf_counter() - began)
    return {px: statistics.median(row) for px, row in seconds.items()}


if __name__ == "__main__":
    main()
