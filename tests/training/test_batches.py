from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sherd.training.batches import Batch, Batches, Source
from sherd.training.corpus import RENDERED, Corpus, Example, PhraseTarget, relic_corpus
from sherd.training.tokenizer import train_tokenizer


def made(pictures: int, world: str, *, texts: tuple[str, ...] = ("a red vase",), label: str = "halo") -> Corpus:
    """Pictures whose left half is white; the region is the left half."""
    canvas = np.zeros((pictures, 32, 32, 3), np.uint8)
    canvas[:, :, :16] = 255
    mask = np.zeros((pictures, 40, 40), np.uint8)
    mask[:, :, :20] = 255
    examples = [
        Example(f"{world}:{n}", world, texts, (PhraseTarget(label, label, 0),), (frozenset({label}),))
        for n in range(pictures)
    ]
    return Corpus(examples, canvas, mask, np.arange(pictures + 1))


def batches(*sources: Source, seed: int = 0) -> Batches:
    texts = [text for source in sources for text in source.corpus.texts()]
    return Batches(sources, train_tokenizer(texts * 3, vocabulary=600), seed=seed, max_tokens=16)


def test_a_batch_depends_on_seed_and_step_alone(tmp_path: Path) -> None:
    source = Source(relic_corpus(["ritual_bronze"], 8, 1, 64, 1, tmp_path), 1.0)
    tokenizer = train_tokenizer(source.corpus.texts(), vocabulary=600)
    one = Batches([source], tokenizer, seed=0, max_tokens=16).make(5, batch=4, size_px=32)
    other = Batches([source], tokenizer, seed=0, max_tokens=16)
    other.make(0, batch=4, size_px=32)
    again = other.make(5, batch=4, size_px=32)
    assert torch.equal(one.pictures, again.pictures)
    assert torch.equal(one.phrase_ids, again.phrase_ids)
    assert not torch.equal(one.pictures, other.make(6, batch=4, size_px=32).pictures)


def test_shapes_are_few_and_padding_has_no_target(tmp_path: Path) -> None:
    source = Source(relic_corpus(["ritual_bronze"], 8, 1, 64, 1, tmp_path), 1.0)
    batch = batches(source).make(0, batch=8, size_px=32)
    assert batch.pictures.shape == (8, 3, 32, 32)
    assert 0 <= float(batch.pictures.min()) <= float(batch.pictures.max()) <= 1
    m, r = len(batch.phrase_ids), len(batch.region_image)
    assert m % 64 == 0
    assert r % 64 == 0
    assert batch.phrase_ids.shape[1] % 16 == 0
    real = batch.relevance.any(1)
    assert 0 < int(real.sum()) <= 16
    assert not batch.known[~real].any()
    empty = batch.region_weights.sum((1, 2)) == 0
    assert not batch.region_same[empty].any()
    assert not batch.region_known[:, empty].any()


def test_labels_of_one_pack_say_nothing_of_another_but_renderings_are_known_whole() -> None:
    mixed = batches(
        Source(made(4, "icons", label="halo"), 1.0),
        Source(made(4, "vases", label="horse"), 1.0),
        Source(made(4, RENDERED, label="taotie"), 1.0),
    ).make(0, batch=12, size_px=32)

    def known(rows: slice, columns: slice) -> set[bool]:
        return set(mixed.known[rows, columns].flatten().tolist())

    icons, vases, relics = slice(0, 4), slice(4, 8), slice(8, 12)
    assert known(icons, icons) == known(icons, relics) == {True}
    assert known(icons, vases) == known(vases, icons) == known(relics, vases) == {False}
    assert mixed.relevance[icons, icons].all()
    assert not mixed.relevance[icons, relics].any()
    assert mixed.region_same[icons, icons].all()
    assert not mixed.region_known[icons, vases].any()


@pytest.mark.parametrize("step", range(4))
def test_regions_follow_the_crop(step: int) -> None:
    batch: Batch = batches(Source(made(6, RENDERED), 1.0)).make(step, batch=6, size_px=64)
    for row in torch.nonzero(batch.region_weights.sum((1, 2)) > 8).flatten().tolist():
        picture = batch.pictures[batch.region_image[row]].mean(0)
        cells = picture.reshape(8, 8, 8, 8).mean((1, 3))
        inside = batch.region_weights[row]
        if float((inside < 0.1).float().sum()) > 8:
            assert float(cells[inside > 0.9].mean()) > float(cells[inside < 0.1].mean()) + 0.2


def test_texts_that_name_a_side_are_never_mirrored() -> None:
    sided = batches(Source(made(8, RENDERED, texts=("a horse on the left",)), 1.0))
    for step in range(3):
        batch = sided.make(step, batch=8, size_px=64)
        left = batch.pictures[:, :, 28:36, :16].mean((1, 2, 3))
        right = batch.pictures[:, :, 28:36, 48:].mean((1, 2, 3))
        assert bool((left > right).all())
