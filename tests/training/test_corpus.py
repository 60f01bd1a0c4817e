from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sherd.errors import InvalidConfig, RejectedItem
from sherd.relics import load_culture, render_pack
from sherd.training.corpus import MASK_PX, Corpus, letterbox, pack_corpus, relic_corpus, shrink_mask
from sherd.training.splits import split_of
from sherd.types import Record


@pytest.fixture(scope="module")
def relics(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return relic_corpus(["ritual_bronze"], 6, 3, 64, 1, tmp_path_factory.mktemp("relics"))


def test_every_phrase_is_true_of_the_region_it_names(relics: Corpus) -> None:
    for example in relics.examples:
        assert len(example.captions) >= 8
        for phrase in example.phrases:
            assert phrase.key in example.region_keys[phrase.region]
            assert phrase.key in example.keys


def test_a_motif_is_asked_for_by_its_bare_name_too(relics: Corpus) -> None:
    names = {p.text for e in relics.examples for p in e.phrases if "@" not in p.key}
    known = {name for motif in load_culture("ritual_bronze").motifs for name in motif.names["zh"]}
    assert names & known


def test_masks_lie_by_example(relics: Corpus) -> None:
    assert relics.mask_start[-1] == len(relics.masks)
    for n, example in enumerate(relics.examples):
        assert relics.mask_start[n + 1] - relics.mask_start[n] == len(example.region_keys)
    assert (relics.masks.reshape(len(relics.masks), -1).max(1) > 0).all()


def test_what_was_drawn_once_is_read_back_the_same(tmp_path: Path) -> None:
    first = relic_corpus(["ritual_bronze"], 3, 1, 64, 1, tmp_path)
    again = relic_corpus(["ritual_bronze"], 3, 1, 64, 1, tmp_path)
    assert first.examples == again.examples
    assert np.array_equal(first.pictures, again.pictures)
    assert np.array_equal(first.masks, again.masks)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_pack_gives_the_training_side_only(tmp_path: Path) -> None:
    render_pack([load_culture("silk_textile")], 20, 5, tmp_path / "pack", size_px=64)
    train = pack_corpus([tmp_path / "pack"], 64, splits=["train"])
    held = pack_corpus([tmp_path / "pack"], 64, splits=["heldout"])
    assert len(train) + len(held) == 20
    assert not {e.group for e in train.examples} & {e.group for e in held.examples}
    assert train.pictures.shape[1:] == (64, 64, 3)
    with pytest.raises(InvalidConfig, match="no record with text in split valid"):
        pack_corpus([tmp_path / "pack"], 64, splits=["valid"])
    with pytest.raises(InvalidConfig, match="no record"):
        pack_corpus([tmp_path / "pack"], 64, splits=["train"], without=["CC0"])


def test_the_source_decides_a_split_where_it_names_one() -> None:
    assert split_of(Record("a", (), split="test")) == "test"
    sides = [split_of(Record(str(n), ())) for n in range(1000)]
    assert 150 < sides.count("heldout") < 250


def test_letterbox_keeps_the_aspect_and_tells_the_place() -> None:
    picture = np.zeros((50, 100, 3), np.uint8)
    picture[:, :, 0] = 200
    square, place = letterbox(picture, 64)
    assert square.shape == (64, 64, 3)
    assert (place.x, place.y, place.w, place.h) == (0.0, 0.25, 1.0, 0.5)
    assert square[..., 0].min() >= 195


def test_a_mask_shrinks_by_area() -> None:
    mask = np.zeros((80, 80), bool)
    mask[:, :39] = True
    small = shrink_mask(mask)
    assert small.shape == (MASK_PX, MASK_PX)
    assert small[0, 18] == 255
    assert 120 < small[0, 19] < 135
    assert small[0, 20] == 0


def test_a_region_of_a_pack_is_its_mask_where_it_has_one(tmp_path: Path) -> None:
    picture = np.full((100, 200, 3), 90, np.uint8)
    mask = np.zeros((100, 200), np.uint8)
    mask[40:60, 50:150] = 255  # a band in the middle of a box of the whole picture
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(mask).save(tmp_path / "a-mask.png")
    box = [0, 0, 200, 100]
    regions = [
        {"label": "band", "bbox": box, "mask": "a-mask.png", "concept": "urn:x:band"},
        {"label": "Handle", "bbox": box},
    ]
    line = {"id": "a", "image": "a.png", "title": "a cup", "object_type": "cup", "themes": ["feasting"]}
    (tmp_path / "records.jsonl").write_text(json.dumps({**line, "regions": regions, "split": "train"}) + "\n", "utf-8")
    corpus = pack_corpus([tmp_path], 64, splits=["train"])
    (example,) = corpus.examples
    assert example.region_keys == (frozenset({"urn:x:band"}), frozenset({"handle"}))
    assert [example.has_mask(n) for n in (0, 1)] == [True, False]
    assert example.terms == ("cup", "feasting")
    shown = corpus.masks / 255
    assert shown.mean((1, 2)) == pytest.approx([0.05, 0.5], abs=0.005)  # of the square that the picture fills by half
    rows, columns = np.nonzero(shown[0] > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 21, 10, 29)


def test_a_mask_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(tmp_path / "a.png")
    line = {"id": "a", "image": "a.png", "title": "a cup", "split": "train"}
    regions = [{"label": "band", "bbox": [0, 0, 9, 9], "mask": "gone.png"}]
    (tmp_path / "records.jsonl").write_text(json.dumps({**line, "regions": regions}) + "\n", "utf-8")
    with pytest.raises(RejectedItem, match=r"gone\.png"):
        pack_corpus([tmp_path], 64, splits=["train"])
