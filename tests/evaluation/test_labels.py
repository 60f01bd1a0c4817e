from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sherd.encoder.toy import ToyEncoder
from sherd.evaluation.gallery import View
from sherd.evaluation.harness import evaluate
from sherd.evaluation.labels import LabelQuery, label_queries, measure_labels
from sherd.types import Box, Region, SourceImage
from tests.evaluation import coloured

COLOURS = ("red", "green", "blue", "red")


def spotted(**more: Any) -> list[dict[str, Any]]:
    return [{"ground": "white", "spot": c, "regions": [{**coloured.region(c), **more}]} for c in COLOURS]


def test_pointing_is_told_from_blind_guesses(tmp_path: Path) -> None:
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", spotted()))
    assert report.retrieval == {}
    found, blind = report.localisation["all"], report.chance_localisation["all"]
    assert found["pointing"].value == 1.0
    assert found["box_iou"].value > 0.9
    assert found["energy"].value > 0.9
    assert (found["ap30"].value, found["ap50"].value) == (1.0, 1.0)
    assert "miou" not in found
    assert blind["uniform"]["pointing"].value == pytest.approx(0.276, abs=0.02)
    assert blind["uniform"]["energy"].value == blind["uniform"]["box_iou"].value == 0.25
    assert (blind["uniform"]["ap30"].value, blind["uniform"]["ap50"].value) == (0.0, 0.0)
    assert set(blind["centre"]) == {"pointing"}
    assert blind["centre"]["pointing"].value == 1.0
    assert blind["location_prior"]["pointing"].value == 1.0
    assert report.over_location_prior["all"]["pointing"].value == 0.0
    assert "small" not in report.localisation


def test_what_looks_elsewhere_is_missed_and_lies_below_the_prior(tmp_path: Path) -> None:
    wrong = [{**line, "regions": [coloured.region(line["regions"][0]["label"], right=True)]} for line in spotted()]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "wrong", wrong))
    found = report.localisation["all"]
    assert found["pointing"].value == found["ap30"].value == 0.0
    assert found["energy"].value < 0.1
    less = report.over_location_prior["all"]["pointing"]
    assert (less.value, less.low, less.high) == (-1.0, -1.0, -1.0)


def test_small_parts_have_a_row_of_their_own(tmp_path: Path) -> None:
    """A box of 8 x 8 of 64 x 64 pixels in the corner of each spot is 1.6 % of the picture."""
    lines = spotted()
    for line in lines[:2]:
        line["regions"].append({"label": line["spot"] + " corner", "bbox": [0, 0, 8, 8]})
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert (report.localisation["all"]["pointing"].n, report.localisation["small"]["pointing"].n) == (6, 2)
    assert report.localisation["small"]["box_iou"].value < 0.1
    assert report.chance_localisation["small"]["uniform"]["energy"].value == pytest.approx(1 / 64)


def test_a_label_is_small_when_none_of_its_boxes_is_larger() -> None:
    small, large = Box(0, 0, 0.1, 0.19), Box(0, 0, 0.1, 0.2)
    assert LabelQuery("a", 0, (small, small)).small
    assert not LabelQuery("a", 0, (small, large)).small


def test_masks_are_measured_where_they_can_be_read(tmp_path: Path) -> None:
    pack = coloured.write(tmp_path / "pack", [*spotted(mask="spot.png"), *spotted(mask="gone.png")[:1]])
    mask = np.zeros((coloured.SIDE, coloured.SIDE), np.uint8)
    mask[: coloured.SIDE // 2, : coloured.SIDE // 2] = 255
    Image.fromarray(mask).convert("1").save(pack / "spot.png")
    report = evaluate(ToyEncoder(), pack)
    assert (report.data.masks, report.data.refused_masks) == (4, 1)
    assert report.localisation["all"]["miou"].n == 4
    assert report.localisation["all"]["miou"].value > 0.9
    assert report.chance_localisation["all"]["uniform"]["miou"].value == pytest.approx(0.25)
    empty = evaluate(ToyEncoder(), coloured.write(tmp_path / "none", spotted(mask="none.png")))
    assert (empty.data.masks, empty.data.refused_masks) == (0, 4)
    assert "miou" not in empty.localisation["all"]


def test_boxes_that_leave_their_picture_are_counted(tmp_path: Path) -> None:
    lines = spotted()
    lines[0]["regions"].append({"label": "beside", "bbox": [0, 0, 9 * coloured.SIDE, 5]})
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert (report.data.refused_boxes, report.data.labels) == (1, 4)


def test_labels_that_fill_the_picture_are_left_out() -> None:
    image = SourceImage("a", (Region(Box(0, 0, 1, 0.9), "wall"), Region(Box(0, 0, 0.2, 0.2), "halo")))
    assert [query.label for query in label_queries([View("r", image, {})], [0])] == ["halo"]


def test_a_mask_is_asked_for_only_where_every_box_of_the_label_has_one() -> None:
    box = Box(0, 0, 0.2, 0.2)
    image = SourceImage("a", (Region(box, "halo", "1.png"), Region(box, "halo"), Region(box, "book", "2.png")))
    masks = {query.label: query.masks for query in label_queries([View("r", image, {})], [0])}
    assert masks == {"halo": (), "book": ("2.png",)}


def test_the_prior_does_not_see_the_picture_it_is_asked_about(tmp_path: Path) -> None:
    boxes = [Box(0, 0, 0.2, 0.2), Box(0.8, 0.8, 0.2, 0.2)]
    pack = coloured.write(tmp_path / "pack", [{"ground": "red"}, {"ground": "blue"}])
    views = [View(str(n), SourceImage(f"images/{n}.png", (Region(box, "halo"),)), {}) for n, box in enumerate(boxes)]
    table, refused = measure_labels(ToyEncoder(), label_queries(views, [0, 1]), pack, views)
    assert table.systems["location_prior"]["pointing"].tolist() == [0, 0]
    assert table.systems["location_prior"]["energy"].tolist() == [0, 0]
    assert table.query == ("halo|images/0.png", "halo|images/1.png")
    assert refused == 0
