from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sherd.training import losses


def unit(*shape: int, seed: int = 0) -> Tensor:
    return functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_multi_positive_by_hand() -> None:
    logits = torch.tensor([[math.log(2.0), 0.0], [0.0, 0.0]])
    positive = torch.tensor([[True, False], [True, True]])
    # row 0: -log(2/3); row 1: mean of -log(1/2) twice
    assert float(losses.multi_positive(logits, positive)) == pytest.approx((math.log(1.5) + math.log(2)) / 2)


def test_rows_without_an_answer_and_unknown_pairs_take_no_part() -> None:
    logits = torch.tensor([[1.0, 5.0, 1.0], [9.0, 9.0, 9.0]])
    positive = torch.tensor([[True, False, False], [False, False, False]])
    valid = torch.tensor([[True, False, True], [True, True, True]])
    assert float(losses.multi_positive(logits, positive, valid)) == pytest.approx(math.log(2), abs=1e-4)
    assert float(losses.multi_positive(logits, torch.zeros(2, 3).bool())) == 0.0


def test_object_loss_of_perfect_pairs_is_small_and_of_equal_vectors_is_log_b() -> None:
    eye = torch.eye(4)
    same = torch.eye(4).bool()
    assert float(losses.object_loss(eye, eye, same, torch.tensor(50.0))) < 1e-6
    alike = torch.ones(4, 4) / 2
    assert float(losses.object_loss(alike, alike, same, torch.tensor(50.0))) == pytest.approx(math.log(4))


def test_conditioned_scores_agree_with_plain_loops() -> None:
    phrases, patches = unit(3, 8), unit(4, 5, 8, seed=1)
    scores = losses.conditioned_scores(phrases, patches, 7.0)
    for m in range(3):
        for b in range(4):
            weights = torch.softmax(torch.stack([7.0 * phrases[m] @ patches[b, n] for n in range(5)]), 0)
            pooled = functional.normalize(sum((weights[n] * patches[b, n] for n in range(5)), torch.zeros(8)), dim=0)
            assert float(scores[m, b]) == pytest.approx(float(phrases[m] @ pooled), abs=1e-5)


def scores(phrases: Tensor, patches: Tensor) -> Tensor:
    return losses.conditioned_scores(phrases, patches)


def test_part_loss_of_shuffled_pictures_is_at_least_log_b() -> None:
    """The shortcut test: with pictures that say nothing of the phrases, no pair of texts can lower the loss."""
    b = 16
    phrases = unit(b, 32)
    right = phrases[:, None].expand(b, 9, 32)
    relevance, known = torch.eye(b).bool(), torch.ones(b, b).bool()
    scale, bias = torch.tensor(20.0), torch.tensor(-10.0)
    assert float(losses.phrase_loss(scores(phrases, right), relevance, known, scale, bias)) < 0.2
    shuffled = right.roll(1, 0)
    assert float(losses.phrase_loss(scores(phrases, shuffled), relevance, known, scale, bias)) >= math.log(b)
    alike = unit(1, 9, 32, seed=3).expand(b, 9, 32)
    by_phrase = losses.multi_positive(scale * scores(phrases, alike), relevance, known)
    assert float(by_phrase) == pytest.approx(math.log(b), abs=1e-4)


def test_slot_scores_are_the_best_parts_and_absent_slots_weigh_little() -> None:
    phrase = torch.tensor([[1.0, 0.0]])
    parts = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    cosines = torch.einsum("md,bkd->mbk", phrase, parts)
    present = losses.soft_maximum(cosines, torch.ones(1, 2), 30.0)
    assert float(present) == pytest.approx(math.exp(30) / (math.exp(30) + 1))
    half = losses.soft_maximum(cosines, torch.tensor([[math.exp(-5), 1.0]]), 5.0)
    assert float(half) == pytest.approx(0.5)


