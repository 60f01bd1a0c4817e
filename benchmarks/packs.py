"""Can real collections be read and asked? `python benchmarks/packs.py --out DIR`.

Every pack below SHERD_SHARED (default ../shared) goes into one library by `sherd ingest`; memory is looked at ten times
a second. Then texts, pictures and boxes are asked for, and a contact sheet of each answer is left in DIR to look at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from provenance import outside, write

PACKS = ("byzart_icons", "getty_catalogues", "iconart_parts", "kamon_crests", "open_museum_small", "zh_relics_shaanxi")
TEXTS = (
    "halo around the head of a saint",
    "an open book",
    "Mary with the child",
    "a horse and rider on a vase",
    "black-figure vase with two warriors",
    "amber pendant in the form of a head",
    "woven textile fragment with medallions",
    "a crest of three leaves in a circle",
    "三足铜鼎",
    "饕餮纹",
    "壁画人物",
    "金饰",
)
PICTURES = (
    "byzart_icons/images/00007330-1-1526x2048_jpg.jpg",
    "getty_catalogues/images/cva10-1-86AE205-front.jpg",
    "kamon_crests/images/img_292_crest_001.jpg",
    "open_museum_small/images/coptic-1.jpg",
    "zh_relics_shaanxi",
)
BOXES = (
    ("byzart_icons", "aura"),
    ("byzart_icons", "book"),
    ("iconart_parts", "Baby"),
    ("byzart_icons", "cross"),
    ("iconart_parts", "Mary"),
)


def main() -> None:
    """Ingest, ask, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a new folder for the library and the sheets")
    out = parser.parse_args().out
    packs = outside().resolve() / "packs"
    library = out / "library"
    out.mkdir(parents=True)
    rows = [ingest(packs / name, library) for name in PACKS]
    for row in rows:
        print(
            f"{row['pack']:<20} seen {row['seen']:>5}  added {row['added']:>5}  updated {row['updated']:>5}  rejected "
            f"{row['rejected']:>3}  {row['pictures']:>5} pictures  {row['pictures_per_s']:>6.1f}/s  parent "
            f"{row['parent_mib']:.0f} MiB  worker {row['worker_mib']:.0f} MiB"
        )
    questions: list[list[str]] = [[text] for text in TEXTS]
    questions += [["--image", str(picture(packs, name))] for name in PICTURES]
    questions += [boxed(packs, pack, label) for pack, label in BOXES]
    asked = [ask(question, library, out / f"{n:02d}.png", packs) for n, question in enumerate(questions, 1)]
    for row in asked:
        print(f"{row['sheet']}  {row['total_ms']:7.1f} ms  {' '.join(row['question'])}")
        print("        " + " | ".join(row["titles"][:5]))
    print(write("packs", "Can real collections be read and asked?", {"ingest": rows, "searches": asked}))


def ingest(pack: Path, library: Path) -> dict[str, Any]:
    """One `sherd ingest`, with the highest memory of the parent and of its largest worker."""
    started = time.monotonic()
    process = subprocess.Popen([*sherd(), "ingest", str(pack), "--library", str(library), "--json"],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    parent, worker = 0.0, 0.0
    seen = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            parent = max(parent, seen.memory_info().rss / 2**20)
            worker = max([worker, *(child.memory_info().rss / 2**20 for child in seen.children(recursive=True))])
        except psutil.Error:
            pass
        time.sleep(0.1)
    assert process.stdout is not None
    report = json.loads(process.stdout.read().splitlines()[-1])
    seconds = time.monotonic() - started
    return {
        "pack": pack.name,
        **{name: report[name] for name in ("seen", "added", "updated", "unchanged", "rejected", "pictures")},
        "seconds": round(seconds, 2),
        "pictures_per_s": round(report["pictures"] / report["seconds"], 1),
        "parent_mib": round(parent),
        "worker_mib": round(worker),
    }


def ask(question: list[str], library: Path, sheet: Path, packs: Path) -> dict[str, Any]:
    """One `sherd search`; its sheet lies at `sheet`. Pictures are told by their place in the packs."""
    command = [*sherd(), "search", *question, "--library", str(library), "--json", "--sheet", str(sheet)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    return {
        "question": [word.removeprefix(f"{packs}/") for word in question],
        "sheet": sheet.name,
        "total_ms": answer["timing_ms"]["total"],
        "titles": [hit["title"][:60] for hit in answer["hits"]],
        "records": [hit["record_id"] for hit in answer["hits"]],
    }


def picture(packs: Path, name: str) -> Path:
    """The picture itself, or the first of a pack."""
    found = packs / name
    return found if found.is_file() else sorted((found / "images").iterdir())[0]


def boxed(packs: Path, pack: str, label: str) -> list[str]:
    """The options that ask for the largest region of that label in the pack."""
    best: tuple[float, list[str]] = (0.0, [])
    for line in (packs / pack / "records.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        wide, high = record["width"], record["height"]
        for region in record.get("regions", []):
            x, y, w, h = (v / side for v, side in zip(region["bbox"], (wide, high, wide, high), strict=True))
            if region["label"] == label and best[0] < w * h < 0.2 and x >= 0 and y >= 0 and x + w <= 1 and y + h <= 1:
                box = ",".join(f"{v:.4f}" for v in (x, y, w, h))
                best = (w * h, ["--image", str(packs / pack / record["image"]), "--box", box])
    return best[1]


def sherd() -> list[str]:
    """The command line of this environment."""
    return [sys.executable, "-c", "from sherd.cli import main; main()"]


if __name__ == "__main__":
    main()
