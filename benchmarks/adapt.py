"""What do heads of a collection's own bring over a frozen backbone? `python benchmarks/adapt.py [BACKBONE]`.

Each pack below SHERD_SHARED (default ../shared) is read into a library of its own; `sherd adapt` trains heads on its
training records, over the backbone (by default the ViT-Tiny of SHERD_SHARED/weights, whose texts the built-in model
reads). Held-out records are asked through the search that serves users: before (heads that move nothing; over a ViT
that is the ridge map from its class token to the texts, fitted on the same records), after, and by the built-in model
alone. Labels are pointed at beside those who do not look. Figures have 95 % intervals, differences are paired.

With --timing, only: how long do training steps take over features of the size that a base model of a hub has?
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from provenance import outside, write

from sherd.encoder import BUILTIN, load_encoder
from sherd.encoder.toy import ToyEncoder
from sherd.evaluation.compare import compare
from sherd.evaluation.harness import evaluate
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.training.adapt import FEATURES, AdaptSettings, adapt

PACKS = (
    ("kamon_crests", "heldout"),
    ("getty_catalogues", "heldout"),
    ("byzart_icons", "valid"),
    ("iconart_parts", "test"),
)
VIT = "weights/vit_tiny_patch16_224_in21k_ft_in1k.fp16.safetensors"


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbone", nargs="?", help="as `sherd adapt --backbone`")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--packs", nargs="*", default=[name for name, _ in PACKS])
    parser.add_argument("--keep", type=Path, help="folder of libraries that are kept, with their features")
    parser.add_argument("--timing", type=int, default=0, metavar="PICTURES")
    given = parser.parse_args()
    if given.timing:
        print(write("adapt-timing", "How long does training heads take?", timing(given.timing)))
        return
    shared = outside()
    backbone = given.backbone or str(shared / VIT)
    found = {}
    with tempfile.TemporaryDirectory(prefix="sherd-bench-") as place:
        os.environ["SHERD_MODELS"] = str(Path(place) / "models")
        for name, split in PACKS:
            pack = shared / "packs" / name
            if name in given.packs and pack.is_dir():
                library = (given.keep or Path(place)) / name
                found[name] = measured(pack, split, backbone, library, given.seeds)
                show(name, found[name])
    called = "vit-tiny" if given.backbone is None else Path(backbone).name
    some = [] if len(given.packs) == len(PACKS) else [name.split("_")[0] for name in given.packs]
    result = {
        "backbone": called,
        "threads": torch.get_num_threads(),
        "settings": dataclasses.asdict(AdaptSettings()),
        "packs": found,
    }
    question = "What do heads of a collection's own bring over a frozen backbone?"
    print(write("-".join(["adapt", called, *some]), question, result))


def measured(pack: Path, split: str, backbone: str, library: Path, seeds: int) -> dict[str, Any]:
    """One pack: what training cost, and the figures before and after with their paired differences.

    seconds_features is None where the library kept them from another run.
    """
    fresh = not (library / FEATURES).exists()
    with Library.open(library, create=True) as there, there.writer(), DecoderPool(1) as pool:
        Ingest(there, open_source(pack), ToyEncoder(), pool).run()
    first = adapt(library, backbone, name="before", settings=AdaptSettings(steps=0), overwrite=True)
    before = evaluate(load_encoder("before"), pack, split=split)
    builtin = evaluate(load_encoder(BUILTIN), pack, split=split)
    runs = []
    for seed in range(seeds):
        done = adapt(library, backbone, name=f"after-{seed}", settings=AdaptSettings(seed=seed), overwrite=True)
        after = evaluate(load_encoder(f"after-{seed}"), pack, split=split)
        runs.append(
            {
                "seed": seed,
                "adapted": dataclasses.asdict(done) | {"folder": "", "backbone": "", "seconds_features": None},
                "after": after.as_dict(queries=False),
                "after_less_before": compare(after.measured, before.measured).as_dict()["figures"],
            }
        )
    reports = {"before": before.as_dict(queries=False), "builtin": builtin.as_dict(queries=False), "runs": runs}
    for report in (reports["before"], reports["builtin"], *(run["after"] for run in runs)):
        report["data"]["path"] = pack.name
    return {"split": split, "seconds_features": first.seconds_features if fresh else None, **reports}


def timing(pictures: int) -> dict[str, Any]:
    """Seconds a step of heads over features as wide as a base model's (768, 16 x 16 cells), of chance content."""
    from sherd.catalogue.catalogue import StoredPicture
    from sherd.model.adapter import Adapter, AdapterSettings
    from sherd.training.adapting import Material, Temperatures, make_batch, objective
    from sherd.training.corpus import Example, PhraseTarget
    from sherd.training.features import PictureFeatures
    from sherd.training.holdings import TRAIN, Holding
    from sherd.types import Picture

    class Wide:
        name, fingerprint, looks_fingerprint, shared, taps, side, plain = "wide", "00", "00", True, 4, 16, None
        whole_dim = text_dim = tap_dim = 768

        def look(self, some: list[Picture]) -> Any:
            from sherd.encoder.tapped import Looks

            n = len(some)
            chance = torch.Generator().manual_seed(n)
            patches = torch.nn.functional.normalize(torch.randn(n, 16, 16, 768, generator=chance), dim=-1)
            taps = torch.randn(n, 16, 16, 4, 768, generator=chance)
            return Looks(patches[:, 0, 0].numpy(), list(patches.numpy()), list(taps.numpy()))

    backbone: Any = Wide()
    with tempfile.TemporaryDirectory(prefix="sherd-bench-") as place:
        features = PictureFeatures(backbone, Path(place), reduced=192)
        names = [f"{n:064x}" for n in range(pictures)]
        features.add(names, lambda name: torch.zeros(8, 8, 3, dtype=torch.uint8).numpy(), lambda done, of: None)
        size = sum(path.stat().st_size for path in Path(place).iterdir())
        words = {f"term {n}": torch.randn(768) for n in range(500)}
        rows = [
            Holding(name, StoredPicture(n, name, 8, 8, ""), TRAIN, Example(name, "library", (f"term {n % 500}",), (
                PhraseTarget(f"term {n % 400}", f"term {n % 400}"), PhraseTarget(f"term {n % 7}", f"term {n % 7}"))))
            for n, name in enumerate(names)
        ]  # fmt: skip
        heads = Adapter(AdapterSettings(768, 768, 4, 768, shared=True, width=256, slots=16)).train()
        temperatures = Temperatures()
        optimizer = torch.optim.AdamW(heads.parameters(), lr=1e-4)
        steps = 20
        started, used = time.monotonic(), time.process_time()
        for step in range(steps):
            batch = make_batch(rows, batch=AdaptSettings().batch, side=features.side, seed=0, step=step)
            loss, _ = objective(heads, temperatures, batch, Material(rows, features, words))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        seconds, used = (time.monotonic() - started) / steps, (time.process_time() - used) / steps
    found = {
        "pictures": pictures,
        "bytes_a_picture": size // pictures,
        "parameters": sum(p.numel() for p in heads.parameters()),
        "seconds_a_step": round(seconds, 3),
        "processor_seconds_a_step": round(used, 3),
        "seconds_of_600_steps": round(600 * seconds),
        "threads": torch.get_num_threads(),
    }
    print("  ".join(f"{name} {value}" for name, value in found.items()))
    return found


