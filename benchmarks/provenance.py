"""Where a number comes from: written with every result."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sherd.metrics.bootstrap import Interval

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MODELS = ROOT / "src" / "sherd" / "encoder" / "models"


def outside() -> Path:
    """The folder of outside material: SHERD_SHARED, or `shared` beside the repository."""
    return Path(os.environ.get("SHERD_SHARED", ROOT.parent / "shared"))


def write(name: str, question: str, result: dict[str, Any]) -> Path:
    """Writes results/DATE-NAME.json with the command, the machine, the commit and the date in front; gives its path."""
    now = datetime.now(UTC)
    head = {
        "question": question,
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_placeless, sys.argv[1:])]),
        "machine": machine(),
        "commit": commit(),
        "date": now.isoformat(timespec="seconds"),
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{now:%Y-%m-%d}-{name}.json"
    file.write_text(json.dumps(head | result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file.relative_to(ROOT)


def told(found: Interval) -> dict[str, float]:
    """A figure and its bounds, as they are written."""
    return {name: round(value, 4) for name, value in (("mean", found.mean), ("low", found.low), ("high", found.high))}


def _placeless(word: str) -> str:
    """A path of this machine says nothing to others."""
    return "DIR" if word.startswith("/") else word


def machine() -> str:
    """Processor, cores (that this process may use, of all), system and Python."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    every = os.cpu_count()
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else every
    cores = f"{every} cores" if mine == every else f"{mine} of {every} cores"
    return f"{model}, {cores}, {platform.system()}, Python {platform.python_version()}"


def commit() -> str:
    """The commit that is checked out, or 'unknown'."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=ROOT
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
