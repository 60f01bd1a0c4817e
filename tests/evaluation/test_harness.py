from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import SourceError
from sherd.evaluation.gallery import View
from sherd.evaluation.harness import chance_of, evaluate, label_queries, text_groups
from sherd.types import Box, Region, SourceImage
from tests.evaluation import coloured


def test_what_the_toy_sees_it_finds_and_what_it_does_not_is_chance(tmp_path: Path) -> None:
    lines = [{"ground": c, "title": f"a {c} jar"} for c in ("red", "green", "blue", "white")]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert report.retrieval is not None
    assert report.retrieval.as_dict() == {
        "text_to_image": {"r@1": 1.0, "r@5": 1.0, "r@10": 1.0, "map": 1.0},
        "image_to_text": {"r@1": 1.0, "r@5": 1.0, "r@10": 1.0, "map": 1.0},
    }
    assert report.chance_retrieval is not None
    assert report.chance_retrieval.text_to_image.recall[1] == 0.25
    assert report.localisation is None
    blind = [{"ground": c, "title": f"jar number {n}"} for n, c in enumerate(("red", "green", "blue", "white"))]
    unseen = evaluate(ToyEncoder(), coloured.write(tmp_path / "blind", blind))
    assert unseen.retrieval is not None
    assert unseen.retrieval.text_to_image.recall[1] == 0.25


def test_no_word_of_a_record_helps_to_find_it(tmp_path: Path) -> None:
    """The title says green, the picture is red: asked for green, the green picture must come first."""
    lines = [{"ground": "red", "title": "a green jar"}, {"ground": "green", "title": "a red jar"}]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert report.retrieval is not None
    assert report.retrieval.text_to_image.recall[1] == 0.0


def test_views_of_one_object_are_all_relevant(tmp_path: Path) -> None:
    lines = [
        {"ground": "red", "object_id": "one", "title": "a red and white jar"},
        {"ground": "blue", "object_id": "one", "title": "a red and white jar"},
        {"ground": "white", "object_id": "two", "title": "a white jar"},
    ]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert (report.data.records, report.data.pictures, report.data.texts) == (2, 3, {"en": 2})
    assert report.retrieval is not None
    # For "one" the red view is first or second and the blue one last: 1 and 2/3, or 1/2 and 2/3. For "two": 1.
    assert report.retrieval.text_to_image.recall[5] == 1.0
    found = report.retrieval.text_to_image.map
    assert found == pytest.approx((5 / 6 + 1) / 2) or found == pytest.approx((7 / 12 + 1) / 2)


def test_languages_are_averaged_and_one_can_be_chosen(tmp_path: Path) -> None:
    names = {"red": "红", "green": "绿", "blue": "蓝", "white": "白"}
    lines = [
        {
            "ground": c,
            "captions": [
                {"language": "en", "style": "a", "text": "a jar"},
                {"language": "zh", "style": "a", "text": f"{zh}罐"},
            ],
        }
        for c, zh in names.items()
    ]
    pack = coloured.write(tmp_path / "pack", lines)
    zh = evaluate(ToyEncoder(), pack, language="zh").retrieval
    en = evaluate(ToyEncoder(), pack, language="en").retrieval
    both = evaluate(ToyEncoder(), pack).retrieval
    assert zh is not None
    assert en is not None
    assert both is not None
    assert zh.text_to_image.map == 1.0
    assert both.text_to_image.map == pytest.approx((zh.text_to_image.map + en.text_to_image.map) / 2)


def test_pointing_is_told_from_blind_guesses(tmp_path: Path) -> None:
    lines = [{"ground": "white", "spot": c, "regions": [coloured.region(c)]} for c in ("red", "green", "blue", "red")]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert report.retrieval is None
    assert report.localisation is not None
    assert report.localisation.pointing == 1.0
    assert report.localisation.box_iou > 0.9
    assert report.chance_localisation is not None
    assert report.chance_localisation.uniform == pytest.approx(0.276, abs=0.02)
    assert report.chance_localisation.location_prior == 1.0
    wrong = [{**line, "regions": [coloured.region(line["regions"][0]["label"], right=True)]} for line in lines]  # type: ignore[index]
    missed = evaluate(ToyEncoder(), coloured.write(tmp_path / "wrong", wrong))
    assert missed.localisation is not None
    assert missed.localisation.pointing == 0.0


def test_labels_that_fill_the_picture_are_left_out() -> None:
    image = SourceImage("a", (Region(Box(0, 0, 1, 0.9), "wall"), Region(Box(0, 0, 0.2, 0.2), "halo")))
    assert [query.label for query in label_queries([View("r", image, {})], [0])] == ["halo"]


def test_the_prior_does_not_see_the_picture_it_is_asked_about() -> None:
    spots = [Box(0, 0, 0.2, 0.2), Box(0.8, 0.8, 0.2, 0.2)]
    views = [View(str(n), SourceImage(str(n), (Region(box, "halo"),)), {}) for n, box in enumerate(spots)]
    assert chance_of(label_queries(views, [0, 1]), views).location_prior == 0.0


def test_the_same_words_are_relevant_to_every_picture_they_are_said_of() -> None:
    views = [View(str(n), SourceImage(str(n)), {"ja": text}) for n, text in enumerate(("菱", "菱", "桐"))]
    group = text_groups(views)["ja"]
    assert np.array_equal(group.relevant, [[1, 1, 0], [1, 1, 0], [0, 0, 1]])


def test_splits_are_kept_apart_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    lines = [{"ground": "red", "title": "red", "split": "test"}, {"ground": "blue", "title": "blue", "split": "train"}]
    pack = coloured.write(tmp_path / "pack", lines)
    assert evaluate(ToyEncoder(), pack, split="test").data.pictures == 1
    with pytest.raises(SourceError, match=r"no record of split 'dev'.*test, train"):
        evaluate(ToyEncoder(), pack, split="dev")
    with pytest.raises(SourceError, match="nothing to measure"):
        evaluate(ToyEncoder(), coloured.write(tmp_path / "mute", [{"ground": "red"}]))
