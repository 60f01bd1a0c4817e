"""How many relics are drawn a second on one core, for each shipped culture? `python benchmarks/render.py`.

A run draws the pictures, words and regions and writes the JPEG files, as `sherd render` does with one worker. Seconds
are of the processor, so that a neighbour on the machine does not count; seconds of the clock are told beside them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from provenance import write

from sherd.relics import load_culture, render_pack, shipped_cultures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=200, help="pictures a run")
    parser.add_argument("--runs", type=int, default=5, help="runs for each culture; the median counts")
    parser.add_argument("--size", type=int, default=160, help="height and width in pixels")
    parser.add_argument("--masks", action="store_true", help="write the masks too")
    given = parser.parse_args()
    rows = [_measure(name, given.count, given.runs, given.size, masks=given.masks) for name in shipped_cultures()]
    print(f"{'culture':<18}{'a second a core':>16}{'least':>8}{'most':>8}{'by the clock':>14}")
    for row in rows:
        print(
            f"{row['culture']:<18}{row['per_second_a_core']:>16.1f}{row['least']:>8.1f}{row['most']:>8.1f}"
            f"{row['per_second_by_the_clock']:>14.1f}"
        )
    print(write("render", "pictures a second a core", {"rows": rows}))


def _measure(name: str, count: int, runs: int, size_px: int, *, masks: bool) -> dict[str, Any]:
    culture = load_culture(name)
    by_core, by_clock = [], []
    # Run 0 fills the caches of noise and motif tiles, and is not counted.
    for run in range(runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            cpu, clock = time.process_time(), time.perf_counter()
            render_pack([culture], count, run, Path(folder), size_px=size_px, masks=masks)
            if run:
                by_core.append(count / (time.process_time() - cpu))
                by_clock.append(count / (time.perf_counter() - clock))
    return {
        "culture": name,
        "per_second_a_core": round(statistics.median(by_core), 1),
        "least": round(min(by_core), 1),
        "most": round(max(by_core), 1),
        "per_second_by_the_clock": round(statistics.median(by_clock), 1),
    }


if __name__ == "__main__":
    main()
