"""Two models on the same queries: how far apart they are, and whether the distance is more than chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sherd.errors import InvalidArgument
from sherd.evaluation.labels import MODEL, SMALL_LABEL
from sherd.evaluation.naming import NAMED
from sherd.evaluation.report import Measured
from sherd.evaluation.statistics import CALIBRATION, LOCALISATION, NAMING, RETRIEVAL
from sherd.evaluation.table import Drawn, Figure, QueryTable, Statistic, drawn, figure_of
from sherd.metrics.bootstrap import Resampling, Values, ratios

_SEEDS = 1
"""Seed of the drawing of runs, apart from that of queries."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both, over the queries that both answered.

    figure: as in the report's JSON, for example `retrieval.text_to_image.r@1`. difference: a less b, ratio: a over b,
    each with its interval; ratio is None where b is 0.
    """

    figure: str
    a: float
    b: float
    difference: Figure
    ratio: Figure | None

    @property
    def decided(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        return self.difference.low > 0 or self.difference.high < 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "a": round(self.a, 4),
            "b": round(self.b, 4),
            "difference": self.difference.as_dict(),
            "ratio": self.ratio and self.ratio.as_dict(),
            "decided": self.decided,
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """All figures of both. same_data: whether pictures, texts and regions are the same to the byte.

    Where they are not, ranks come from galleries that differ, and only figures of labels can be compared fairly.
    """

    a: str
    b: str
    same_data: bool
    runs: tuple[int, int]
    figures: tuple[Comparison, ...]

    def as_dict(self) -> dict[str, Any]:
        """The form of `sherd evaluate --against --json`, under `against`."""
        return {
            "a": self.a,
            "b": self.b,
            "same_data": self.same_data,
            "runs": list(self.runs),
            "figures": {one.figure: one.as_dict() for one in self.figures},
        }


def compare(a: Measured | Sequence[Measured], b: Measured | Sequence[Measured]) -> Compared:
    """What a has over b, figure by figure, over the queries that are in all reports.

    Args:
        a, b: a report each, or several: runs of one recipe with several seeds on the same data. Then the mean over runs
            is compared, and runs are drawn again too, those of a apart from those of b.
    Raises:
        InvalidArgument: a side has no report, or there is no query that all reports share.
    """
    sides = tuple([side] if isinstance(side, Measured) else list(side) for side in (a, b))
    everyone = [report for side in sides for report in side]
    if not all(sides):
        raise InvalidArgument("each side of a comparison needs at least one report")
    found: list[Comparison] = []
    for prefix, table, system, statistics in _asked(everyone):
        tables = _common([report.tables[table] for report in everyone], system)
        if not len(tables[0]):
            continue
        if prefix.endswith(".small"):
            small = np.nonzero(tables[0].systems[system][SMALL_LABEL] == 1)[0]
            tables = [one.rows(small) for one in tables]
        first, second = tables[: len(sides[0])], tables[len(sides[0]) :]
        found += _compared(prefix, first, second, system, statistics)
    if not found:
        raise InvalidArgument("the reports have no query in common, so there is nothing to compare")
    return Compared(
        a=_name(sides[0]),
        b=_name(sides[1]),
        same_data=len({report.sha256 for report in everyone}) == 1,
        runs=(len(sides[0]), len(sides[1])),
        figures=tuple(found),
    )


def _asked(reports: Sequence[Measured]) -> list[tuple[str, str, str, Sequence[Statistic]]]:
    """Prefix of the figures, table, system and statistics, of what every report has."""
    blocks: list[tuple[str, str, str, Sequence[Statistic]]] = [
        (f"{system}.{way}", way, system, RETRIEVAL)
        for system in ("retrieval", "retrieval_object_only")
        for way in ("text_to_image", "image_to_text")
    ]
    blocks += [(f"{MODEL}.{row}", "labels", MODEL, LOCALISATION) for row in ("all", "small")]
    facets = [name.partition(".")[2] for name in reports[0].tables if name.startswith(f"{NAMED}.")]
    blocks += [(f"{NAMED}.{facet}", f"{NAMED}.{facet}", NAMED, NAMING) for facet in facets]
    blocks += [(f"calibration.{facet}", f"{NAMED}.{facet}", NAMED, CALIBRATION) for facet in facets]
    return [
        block
        for block in blocks
        if all(block[1] in report.tables and block[2] in report.tables[block[1]].systems for report in reports)
    ]


def _common(tables: Sequence[QueryTable], system: str) -> list[QueryTable]:
    """The tables of one system cut down to what all have, in one order; what one does not know counts for none.

    Names that repeat are told apart by their turn.
    """
    places = [{name: n for n, name in enumerate(_numbered(table))} for table in tables]
    shared = [name for name in places[0] if all(name in other for other in places)]
    cut = [
        table.rows(np.array([where[name] for name in shared], np.int64))
        for table, where in zip(tables, places, strict=True)
    ]
    known = {
        name: np.logical_and.reduce([~np.isnan(table.systems[system][name]) for table in cut])
        for name in cut[0].systems[system]
        if all(name in table.systems[system] for table in cut)
    }
    return [
        replace(
            table,
            systems={system: {name: np.where(of, table.systems[system][name], np.nan) for name, of in known.items()}},
        )
        for table in cut
    ]


def _numbered(table: QueryTable) -> list[tuple[str, str, int]]:
    turn: Counter[tuple[str, str]] = Counter()
    names = []
    for name in zip(table.query, table.object, strict=True):
        names.append((*name, turn[name]))
        turn[name] += 1
    return names


def _compared(
    prefix: str,
    first: Sequence[QueryTable],
    second: Sequence[QueryTable],
    system: str,
    statistics: Sequence[Statistic],
) -> list[Comparison]:
    ours = [drawn(table, system, statistics) for table in first]
    theirs = [drawn(table, system, statistics) for table in second]
    found = []
    for one in statistics:
        if not all(one.name in run for run in (*ours, *theirs)):
            continue
        a, drawn_a = _over_runs([run[one.name] for run in ours], seed=_SEEDS)
        b, drawn_b = _over_runs([run[one.name] for run in theirs], seed=_SEEDS + 1)
        of, n = ours[0][one.name].resampling, ours[0][one.name].n
        ratio = figure_of(of.interval(a / b, ratios(drawn_a, drawn_b)), n) if b else None
        found.append(
            Comparison(f"{prefix}.{one.name}", a, b, figure_of(of.interval(a - b, drawn_a - drawn_b), n), ratio)
        )
    return found


def _over_runs(runs: Sequence[Drawn], *, seed: int) -> tuple[float, Values]:
    """The mean over runs, and the same in each draw over the runs that it takes."""
    taken = np.concatenate(list(Resampling(len(runs), draws=runs[0].resampling.draws, seed=seed).weights()))
    values = np.stack([run.values for run in runs], 1)  # (draws, runs)
    return float(np.mean([run.point for run in runs])), np.asarray((values * taken).sum(1) / taken.sum(1))


def _name(side: Sequence[Measured]) -> str:
    return ", ".join(
        dict.fromkeys(f"{report.model.get('name')} ({report.model.get('fingerprint', '')[:12]})" for report in side)
    )