def test_sigmoid_pairs_by_hand() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)], [5.0, 5.0]])
    positive = torch.tensor([[True, False], [True, True]])
    valid = torch.tensor([[True, True], [False, False]])
    # log 2 for the first pair, -log(1 - 3/4) = log 4 for the second; the row without a valid pair is left out
    assert float(losses.sigmoid_pairs(logits, positive, valid)) == pytest.approx(math.log(8))


def test_soft_targets_by_hand() -> None:
    """Pictures 0 and 1 share half of their concepts, 2 shares nothing."""
    vectors = torch.eye(3)
    same = torch.eye(3).bool()
    overlap = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = losses.object_loss(vectors, vectors, same, torch.tensor(2.0), overlap=overlap, soft=0.2)
    total = math.log(math.exp(2) + 2)
    expected = (2 * (0.8 * (total - 2) + 0.2 * total) + (total - 2)) / 3
    assert float(found) == pytest.approx(expected, abs=1e-5)


def test_pictures_with_nearly_the_same_concepts_are_no_negatives() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    overlap = torch.tensor([[1.0, 0.95], [0.95, 1.0]])
    same = torch.eye(2).bool()
    plain = losses.object_loss(vectors, vectors, same, torch.tensor(5.0))
    assert float(plain) == pytest.approx(math.log(2))
    soft = losses.object_loss(vectors, vectors, same, torch.tensor(5.0), overlap=overlap, soft=0.1)
    assert float(soft) == pytest.approx(0, abs=1e-5)


def test_label_smoothing_by_hand() -> None:
    logits = torch.tensor([[math.log(3.0), 0.0]])
    positive = torch.tensor([[True, False]])
    expected = 0.9 * -math.log(3 / 4) + 0.1 * (-math.log(3 / 4) - math.log(1 / 4)) / 2
    assert float(losses.multi_positive(logits, positive, smoothing=0.1)) == pytest.approx(expected)


def test_cover_loss_of_the_right_mask_is_small_and_of_no_mask_is_large() -> None:
    region = torch.zeros(1, 4, 4)
    region[0, :2, :2] = 1
    masks = torch.zeros(1, 2, 4, 4)
    masks[0, 1] = region[0]
    exact = torch.tensor([True])
    assert float(losses.cover_loss(masks, region, exact)) < 0.01
    assert float(losses.cover_loss(masks, region, ~exact)) < 0.01
    elsewhere = masks.flip(-1)
    assert float(losses.cover_loss(elsewhere, region, exact)) > 1
    assert float(losses.cover_loss(elsewhere, region, ~exact)) == pytest.approx(1.0, abs=0.01)
    assert float(losses.cover_loss(masks, region * 0, exact)) == 0


def test_a_box_asks_for_its_shadows_only() -> None:
    """A diagonal fills its box as far as both shadows go; as a mask it would be half wrong."""
    box = torch.ones(1, 4, 4)
    masks = torch.eye(4)[None, None]
    assert float(losses.cover_loss(masks, box, torch.tensor([False]))) < 0.01
    assert float(losses.cover_loss(masks, box, torch.tensor([True]))) > 1


def test_mask_loss_by_hand() -> None:
    """Two slots that own half of the picture each: no entropy, both in use, one edge, no background."""
    masks = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    background = torch.zeros(1, 2)
    loss = losses.mask_loss(masks, background, 1, 2, has_background=False)
    # no neighbours below: the mean over nothing is left out of the horizontal figure, 2 of 3 maps change by 1
    assert float(losses.mask_entropy(masks, background)) == pytest.approx(0, abs=1e-4)
    assert float(loss) == pytest.approx(2 / 3, abs=1e-4)
    with_background = losses.mask_loss(masks, background, 1, 2, has_background=True)
    assert float(with_background) == pytest.approx(2 / 3 + 1, abs=1e-4)
    even = torch.full((1, 2, 2), 1 / 3)
    assert float(losses.mask_entropy(even, even[:, 0])) == pytest.approx(1, abs=1e-5)


