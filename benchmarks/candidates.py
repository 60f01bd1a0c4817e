"""How many candidates does re-ranking need? `python benchmarks/candidates.py --each 8000 --work DIR`.

Relics are drawn and read by the built-in model, and names of motifs and whole captions are asked for. True are the ten
best of all by object and parts, as a search scores them; counted is how many of them are left when only the nearest
objects, the pictures with the nearest parts, or both, are scored. What is nearest is found exactly here: nothing but
the number of candidates costs anything. Samples of the collection show how that grows with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from galleries import TEST_SEED, TRAINED
from provenance import ROOT, write

from sherd.encoder import load_encoder
from sherd.evaluation import drawn
from sherd.search.question import Question, encode
from sherd.search.rerank import score
from sherd.search.settings import SearchSettings
from sherd.types import FloatArray, KeyArray, Query

K = 10
COUNTS = (25, 50, 100, 200, 400, 800)
SHARES = (16, 4, 1)
"""Every 16th, every 4th and every relic."""
_READ = 500
SETTINGS = SearchSettings()


class Read(NamedTuple):
    """Of n relics the object vectors (n, D) and the part vectors (n, K, D)."""

    objects: FloatArray
    parts: FloatArray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--each", type=int, default=8_000, help="relics of each culture")
    parser.add_argument("--seed", type=int, default=TEST_SEED, help="of the relics; 1 is that of training")
    parser.add_argument("--queries", type=int, default=100, help="of each kind")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    given = parser.parse_args()
    encoder = load_encoder("builtin")
    gallery = drawn.draw_gallery(TRAINED, given.each, given.seed, given.work)
    read = _read(encoder, gallery, given.work)
    print(f"{len(read.objects)} relics are read", flush=True)
    questions = {
        kind: [encode(Query(text=text), encoder, SETTINGS) for text in some]
        for kind, some in _asked(gallery, given.queries).items()
    }
    rows: list[dict[str, Any]] = []
    print(f"{'asked':>9}{'relics':>9}{'candidates':>12}{'objects':>9}{'parts':>9}{'both':>9}", flush=True)
    for kind, some in questions.items():
        for share in SHARES:
            sample = Read(read.objects[::share], read.parts[::share])
            found = np.mean([_recalls(sample, question) for question in some], axis=0)
            for count, recalls in zip(COUNTS, found.round(4).tolist(), strict=True):
                told = dict(zip(("objects", "parts", "both"), recalls, strict=True))
                rows.append({"asked": kind, "relics": len(sample.objects), "candidates": count, **told})
                print(f"{kind:>9}{len(sample.objects):>9}{count:>12}" + "".join(f"{value:>9.3f}" for value in recalls))
    result = {"queries": given.queries, "seed": given.seed, "encoder": encoder.fingerprint, "rows": rows}
    print(write("candidates", "How many candidates does re-ranking need?", result))


def _read(encoder: Any, gallery: drawn.Gallery, work: Path) -> Read:
    """Kept in a file of the encoder's name."""
    pictures = gallery.corpus.pictures
    file = work / f"vectors-{encoder.fingerprint[:12]}-{len(pictures)}.npz"
    if not file.exists():
        made = [encoder.encode_images(list(pictures[n : n + _READ])) for n in range(0, len(pictures), _READ)]
        objects, parts = (np.concatenate([getattr(one, name) for one in made]) for name in ("object", "parts"))
        np.savez(file, objects=objects.astype(np.float16), parts=parts.astype(np.float16))
    with np.load(file) as kept:
        return Read(kept["objects"].astype(np.float32), kept["parts"].astype(np.float32))


def _asked(gallery: drawn.Gallery, count: int) -> dict[str, list[str]]:
    """Names of motifs, and captions."""
    names = sorted({phrase.text for example in gallery.corpus.examples for phrase in example.phrases})
    captions = sorted(set(gallery.captions))
    rng = np.random.default_rng(0)
    return {
        name: [some[n] for n in rng.permutation(len(some))[:count]]
        for name, some in (("motifs", names), ("captions", captions))
    }


def _recalls(read: Read, question: Question) -> list[tuple[float, float, float]]:
    """For each number of candidates the share of the true ten: by objects, by parts, by both."""
    assert question.pointer is not None
    true = _ten(read, question, np.arange(len(read.objects)))
    by_object = np.argsort(-(read.objects @ question.object), kind="stable")
    by_part = np.argsort(-(read.parts @ question.pointer).max(1), kind="stable")
    return [
        tuple(  # type: ignore[misc]
            float(np.isin(true, _ten(read, question, keys)).mean())
            for keys in (objects, parts, np.union1d(objects, parts))
        )
        for objects, parts in ((by_object[:count], by_part[:count]) for count in COUNTS)
    ]


def _ten(read: Read, question: Question, keys: KeyArray) -> KeyArray:
    """The ten best of some, as a search scores them."""
    scores = score(question, read.objects[keys], read.parts[keys], sharpness=SETTINGS.sharpness, minus=SETTINGS.minus)
    return keys[np.argsort(-scores.total, kind="stable")[:K]]


if __name__ == "__main__":
    main()
