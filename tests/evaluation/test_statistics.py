"""Figures of tables with values made up by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sherd.evaluation.statistics import CHANCE_RETRIEVAL, LOCALISATION, RETRIEVAL
from sherd.evaluation.table import QueryTable, column, differences, drawn, figures, joined
from sherd.metrics.bootstrap import interval
from sherd.metrics.detection import ScoredBox, average_precision
from sherd.types import Box


def table(group: list[str], systems: dict[str, dict[str, list[float]]], owner: list[str] | None = None) -> QueryTable:
    names = tuple(f"q{n}" for n in range(len(group)))
    columns = {system: {name: column(row) for name, row in of.items()} for system, of in systems.items()}
    return QueryTable(names, tuple(owner or names), tuple(group), columns)


def test_recalls_are_means_over_languages() -> None:
    ranks = {"rank": [1.0, 2.0, 0.0, 6.0, 1.0], "ap": [1.0, 0.5, 0.0, 0.2, 1.0]}
    found = figures(table(["zh"] * 4 + ["en"], {"m": ranks}), "m", RETRIEVAL)
    assert {name: figure.value for name, figure in found.items()} == pytest.approx(
        {"r@1": (1 / 4 + 1) / 2, "r@5": (2 / 4 + 1) / 2, "r@10": (3 / 4 + 1) / 2, "map": (1.7 / 4 + 1) / 2}
    )
    chance = {"r@1": [0.1, 0.3], "r@5": [0.5, 0.5], "r@10": [1.0, 1.0], "ap": [0.2, 0.2]}
    assert figures(table(["en"] * 2, {"c": chance}), "c", CHANCE_RETRIEVAL)["r@1"].value == pytest.approx(0.2)


def test_a_plain_mean_has_the_interval_of_the_bootstrap() -> None:
    values = np.random.default_rng(0).random(30).round(6)
    owner = [f"object {n // 3}" for n in range(30)]
    found = figures(table(["halo"] * 30, {"m": {"pointing": values.tolist()}}, owner), "m", LOCALISATION)
    expected = interval(values, clusters=owner)
    assert list(found) == ["pointing"]
    assert (found["pointing"].value, found["pointing"].low, found["pointing"].high) == pytest.approx(
        (expected.mean, expected.low, expected.high)
    )


def test_average_precision_is_that_of_the_boxes_label_by_label() -> None:
    """One box a picture, overlapping a true one by as much as its row says, and true boxes that nothing finds."""
    rng = np.random.default_rng(1)
    labels = ["halo"] * 8 + ["book"] * 5
    overlap, score = rng.random(13).round(6) * 0.9 + 0.05, rng.random(13).round(6)
    truths = rng.integers(1, 3, 13)
    rows = {"box_iou": overlap.tolist(), "score": score.tolist(), "truths": truths.astype(float).tolist()}
    found = figures(table(labels, {"m": rows}), "m", LOCALISATION)
    for name, iou in (("ap30", 0.3), ("ap50", 0.5)):
        expected = []
        for label in ("halo", "book"):
            mine = [n for n in range(13) if labels[n] == label]
            boxes = [ScoredBox(n, Box(0, 0, 0.5 * overlap[n], 0.5), score[n]) for n in mine]
            there = {n: [Box(0, 0, 0.5, 0.5), Box(0.9, 0.9, 0.1, 0.1)][: truths[n]] for n in mine}
            expected.append(average_precision(boxes, there, iou))
        assert found[name].value == pytest.approx(np.mean(expected))
        assert found[name].low <= found[name].value <= found[name].high


def test_labels_of_one_picture_spread_as_pictures_do() -> None:
    """Twelve labels, each on a picture of its own; average precision there is found or not found."""
    hit = [1.0, 0.0, 0.0] * 4
    rows = {"pointing": hit, "box_iou": hit, "score": [1.0] * 12, "truths": [1.0] * 12, "mask_iou": hit}
    found = figures(table([f"label {n}" for n in range(12)], {"m": rows}), "m", LOCALISATION)
    for name in ("ap30", "ap50", "miou"):
        assert found[name] == found["pointing"]


def test_masks_count_by_label_and_only_where_they_are() -> None:
    rows = {"pointing": [1.0] * 4, "mask_iou": [0.2, 0.4, 0.9, float("nan")]}
    found = figures(table(["halo", "halo", "book", "book"], {"m": rows}), "m", LOCALISATION)
    assert found["miou"].value == pytest.approx((0.3 + 0.9) / 2)
    assert (found["miou"].n, found["pointing"].n) == (3, 4)
    none = {"pointing": [1.0], "mask_iou": [float("nan")]}
    assert "miou" not in figures(table(["halo"], {"m": none}), "m", LOCALISATION)


def test_two_systems_meet_the_same_draws() -> None:
    rng = np.random.default_rng(2)
    better = rng.random(50)
    systems = {"a": {"pointing": (better + 0.01).tolist()}, "b": {"pointing": better.tolist()}}
    found = differences(table(["halo"] * 50, systems), "a", "b", LOCALISATION)["pointing"]
    assert (found.value, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01), abs=1e-6)


def test_rows_and_joined_tables_keep_names_with_their_values() -> None:
    one = table(["x", "y"], {"m": {"pointing": [0.1, 0.2]}})
    both = joined([one, one.rows(np.array([1]))])
    assert both.group == ("x", "y", "y")
    assert both.query == ("q0", "q1", "q1")
    assert both.systems["m"]["pointing"].tolist() == [0.1, 0.2, 0.2]
    assert len(both.of(["m"])) == 3
    assert len(drawn(both, "m", LOCALISATION)["pointing"].values) == 2000
