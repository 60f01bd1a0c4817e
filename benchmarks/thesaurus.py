"""How long does a thesaurus take to come in, and to be looked up in? `python benchmarks/thesaurus.py`.

Iconclass is taken from the folder of outside material (SHERD_SHARED, by default ../shared), where there is one. A
thesaurus of the AAT's size is made here: words of random syllables, used by Zipf's law, in labels of one to three;
every tenth concept has two broader ones. Imports are runs of the command itself, each in a process of its own. Beside
the time that passed stands the time of a processor, which other work on the machine does not lengthen much.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from provenance import outside, write

from sherd.catalogue import concepts
from sherd.ingest.library import Library

SYLLABLES = tuple(a + b for a in ("b", "br", "c", "d", "dr", "f", "g", "k", "l", "m", "n", "p", "s", "st", "t", "v")
                  for b in ("a", "e", "i", "o", "u", "an", "el", "in", "or", "us"))  # fmt: skip
LATIN = ("en", "nl", "es", "de")
CHINESE = ("zh-Hans", "zh-Hant")
WORDS = 60_000
RUN = "from sherd.cli import main; main()"
BASE = "http://vocab.example/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--concepts", type=int, default=75_000)
    parser.add_argument("--labels", type=int, default=500_000)
    parser.add_argument("--lookups", type=int, default=1_000, help="of each kind")
    given = parser.parse_args()
    iconclass = outside() / "thesauri" / "iconclass"
    imports: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if iconclass.is_dir():
            imports.append(_import("Iconclass, six languages", iconclass, folder / "iconclass"))
        size = f"{given.concepts:,} concepts, {given.labels:,} labels"
        synthetic = folder / "synthetic.ttl"
        for seed, name in enumerate((size, f"{size}, in the place of another")):
            labels = _write(synthetic, given.concepts, given.labels, seed=seed)
            imports.append(_import(name, synthetic, folder / "library"))
        lookups = _lookups(folder / "library", labels, given.lookups)
    for row in imports:
        took = f"{row['seconds']:>7.1f} s ({row['processor_seconds']:.1f} s of a processor)"
        print(f"{row['thesaurus']:<60}{took}{row['peak_mib']:>6.0f} MiB{row['library_mib']:>6.0f} MiB on disk")
    for row in lookups:
        of_processor = f"({row['processor_median_ms']:.2f} and {row['processor_p95_ms']:.2f} ms of a processor)"
        print(f"{row['looked_up']:<40}{row['median_ms']:>7.2f} ms, p95 {row['p95_ms']:.2f} ms {of_processor}")
    print(write("thesaurus", "seconds and memory of an import, milliseconds of a look-up",
                {"imports": imports, "lookups": lookups}))  # fmt: skip


def _import(name: str, path: Path, library: Path) -> dict[str, Any]:
    start = time.monotonic()
    command = [sys.executable, "-c", RUN, "thesaurus", "import", str(path), "--library", str(library)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    size = (library / "catalogue.sqlite").stat().st_size
    seconds = round(time.monotonic() - start, 1)
    row = {"thesaurus": name, "seconds": seconds, "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1)}
    return row | {"peak_mib": round(peak / 2**20), "library_mib": round(size / 2**20)}


def _write(path: Path, count: int, labels: int, *, seed: int) -> list[str]:
    """A SKOS file with `count` concepts and `labels` labels; gives the labels in Latin letters."""
    rng = np.random.default_rng(seed)
    vocabulary = _vocabulary(seed)
    share = 1 / (np.arange(WORDS) + 2.7)  # Zipf's law in Mandelbrot's form: the first word is in 5 % of the labels
    words = iter(rng.choice(WORDS, labels * 3, p=share / share.sum()).tolist())
    said: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        file.write("@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n")
        for n in range(count):
            own = labels // count + (n < labels % count)
            file.write(f'<{BASE}{n}> a skos:Concept; skos:inScheme <{BASE}>; skos:notation "{n}"')
            for one in sorted({*_broader(rng, n)}):
                file.write(f"; skos:broader <{BASE}{one}>")
            for k in range(own):
                tags = (*LATIN[:2], *CHINESE, *LATIN[2:])
                tag = tags[k % len(tags)]
                kind = "prefLabel" if k < len(tags) else "altLabel"
                label = _chinese(rng) if tag in CHINESE else " ".join(
                    vocabulary[next(words)] for _ in range(rng.integers(1, 4))
                )  # fmt: skip
                label += f" {n}" if k >= len(tags) else ""
                if tag not in CHINESE:
                    said.append(label)
                file.write(f'; skos:{kind} "{label}"@{tag}')
            file.write(" .\n")
    return said


def _broader(rng: np.random.Generator, n: int) -> Iterator[int]:
    """Numbers of broader concepts, always smaller ones, so that there is no circle."""
    if n >= 8:
        yield int(rng.integers(n // 12, max(n // 6, n // 12 + 1)))
        if n % 10 == 0:
            yield int(rng.integers(0, n))


def _vocabulary(seed: int) -> list[str]:
    rng = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < WORDS:
        words["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4)))] = None
    return list(words)


def _chinese(rng: np.random.Generator) -> str:
    return "".join(chr(0x4E00 + int(code)) for code in rng.integers(0, 6_000, rng.integers(2, 6)))


def _lookups(folder: Path, labels: list[str], count: int) -> list[dict[str, Any]]:
    rng = random.Random(0)

    def slip(label: str) -> str:
        place = rng.randrange(len(label))
        return label[:place] + rng.choice("aeiou") + label[place + 1 :]

    kinds: dict[str, Callable[[], str]] = {
        "a label": lambda: rng.choice(labels),
        "the first half of a label": lambda: (label := rng.choice(labels))[: max(2, len(label) // 2)],
        "a label with one wrong character": lambda: slip(rng.choice(labels)),
        "one word of a label": lambda: rng.choice(rng.choice(labels).split()),
        "two Chinese characters": lambda: "".join(chr(0x4E00 + rng.randrange(6_000)) for _ in range(2)),
        "what is no label": lambda: "".join(rng.choice(SYLLABLES) for _ in range(5)),
    }
    rows = []
    with Library.open(folder) as library:
        database = library.catalogue.database
        concepts.search(database, "a first one, for what is loaded once")
        for name, ask in kinds.items():
            times = []
            for _ in range(count):
                wanted = ask()
                start = np.array([time.perf_counter(), time.process_time()])
                concepts.search(database, wanted, limit=10)
                times.append(1000 * (np.array([time.perf_counter(), time.process_time()]) - start))
            median, p95 = np.percentile(times, [50, 95], axis=0).round(2).tolist()
            row = {"looked_up": name, "lookups": count, "median_ms": median[0], "p95_ms": p95[0]}
            rows.append(row | {"processor_median_ms": median[1], "processor_p95_ms": p95[1]})
    return rows


if __name__ == "__main__":
    main()
