"""What was measured of each query, and figures with intervals made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sherd.metrics.bootstrap import Interval, Resampling, Values

DECIMALS = 6
"""Values a query are rounded to this, so that a report read back gives the same figures to the last digit."""

Columns = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval over n queries. A bound that nothing tells is NaN; one may be infinite."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int | None]:
        bounds = {"value": self.value, "low": self.low, "high": self.high}
        return {**{name: round(one, 4) if np.isfinite(one) else None for name, one in bounds.items()}, "n": self.n}


Figures = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class QueryTable:
    """Queries of one kind, and what each system scored on them.

    query: their names. object: whom each is about; in drawing again, the queries of one object stay together.
    group: the language or the label; a figure may be a mean over groups.
    systems: by system, by column, (queries,) values; NaN where a column does not apply to a query.
    """

    query: tuple[str, ...]
    object: tuple[str, ...]
    group: tuple[str, ...]
    systems: Mapping[str, Columns]

    def __len__(self) -> int:
        return len(self.query)

    def rows(self, keep: NDArray[np.int64]) -> QueryTable:
        """The same table with only the rows of these numbers, in their order."""
        numbers = keep.tolist()
        return QueryTable(
            tuple(self.query[n] for n in numbers),
            tuple(self.object[n] for n in numbers),
            tuple(self.group[n] for n in numbers),
            {system: {name: row[keep] for name, row in columns.items()} for system, columns in self.systems.items()},
        )

    def of(self, systems: Sequence[str]) -> QueryTable:
        """The same table with these systems only."""
        return replace(self, systems={name: self.systems[name] for name in systems})


def joined(tables: Sequence[QueryTable]) -> QueryTable:
    """Tables of the same systems and columns below each other."""
    return QueryTable(
        tuple(name for table in tables for name in table.query),
        tuple(name for table in tables for name in table.object),
        tuple(name for table in tables for name in table.group),
        {
            system: {name: np.concatenate([table.systems[system][name] for table in tables]) for name in columns}
            for system, columns in tables[0].systems.items()
        },
    )


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure of a system: `over` its columns, the groups of the queries and the weights (draws, queries) of draws.

    It counts the queries whose column `needs` is known. Without weights `over` gives one value: the figure itself.
    """

    name: str
    needs: str
    over: Callable[[Columns, Sequence[str], Values | None], Values]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure, what it was in each draw (draws,), and the draws."""

    point: float
    values: Values
    n: int
    resampling: Resampling

    def figure(self) -> Figure:
        """The figure with its interval."""
        return figure_of(self.resampling.interval(self.point, self.values), self.n)


def figure_of(interval: Interval, n: int) -> Figure:
    """An interval as a figure over n queries."""
    return Figure(interval.mean, interval.low, interval.high, n)


def drawn(table: QueryTable, system: str, statistics: Sequence[Statistic], *, seed: int = 0) -> dict[str, Drawn]:
    """Each statistic of one system, in all draws; one that no query can be asked for is left out.

    Systems of one table, and tables with the same queries, meet the same draws.
    """
    columns = table.systems[system]
    found: dict[str, Drawn] = {}
    for needed in dict.fromkeys(one.needs for one in statistics):
        if needed not in columns:
            continue
        part = table.rows(np.nonzero(~np.isnan(columns[needed]))[0])
        if not len(part):
            continue
        of = part.systems[system]
        wanted = [one for one in statistics if one.needs == needed]
        resampling = Resampling(len(part), clusters=part.object, seed=seed)
        blocks: list[list[Values]] = [[] for _ in wanted]
        for weights in resampling.weights():
            for one, values in zip(wanted, blocks, strict=True):
                values.append(one.over(of, part.group, weights))
        for one, values in zip(wanted, blocks, strict=True):
            point = float(one.over(of, part.group, None)[0])
            found[one.name] = Drawn(point, np.concatenate(values), len(part), resampling)
    return {one.name: found[one.name] for one in statistics if one.name in found}


def figures(table: QueryTable, system: str, statistics: Sequence[Statistic]) -> dict[str, Figure]:
    """Each statistic of one system with its interval."""
    return {name: one.figure() for name, one in drawn(table, system, statistics).items()}


def differences(table: QueryTable, a: str, b: str, statistics: Sequence[Statistic]) -> dict[str, Figure]:
    """Each statistic of system a less that of system b, both within the same draws."""
    less = drawn(table, b, statistics)
    return {
        name: figure_of(one.resampling.interval(one.point - less[name].point, one.values - less[name].values), one.n)
        for name, one in drawn(table, a, statistics).items()
    }


def column(values: Sequence[float] | NDArray[np.generic]) -> Values:
    """(queries,) values as a column: float64, rounded."""
    return np.asarray(np.asarray(values, np.float64).round(DECIMALS))
