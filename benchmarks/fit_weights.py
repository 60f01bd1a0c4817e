"""How much should parts count for a text? `python benchmarks/fit_weights.py [MODEL]`.

On 400 relics of a seed that nothing is measured on: R@1 of captions, both ways, with their clauses looked for in parts
and with the caption as one piece, and mean average precision of the bare names of motifs and of all that is broader,
over the weight of part vectors against object vectors; part vectors from the object's pass, and from passes at 224 and
320 px. The defaults of `SearchSettings` for a short text and a sentence were read off this table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from galleries import FIT_SEED, TRAINED
from provenance import write

from sherd.encoder import load_encoder
from sherd.encoder.onnx import OnnxEncoder
from sherd.evaluation import drawn
from sherd.metrics.retrieval import mean_average_precision
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.relevance import Closure

WEIGHTS = tuple(n / 10 for n in range(11))


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    given = parser.parse_args()
    loaded = load_encoder(given.model)
    assert isinstance(loaded, OnnxEncoder)
    result: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gallery = drawn.draw_gallery(TRAINED, 100, FIT_SEED, folder / "relics")
        closure = Closure(builtin_thesaurus(), {})
        examples = [closure.close(example) for example in gallery.corpus.examples]
        named = {p.text: p.key for e in examples for p in e.phrases if "@" not in p.key}
        texts = sorted(named)
        relevant = np.array([[named[text] in e.keys for e in examples] for text in texts])
        for parts_px in (0, 224, 320):
            encoder = variant(loaded.folder, folder / f"model-{parts_px}", parts_px=parts_px)
            seen, names = drawn.look(encoder, gallery), encoder.encode_text(texts)
            unread = replace(seen, clauses=())
            captions, uncut, motifs = [], [], []
            for weight in WEIGHTS:
                captions.append(float((drawn.both_ranks(seen, gallery.captions, weight) == 1).mean()))
                uncut.append(float((drawn.both_ranks(unread, gallery.captions, weight) == 1).mean()))
                ranking = np.argsort(-drawn.pair_scores(names, seen.objects, seen.parts, weight), 1, kind="stable")
                motifs.append(mean_average_precision(ranking.astype(np.int64), relevant))
            label = f"{parts_px} px" if parts_px else "the object's pass"
            result[label] = {"captions_r1": captions, "uncut_captions_r1": uncut, "motifs_map": motifs}
            for kind, row in result[label].items():
                print(
                    f"parts from {label:<18}{kind:<18}",
                    *(f"{w:g}: {v:.3f} " for w, v in zip(WEIGHTS, row, strict=True)),
                )
    about = {"model": loaded.fingerprint, "names": len(texts), "weights": WEIGHTS, "parts": result}
    print(write("fit-weights", "How much should parts count for a text?", about))


def variant(folder: Path, copy: Path, **changes: int) -> OnnxEncoder:
    """The model in `folder` with other values in its model.json, as a folder `copy`."""
    shutil.copytree(folder, copy)
    file = copy / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")
    return OnnxEncoder.load(copy)


if __name__ == "__main__":
    main()
