"""Names by the toy encoder, which knows glazes and pigments by the colour words in them; steps counted by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.evaluation.compare import compare
from sherd.evaluation.gallery import read_views
from sherd.evaluation.harness import evaluate
from sherd.evaluation.naming import held_out_probabilities
from sherd.evaluation.report import Report
from sherd.evaluation.statistics import CALIBRATION, CHANCE_CALIBRATION
from sherd.evaluation.table import Figure, QueryTable, column, figures
from sherd.metrics.calibration import expected_calibration_error
from tests.evaluation import coloured

RED, BLUE, WHITE, BLACK = "copper-red glaze", "Maya blue", "white porcelain", "black glaze"
"""Steps: red to black 2, red to blue 4, blue to black 4, white to any of the others 5."""
PICTURES = (("red", [RED]), ("red", [WHITE]), ("blue", [BLUE]), ("white", [WHITE]), ("red", [BLACK, BLUE]))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    lines = [{"ground": ground, "materials": materials} for ground, materials in PICTURES]
    return evaluate(ToyEncoder(), coloured.write(tmp_path_factory.mktemp("named") / "pack", lines))


def test_names_are_right_or_as_far_off_as_the_thesaurus_says(report: Report) -> None:
    """Both red pictures that are something else are called red: 5 steps off, and 2, the nearer of the two truths."""
    assert not report.retrieval
    (named,) = report.naming.values()
    assert list(report.naming) == ["material"]
    assert named["accuracy"].value == pytest.approx(3 / 5)
    assert named["accuracy"].n == 5
    assert (named["tree_distance"].value, named["tree_distance"].n) == ((5 + 2) / 2, 2)
    assert named["accuracy"].low < 3 / 5 < named["accuracy"].high
    table = report.tables["naming.material"]
    assert table.query[4] == "urn:sherd:black_glaze urn:sherd:maya_blue|images/4.png"
    assert table.object == ("r0", "r1", "r2", "r3", "r4")


def test_chance_and_habit_stand_beside(report: Report) -> None:
    blind = report.chance_naming["material"]
    assert blind["random"]["accuracy"].value == pytest.approx((4 * 1 + 2) / 4 / 5)
    wrong = [(2 + 4 + 5) / 3, 5, (4 + 4 + 5) / 3, 5, (2 + 5) / 2]
    assert blind["random"]["tree_distance"].value == pytest.approx(sum(wrong) / 5, abs=1e-6)
    # Blue and white are there twice each; of equals the first by name is taken: blue.
    assert blind["commonest"]["accuracy"].value == 2 / 5
    assert blind["commonest"]["tree_distance"].value == pytest.approx((4 + 5 + 5) / 3)


def test_calibration_is_that_of_the_probabilities_in_the_report(report: Report) -> None:
    columns = report.tables["naming.material"].systems["naming"]
    found = report.calibration["material"]["ece"]
    assert found.value == expected_calibration_error(columns["probability"], columns["accuracy"])
    assert found.n == 5
    assert list(report.chance_calibration["material"]) == ["ece"]


def test_a_report_compared_with_itself_differs_in_no_name(report: Report) -> None:
    found = {one.figure: one.difference.value for one in compare(report.measured, report.measured).figures}
    assert found == {
        "naming.material.accuracy": 0,
        "naming.material.tree_distance": 0,
        "calibration.material.ece": 0,
    }


def test_each_half_has_the_temperature_of_the_other() -> None:
    """The one half of the objects is always right, the other never: each is taken for what the other is."""
    first, second = ["r0", "r4", "r5"], ["r1", "r2", "r3"]
    cosines = np.array([[0.25, 0.05]] * 6)
    said = held_out_probabilities(cosines, np.array([True] * 3 + [False] * 3), first + second)
    softest = 1 / (1 + math.exp(-0.2))
    assert said.tolist() == pytest.approx([softest] * 3 + [1.0] * 3)
    alone = held_out_probabilities(cosines[:3], np.array([True] * 3), first)
    assert np.isnan(alone).all()


def test_the_temperature_makes_the_probability_what_came_true() -> None:
    """With one cosine apart for all, and three in four right in both halves, three in four is said of each."""
    owners = ["r0", "r4", "r5", "r7", "r1", "r2", "r3", "r6"]
    right = np.array([True, True, True, False] * 2)
    said = held_out_probabilities(np.array([[0.1, 0.0]] * 8), right, owners)
    assert said == pytest.approx(0.75, abs=0.02)


def figure(said: list[float], right: list[int], *, chance: bool = False) -> Figure:
    names = tuple(f"q{n}" for n in range(len(said)))
    table = QueryTable(names, names, names, {"m": {"probability": column(said), "accuracy": column(right)}})
    return figures(table, "m", CHANCE_CALIBRATION if chance else CALIBRATION)["ece"]


def test_calibration_by_hand() -> None:
    """Two bins, as equals stay together: 0.25 said and never right, 0.75 said and right half of the time."""
    assert figure([0.25, 0.25, 0.75, 0.75], [0, 0, 1, 0]).value == 0.25
    # Said 1 and right in 24 of 40: a draw is as far off as the share that is wrong in it, with the spread of a mean.
    found = figure([1.0] * 40, [1] * 24 + [0] * 16)
    assert found.value == pytest.approx(0.4)
    spread = 1.96 * math.sqrt(0.4 * 0.6 / 40)
    assert (found.low, found.high) == pytest.approx((0.4 - spread, 0.4 + spread), abs=0.03)


def test_true_probabilities_look_wrong_by_chance_and_a_figure_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    said = rng.random(300)
    right = (rng.random(300) < said).astype(int)
    found, chance = figure(said.tolist(), right.tolist()), figure(said.tolist(), right.tolist(), chance=True)
    assert found.low < found.value < found.high
    assert chance.low < found.value < chance.high
    # Fifteen bins of twenty, each off by a mean distance of sqrt(2 / pi) spreads of its share.
    middles = (np.arange(15) + 0.5) / 15
    assert chance.value == pytest.approx(np.sqrt(2 / np.pi * middles * (1 - middles) / 20).mean(), rel=0.1)
    assert chance.value > 2 * figure(np.repeat(said, 8).tolist(), [0] * 2_400, chance=True).value


def test_what_is_said_of_a_region_belongs_to_its_picture(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"ground": "red", "object_id": "one", "materials": [RED], "regions": [coloured.region("lotus")]},
        {"ground": "blue", "object_id": "one", "materials": [RED], "motifs": ["no such thing"]},
    ]
    views, _, _ = read_views(coloured.write(tmp_path / "pack", lines), split=None, language=None)
    glaze = {"material": frozenset({"urn:sherd:copper_red_glaze"})}
    assert [dict(view.concepts) for view in views] == [glaze | {"motif": frozenset({"urn:sherd:lotus_flower"})}, glaze]


def test_without_two_concepts_to_choose_from_there_is_nothing(tmp_path: Path) -> None:
    lines = [{"ground": ground, "title": ground, "materials": [RED]} for ground in ("red", "blue")]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    found = report.as_dict()
    assert (found["naming"], found["calibration"]) == (None, None)
    assert (found["chance"]["naming"], found["chance"]["calibration"]) == (None, None)


def test_one_object_alone_has_names_but_no_probabilities(tmp_path: Path) -> None:
    """Nothing is left to fit a temperature on."""
    lines = [{"ground": "red", "object_id": "one", "materials": [RED, BLUE]}] * 2
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert report.naming["material"]["accuracy"].value == 1.0
    assert "tree_distance" not in report.naming["material"]
    assert report.as_dict()["calibration"] is None