def show(name: str, found: dict[str, Any]) -> None:
    """A table of one pack."""
    print(f"{name}, {found['split']}: {found['before']['data']['pictures']} pictures")
    rows = [("before", found["before"]), ("builtin", found["builtin"])]
    rows += [(f"after, seed {run['seed']}", run["after"]) for run in found["runs"]]
    for who, report in rows:
        for way, figures in (report["retrieval"] or {}).items():
            print(f"  {who:<14} {way.replace('_', ' '):<14} {row(figures)}")
        for which, figures in (report["localisation"] or {}).items():
            print(f"  {who:<14} {'labels, ' + which:<14} {row(figures)}")
    chance = found["before"]["chance"]
    for way, figures in (chance["retrieval"] or {}).items():
        print(f"  {'chance':<14} {way.replace('_', ' '):<14} {row(figures)}")
    for blind, figures in ((chance["localisation"] or {}).get("all") or {}).items():
        print(f"  {blind.replace('_', ' '):<14} {'labels, all':<14} {row(figures)}")
    for run in found["runs"]:
        print(f"  kept after {run['adapted']['step']} steps, shares {run['adapted']['shares']}, "
              f"{run['adapted']['seconds_training']} s; features {found['seconds_features']} s")  # fmt: skip
        for figure, one in run["after_less_before"].items():
            if one["decided"]:
                d = one["difference"]
                print(f"    {figure} {d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]")


def row(figures: dict[str, dict[str, Any]]) -> str:
    """Values of some figures in a line."""
    return "  ".join(f"{name} {one['value']:.3f}" for name, one in figures.items() if one["value"] is not None)


if __name__ == "__main__":
    main()