def test_mirrored_masks_agree_when_mirrored_back() -> None:
    masks = torch.rand(2, 3, 4, 4)
    assert float(losses.equivariance_loss(masks, masks.flip(-1))) == 0
    assert float(losses.equivariance_loss(masks, masks)) > 0


def test_redundancy_counts_likeness_above_the_floor_only() -> None:
    cosine = 0.7
    parts = torch.tensor([[[1.0, 0.0], [cosine, (1 - cosine**2) ** 0.5], [0.0, -1.0]]])
    assert float(losses.redundancy_loss(parts, 0.2)) == pytest.approx(0.5 * 2 / 6, abs=1e-6)


def test_covariance_is_nothing_for_what_does_not_vary_together() -> None:
    parts = torch.tensor([[[1.0, 0.0]], [[-1.0, 0.0]], [[1.0, 0.0]], [[-1.0, 0.0]]])
    apart = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, -1.0], [0.0, -1.0]])
    assert float(losses.covariance_loss(parts, apart)) == pytest.approx(0)
    # together: covariance 4/3 in one of four entries, times D squared
    assert float(losses.covariance_loss(parts, parts[:, 0])) == pytest.approx((4 / 3) ** 2, abs=1e-5)


def test_pooling_sees_only_the_region() -> None:
    patches = torch.eye(4)[None].repeat(2, 1, 1)
    patches[1] = patches[1].flip(0)
    weights = torch.tensor([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0], [0.0] * 4])
    pooled = losses.pool_regions(patches, weights, torch.tensor([0, 1, 1, 0]))
    assert pooled[0].tolist() == pytest.approx([0, 2**-0.5, 2**-0.5, 0])
    assert pooled[1].tolist() == pytest.approx([0, 0, 0, 1])
    assert pooled[2].tolist() == pytest.approx([1, 0, 0, 0])
    assert torch.isfinite(pooled).all()


def test_pooling_agrees_with_plain_loops() -> None:
    patches, weights = unit(3, 5, 8), torch.rand(7, 5)
    image = torch.tensor([2, 0, 1, 1, 2, 2, 0])
    pooled = losses.pool_regions(patches, weights, image)
    for r in range(7):
        expected = functional.normalize(
            sum((weights[r, n] * patches[image[r], n] for n in range(5)), torch.zeros(8)), dim=0
        )
        assert torch.allclose(pooled[r], expected, atol=1e-5)


def test_pointing_loss_is_the_attention_outside() -> None:
    cosines = torch.tensor([[1.0, 0.0]])
    inside = torch.tensor([[1.0, 0.0]])
    expected = -math.log(math.e**3 / (math.e**3 + 1))
    assert float(losses.pointing_loss(cosines, inside, torch.tensor(3.0))) == pytest.approx(expected, abs=1e-4)
    assert float(losses.pointing_loss(cosines, inside.flip(1), torch.tensor(3.0))) > 3


def test_region_loss_knows_equal_phrases_and_leaves_unknown_pairs_out() -> None:
    regions = torch.eye(3)
    everything = torch.ones(3, 3).bool()
    good = float(losses.region_loss(regions, regions, torch.eye(3).bool(), everything, torch.tensor(10.0)))
    assert good == pytest.approx(math.log(1 + 2 * math.exp(-10)), abs=1e-4)
    swapped = regions[[1, 0, 2]]
    known = ~(torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]]).bool())
    bad = float(losses.region_loss(regions, swapped, torch.eye(3).bool(), everything, torch.tensor(10.0)))
    forgiven = float(losses.region_loss(regions, swapped, torch.eye(3).bool(), known, torch.tensor(10.0)))
    assert forgiven < bad


def test_teacher_loss_counts_only_what_was_seen() -> None:
    student, teacher = torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 3)
    teacher[0, 0, 1] = -1
    assert float(losses.teacher_loss(student, teacher, torch.tensor([[[True, False]]]))) == pytest.approx(0, abs=1e-6)
    assert float(losses.teacher_loss(student, teacher, torch.tensor([[[True, True]]]))) == pytest.approx(1)
