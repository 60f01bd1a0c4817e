"""Reports back out of benchmarks/results, and tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from provenance import RESULTS

from sherd.metrics.bootstrap import Interval


def reports_of(pattern: str) -> list[dict[str, Any]]:
    """All reports of this name, by file name."""
    return [json.loads(file.read_text("utf-8")) for file in sorted(RESULTS.glob(pattern))]


def last(name: str) -> Any:
    """The newest report that `provenance.write` made under this name; None if there is none."""
    files = sorted(RESULTS.glob(f"*-{name}.json"))
    return json.loads(files[-1].read_text("utf-8")) if files else None


def not_run(name: str) -> str:
    """What stands where a table is to be."""
    return f"`python benchmarks/{name}.py` has not been run."


def with_bounds(found: Interval) -> str:
    """A figure and its interval."""
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def gap_with_bounds(mean: float, low: float, high: float, digits: int = 3) -> str:
    """A difference and its interval, with their signs."""
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its head."""
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *body])
