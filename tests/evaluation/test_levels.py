from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from sherd.evaluation import drawn
from sherd.evaluation.levels import LevelsSeen, facet_values, look_at_levels, slot_values
from sherd.model.backbones import ImageSettings
from sherd.model.clustering import ClusteringSettings
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.model.levels import FACETS, LevelSettings
from sherd.model.text import TextSettings
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import FloatArray


class Spelling:
    """A text is one of a few directions, by a sum over its letters; all that is asked of an encoder here."""

    def encode_text(self, texts: list[str]) -> FloatArray:
        rows = np.random.default_rng(0).normal(size=(997, 32)).astype(np.float32)
        made = np.stack([rows[sum(map(ord, text)) % 997] for text in texts])
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> drawn.Gallery:
    return drawn.draw_gallery(["ritual_bronze"], 12, 77, tmp_path_factory.mktemp("gallery"))


def test_all_levels_of_a_gallery_are_seen(gallery: drawn.Gallery) -> None:
    torch.manual_seed(0)
    model = DualEncoder(
        ModelSettings(
            ImageSettings(widths=(8, 8, 16, 16), depths=(1, 1, 1), width=16, dim=8),
            TextSettings(vocabulary=10, width=8, layers=1, heads=2, dim=8),
            LevelSettings(ClusteringSettings(slots=3)),
        )
    ).eval()
    seen = look_at_levels(model, gallery, 48)
    assert seen.facets.shape == (12, len(FACETS), 8)
    assert seen.parts.shape == (12, 3, 8)
    assert seen.masks.shape == (12, 3, 6, 6)


def test_a_facet_that_says_the_name_is_right_and_another_is_not(gallery: drawn.Gallery) -> None:
    thesaurus, encoder = builtin_thesaurus(), Spelling()
    types = [sorted(example.concepts["type"])[0] for example in gallery.corpus.examples]
    names = [thesaurus.concept(uri).pref_labels for uri in types]
    said = encoder.encode_text([one["en"] for one in names]) + encoder.encode_text([one["zh-Hans"] for one in names])
    facets = np.zeros((12, len(FACETS), 32), np.float32)
    facets[:, FACETS.index("type")] = said / np.linalg.norm(said, axis=1, keepdims=True)
    blind = np.zeros((12, 32), np.float32)
    levels = LevelsSeen(facets, blind[:, None], np.zeros((12, 1, 4, 4), np.float32))
    found = facet_values(levels, encoder, gallery, thesaurus)  # type: ignore[arg-type]
    assert found["type_by_facet"].mean() == 1
    assert found["theme_by_facet"].mean() < 1


def test_the_slot_that_lies_on_the_motif_is_measured(gallery: drawn.Gallery) -> None:
    encoder, queries = Spelling(), drawn.motif_queries(gallery)[:5]
    masks = np.zeros((12, 2, 40, 40), np.float32)
    parts = np.zeros((12, 2, 32), np.float32)
    right: list[Mapping[str, drawn.Values]] = []
    wrong: list[Mapping[str, drawn.Values]] = []
    for query in queries:
        masks[query.picture] = np.stack([query.mask, ~query.mask])
        (vector,) = encoder.encode_text([query.name])
        for parts[query.picture], figures in (
            (np.stack([vector, -vector]), right),
            (np.stack([-vector, vector]), wrong),
        ):
            levels = LevelsSeen(np.zeros((12, len(FACETS), 32), np.float32), parts, masks)
            figures.append(slot_values(levels, encoder, [query]))  # type: ignore[arg-type]
    assert all(one["slot_iou"].mean() == pytest.approx(1) and one["slot_pointing"].mean() == 1 for one in right)
    assert all(one["slot_iou"].mean() == 0 for one in wrong)
