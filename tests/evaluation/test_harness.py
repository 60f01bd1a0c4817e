from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import SourceError
from sherd.evaluation.gallery import View
from sherd.evaluation.harness import evaluate, text_groups
from sherd.evaluation.table import Figures
from sherd.types import SourceImage
from tests.evaluation import coloured


def values(figures: Figures) -> dict[str, float]:
    return {name: figure.value for name, figure in figures.items()}


def test_what_the_toy_sees_it_finds_and_what_it_does_not_is_chance(tmp_path: Path) -> None:
    lines = [{"ground": c, "title": f"a {c} jar"} for c in ("red", "green", "blue", "white")]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    everything = {"r@1": 1.0, "r@5": 1.0, "r@10": 1.0, "map": 1.0}
    assert {way: values(of) for way, of in report.retrieval.items()} == {
        "text_to_image": everything,
        "image_to_text": everything,
    }
    assert report.chance_retrieval["text_to_image"]["r@1"].value == 0.25
    assert not report.localisation
    assert not report.chance_localisation
    blind = [{"ground": c, "title": f"jar number {n}"} for n, c in enumerate(("red", "green", "blue", "white"))]
    unseen = evaluate(ToyEncoder(), coloured.write(tmp_path / "blind", blind)).retrieval["text_to_image"]["r@1"]
    assert (unseen.value, unseen.n) == (0.25, 4)
    assert unseen.low == 0.0
    assert 0.25 < unseen.high < 1


def test_no_word_of_a_record_helps_to_find_it(tmp_path: Path) -> None:
    """The title says green, the picture is red: asked for green, the green picture must come first."""
    lines = [{"ground": "red", "title": "a green jar"}, {"ground": "green", "title": "a red jar"}]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert report.retrieval["text_to_image"]["r@1"].value == 0.0


def test_views_of_one_object_are_all_relevant(tmp_path: Path) -> None:
    lines = [
        {"ground": "red", "object_id": "one", "title": "a red and white jar"},
        {"ground": "blue", "object_id": "one", "title": "a red and white jar"},
        {"ground": "white", "object_id": "two", "title": "a white jar"},
    ]
    report = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines))
    assert (report.data.records, report.data.pictures, report.data.texts) == (2, 3, {"en": 2})
    # For "one" the red view is first or second and the blue one last: 1 and 2/3, or 1/2 and 2/3. For "two": 1.
    assert report.retrieval["text_to_image"]["r@5"].value == 1.0
    found = report.retrieval["text_to_image"]["map"].value
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
    zh, en, both = (
        evaluate(ToyEncoder(), pack, language=language).retrieval["text_to_image"]["map"].value
        for language in ("zh", "en", None)
    )
    assert zh == 1.0
    assert both == pytest.approx((zh + en) / 2)


def test_an_interval_is_over_objects_and_not_over_their_views(tmp_path: Path) -> None:
    """Two objects of four like views each, of which one is found: what is drawn is one object or the other."""
    lines = [{"ground": "red", "object_id": "one", "title": "a red jar"}] * 4
    lines += [{"ground": "blue", "object_id": "two", "title": "a jar"}] * 4
    found = evaluate(ToyEncoder(), coloured.write(tmp_path / "pack", lines)).retrieval["image_to_text"]["r@1"]
    assert found.n == 8
    assert found.value in (0.5, 1.0)
    alone = evaluate(ToyEncoder(), coloured.write(tmp_path / "alone", lines[:4])).retrieval["image_to_text"]["r@1"]
    assert np.isnan([alone.low, alone.high]).all()


def test_the_same_twice_but_for_the_time_it_took(tmp_path: Path) -> None:
    lines = [{"ground": c, "spot": "white", "title": c, "regions": [coloured.region("white")]} for c in ("red", "blue")]
    pack = coloured.write(tmp_path / "pack", lines)
    once, again = (evaluate(ToyEncoder(), pack).as_dict() for _ in range(2))
    del once["seconds"], again["seconds"]
    assert once == again
    assert json.loads(json.dumps(once, allow_nan=False)) == once


def test_the_digest_of_the_data_changes_with_what_was_measured_and_with_nothing_else(tmp_path: Path) -> None:
    line = {"ground": "red", "title": "red", "split": "test"}
    other = {"ground": "blue", "title": "blue", "split": "train"}

    def digest(name: str, *lines: dict[str, Any]) -> str:
        pack = coloured.write(tmp_path / name, lines)
        return evaluate(ToyEncoder(), pack, split="test").data.sha256

    first = digest("first", line)
    assert len(first) == 64
    assert digest("same", line, other) == first
    assert digest("words", {**line, "title": "blue"}) != first
    assert digest("picture", {**line, "ground": "green"}) != first
    assert digest("boxes", {**line, "regions": [coloured.region("red")]}) != first


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
    with pytest.raises(SourceError, match=r"no text in language 'ja'; its languages are .*"):
        evaluate(ToyEncoder(), pack, language="ja")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "records.jsonl").write_text("{broken\n", "utf-8")
    with pytest.raises(SourceError, match="no record to measure on; 1 lines or files cannot be read"):
        evaluate(ToyEncoder(), tmp_path / "empty")
    with pytest.raises(SourceError, match="nothing to measure"):
        evaluate(ToyEncoder(), coloured.write(tmp_path / "mute", [{"ground": "red"}]))
