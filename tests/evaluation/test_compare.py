from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import InvalidArgument, SourceError
from sherd.evaluation.compare import Comparison, compare
from sherd.evaluation.harness import evaluate
from sherd.evaluation.report import Measured, read_measured
from sherd.evaluation.table import QueryTable, column
from sherd.metrics.bootstrap import paired_interval, ratio_interval
from tests.evaluation import coloured


def measured(pointing: list[float], *, names: list[str] | None = None, sha256: str = "data") -> Measured:
    names = names or [f"q{n}" for n in range(len(pointing))]
    columns = {
        "pointing": column(pointing),
        "energy": column([one / 2 for one in pointing]),
        "small": column([n % 2 for n in range(len(pointing))]),
    }
    table = QueryTable(tuple(names), tuple(names), ("halo",) * len(names), {"localisation": columns})
    return Measured(sha256, {"name": "m", "fingerprint": "0" * 64}, {"labels": table})


def by_name(a: Measured | list[Measured], b: Measured | list[Measured]) -> dict[str, Comparison]:
    return {one.figure: one for one in compare(a, b).figures}


def test_differences_and_ratios_are_the_paired_ones() -> None:
    a, b = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    found = by_name(measured(a), measured(b))["localisation.all.pointing"]
    less, ratio = paired_interval(a, b), ratio_interval(a, b)
    assert (found.a, found.b) == pytest.approx((4 / 6, 2 / 6))
    assert (found.difference.value, found.difference.low, found.difference.high) == pytest.approx(
        (less.mean, less.low, less.high)
    )
    assert found.ratio is not None
    assert (found.ratio.value, found.ratio.low, found.ratio.high) == pytest.approx((ratio.mean, ratio.low, ratio.high))
    assert found.difference.n == 6
    assert not found.decided


def test_small_labels_are_compared_among_themselves() -> None:
    found = by_name(measured([1.0, 1.0, 1.0, 1.0]), measured([0.0, 1.0, 0.0, 1.0]))
    assert found["localisation.all.pointing"].difference.value == 0.5
    assert found["localisation.small.pointing"].difference.value == 0.0
    assert found["localisation.small.pointing"].difference.n == 2


def test_only_common_queries_count_whatever_their_order() -> None:
    a = measured([1.0, 0.0, 1.0], names=["x", "y", "z"])
    b = measured([0.5, 0.25, 0.0], names=["z", "w", "x"], sha256="other")
    found = compare(a, b)
    pointing = found.figures[0]
    assert (pointing.a, pointing.b, pointing.difference.n) == (1.0, 0.25, 2)
    assert not found.same_data
    assert pointing.decided
    with pytest.raises(InvalidArgument, match="no query in common"):
        compare(a, measured([1.0], names=["elsewhere"]))


def test_names_that_repeat_are_told_apart_by_their_turn() -> None:
    found = by_name(measured([1.0, 0.0], names=["x", "x"]), measured([0.0, 0.0], names=["x", "x"]))
    assert found["localisation.all.pointing"].difference.n == 2


def test_what_one_of_both_does_not_know_counts_for_neither() -> None:
    found = by_name(measured([1.0, float("nan"), 0.0]), measured([0.0, 1.0, 0.0]))["localisation.all.pointing"]
    assert (found.a, found.b, found.difference.n) == (0.5, 0.0, 2)
    assert found.ratio is None


def test_runs_that_differ_make_a_difference_less_certain() -> None:
    base = measured([0.5] * 40)
    steady = by_name([measured([0.6] * 40)] * 3, [base] * 3)["localisation.all.pointing"]
    shaky = by_name([measured([value] * 40) for value in (0.3, 0.6, 0.9)], [base] * 3)["localisation.all.pointing"]
    assert steady.difference.value == pytest.approx(shaky.difference.value)
    assert steady.decided
    assert not shaky.decided
    assert shaky.difference.low == pytest.approx(0.3 - 0.5)
    assert shaky.difference.high == pytest.approx(0.9 - 0.5)
    with pytest.raises(InvalidArgument, match="at least one report"):
        compare([], [base])


def test_a_report_read_back_is_the_report(tmp_path: Path) -> None:
    lines = [{"ground": c, "spot": "white", "title": c, "regions": [coloured.region("white")]} for c in ("red", "blue")]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    file = tmp_path / "report.json"
    file.write_text('{"event": "started"}\n' + json.dumps(report.as_dict()), encoding="utf-8")
    compared = compare(report.measured, read_measured(file))
    assert compared.same_data
    assert {one.figure.split(".")[0] for one in compared.figures} == {
        "retrieval",
        "retrieval_object_only",
        "localisation",
    }
    assert all((one.difference.value, one.difference.low, one.difference.high) == (0, 0, 0) for one in compared.figures)
    pretty = tmp_path / "pretty.json"
    pretty.write_text(json.dumps(report.as_dict(), indent=1), encoding="utf-8")
    assert read_measured(pretty).sha256 == report.data.sha256


def test_what_is_no_report_is_refused_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    for text in ("", "[1]", '{"queries": {}}', "no json"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(SourceError, match="no report with its values a query"):
            read_measured(file)
    with pytest.raises(SourceError, match="cannot be read"):
        read_measured(tmp_path / "absent.json")
    table = {"query": ["a"], "object": ["a"], "group": ["x"], "systems": {"localisation": {"pointing": [1, 0]}}}
    found = {"data": {"sha256": "0"}, "model": {}, "queries": {"labels": table}}
    file.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(SourceError, match=r"columns of \[1, 2\] values"):
        read_measured(file)


def test_the_json_form_names_both_and_each_figure() -> None:
    found = compare(measured([1.0, 0.0]), replace(measured([0.0, 0.0]), model={"name": "n", "fingerprint": "f" * 64}))
    form = found.as_dict()
    assert (form["a"], form["b"], form["same_data"], form["runs"]) == (
        "m (000000000000)",
        "n (ffffffffffff)",
        True,
        [1, 1],
    )
    assert set(form["figures"]["localisation.all.pointing"]) == {"a", "b", "difference", "ratio", "decided"}
