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


def test_part_loss_of_shuffled_pictures_is_at_least_log_b() -> None:
    """The shortcut test: with pictures that say nothing of the phrases, no pair of texts can lower the loss."""
    b = 16
    phrases = unit(b, 32)
    right = phrases[:, None].expand(b, 9, 32)
    relevance, known = torch.eye(b).bool(), torch.ones(b, b).bool()
    scale = torch.tensor(20.0)
    assert float(losses.part_loss(phrases, right, relevance, known, scale)) < 0.2
    shuffled = right.roll(1, 0)
    assert float(losses.part_loss(phrases, shuffled, relevance, known, scale)) >= math.log(b)
    alike = unit(1, 9, 32, seed=3).expand(b, 9, 32)
    assert float(losses.part_loss(phrases, alike, relevance, known, scale)) == pytest.approx(math.log(b), abs=1e-4)


def test_pooling_sees_only_the_region() -> None:
    patches = torch.eye(4)[None]
    weights = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    assert losses.pool_regions(patches, weights)[0].tolist() == pytest.approx([0, 2**-0.5, 2**-0.5, 0])


def test_pointing_loss_is_the_attention_outside() -> None:
    patches = torch.eye(2)[None].expand(1, 2, 2)
    phrase = torch.tensor([[1.0, 0.0]])
    inside = torch.tensor([[1.0, 0.0]])
    expected = -math.log(math.e**3 / (math.e**3 + 1))
    assert float(losses.pointing_loss(phrase, patches, inside, torch.tensor(3.0))) == pytest.approx(expected, abs=1e-4)
    assert float(losses.pointing_loss(phrase, patches, inside.flip(1), torch.tensor(3.0))) > 3


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
