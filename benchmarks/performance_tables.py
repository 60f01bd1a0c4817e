"""The tables of docs/performance.md, from the JSON reports; `make results` fills them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from reading import markdown, not_run, reports_of

_LARGE = 1_000_000


def engines_table() -> str:
    """Every engine at equal recall, at every size that was run, the last run of each."""
    reports = {report["n"]: report for report in reports_of("*-vectors-*.json")}
    if not reports:
        return not_run("vectors")
    return "\n\n".join(_engines(reports[size]) for size in sorted(reports, reverse=True))


def _engines(report: dict[str, Any]) -> str:
    rows = [["engine", "recall@10 asked", "found", "clients", "p50 / p95 / p99 ms", "queries a second"]]
    for row in report["rows"]:
        if row["step"] == "not reached":
            rows.append([row["engine"], str(row["target"]), f"not reached, at most {row['recall']}", "", "", ""])
            continue
        rows.append([row["engine"], str(row["target"]), str(row["recall"]), *_served(row)])
    costs = [["engine", "build s", "peak MiB of building", "MiB resident", "MiB on disk", ""]]
    for name, cost in report["engines"].items():
        figures = (str(cost.get(key, "")) for key in ("build_s", "build_rss_mib", "rss_mib", "disk_mib"))
        costs.append([name, *figures, cost.get("failed", "")])
    of = report.get("of", "made by collection.py")
    return f"{_from(report)} Vectors: {of}.\n\n{markdown(rows)}\n\n{markdown(costs)}"


def _served(row: dict[str, Any]) -> list[str]:
    """Clients, times and searches a second."""
    times = " / ".join(str(row[key]) for key in ("p50_ms", "p95_ms", "p99_ms"))
    return [str(row["clients"]), times, str(row["qps"])]


def living_table() -> str:
    """Filters, deletions, tail."""
    report = _largest("*-living-*.json")
    if report is None:
        return not_run("living")
    rows = [["state", "vectors", "recall@10", "p50 ms", "p95 ms"]]
    for row in report["rows"]:
        rows.append([str(row[key]) for key in ("state", "vectors", "recall_at_10", "p50_ms", "p95_ms")])
    growing = report["growing"]
    told = (
        f"While {growing['added']:,} were added in {growing['seconds']} s: p50 {growing['p50_ms']} ms, "
        f"p95 {growing['p95_ms']} ms."
    )
    return f"{_from(report)}\n\n{markdown(rows)}\n\n{told}"


def large_table() -> str:
    """All sizes of `hundred_million.py` that were run, the last of each."""
    reports = sorted(
        {report["n"]: report for report in reports_of("hundred_million-*.json")}.values(), key=lambda one: one["n"]
    )
    if not reports:
        return not_run("hundred_million")
    rows = [["vectors", "build s", "GiB resident", "GiB on disk", "recall@10", "clients", "p50 / p95 / p99 ms", "qps"]]
    for report in reports:
        head = [f"{report['n']:,}", str(report["build_s"]), str(report["rss_gib"]), str(report["disk_gib"])]
        for row in report["rows"]:
            rows.append([*head, str(row["recall_at_10"]), *_served(row)])
            head = [""] * 4
        if whole := report["end_to_end"]:
            for one in (whole, *whole.get("fewer", ())):
                rows.append([*head, f"text to hits, {one['rerank']} candidates", *_served(one)])
                head = [""] * 4
    left_out = "; ".join(reports[-1]["left_out"])
    return f"{_from(reports[-1])}\n\n{markdown(rows)}\n\nLeft out: {left_out}.\n\n{_growth(reports)}"


def _growth(reports: Sequence[dict[str, Any]]) -> str:
    """What a search and a vector cost, from size to size, and the exponent of the time of a search."""
    rows = [["vectors", "p50 ms at recall .95", "at .97", "bytes resident a vector", "us to build a vector"]]
    found: dict[float, list[tuple[int, float]]] = {0.95: [], 0.97: []}
    for report in reports:
        times = []
        for recall, points in found.items():
            p50 = _p50_at(report, recall)
            times.append("" if p50 is None else f"{p50:.2f}")
            if p50 is not None and report["n"] >= _LARGE:
                points.append((report["n"], p50))
        per = (report["rss_gib"] * (1 << 30) / report["n"], report["build_s"] * 1e6 / report["n"])
        rows.append([f"{report['n']:,}", *times, f"{per[0]:.0f}", f"{per[1]:.0f}"])
    told = [
        f"at recall {recall} with the power {_exponent(points):.2f} of the size"
        for recall, points in found.items()
        if len(points) > 1
    ]
    return markdown(rows) + (f"\n\nFrom a million on p50 of one client grows {', '.join(told)}." if told else "")


def _p50_at(report: dict[str, Any], recall: float) -> float | None:
    """Of one client, between the two settings on either side of the recall; None beyond the settings."""
    alone = sorted((row["recall_at_10"], row["p50_ms"]) for row in report["rows"] if row["clients"] == 1)
    recalls, times = [one[0] for one in alone], [one[1] for one in alone]
    return float(np.interp(recall, recalls, times)) if recalls and recalls[0] <= recall <= recalls[-1] else None


def _exponent(points: Sequence[tuple[int, float]]) -> float:
    sizes, times = np.log(np.array(points, np.float64)).T
    return float(np.polyfit(sizes, times, 1)[0])


def candidates_table() -> str:
    """How many candidates re-ranking needs."""
    report = _largest("*-candidates.json")
    if report is None:
        return not_run("candidates")
    rows = [["asked for", "relics", "candidates", "of the nearest objects", "of the nearest parts", "of both"]]
    for row in report["rows"]:
        recalls = (f"{row[name]:.3f}" for name in ("objects", "parts", "both"))
        rows.append([row["asked"], f"{row['relics']:,}", str(row["candidates"]), *recalls])
    return f"{_from(report)}\n\n{markdown(rows)}"


def kills_table() -> str:
    """What killed writers lost."""
    report = _largest("*-index-kills.json")
    if report is None:
        return not_run("index_kills")
    rows = [["writer", "kills", "acknowledged vectors", "promises broken", "worst recall@10"]]
    for row in report["rows"]:
        rows.append([str(row[key]) for key in ("writer", "kills", "acknowledged", "violations", "worst_recall")])
    return f"{_from(report)}\n\n{markdown(rows)}"


TABLES: dict[str, Callable[[], str]] = {
    "engines": engines_table,
    "living": living_table,
    "large": large_table,
    "candidates": candidates_table,
    "index_kills": kills_table,
}


def _largest(pattern: str) -> Any:
    """The last report of the largest size."""
    return max(reports_of(pattern), key=lambda report: (report.get("n", 0), report["date"]), default=None)


def _from(report: dict[str, Any]) -> str:
    size = f"{report['n']:,} vectors; " if "n" in report else ""
    return f"{size}{report['machine']}; commit {report['commit']}, {report['date'][:10]}."
