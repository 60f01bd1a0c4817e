from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from sherd.model.checkpoint import load_tensors
from sherd.training.config import Stage
from sherd.training.loop import CHECKPOINT, plan_from, rate_at, run
from sherd.training.objective import MethodSettings, Weights
from tests.training.tiny import Parts, trainer


def test_one_batch_is_learnt_and_every_term_is_named(parts: Parts) -> None:
    settings, batches, vocabulary = parts
    made = trainer(replace(settings, stages=(Stage(32, 8, 60),), learning_rate=5e-3, warmup_steps=5), vocabulary)
    batch = batches.make(0, batch=8, size_px=32)
    first = made.step(batch)
    for _ in range(50):
        last = made.step(batch)
    terms = {"object", "part", "region", "pointing", "cover", "theme", "culture", "mask", "labels"}
    watched = {"slots_used", "mask_entropy", "gate_up", "gate_down", "gate_theme", "gate_theme_up"}
    assert set(first) == terms | watched | {"loss", "grad"}
    assert set(last) - set(first) == {"redundancy", "covariance"}
    for term in terms - {"mask"}:
        assert last[term] < first[term], term
    assert last["object"] < 0.5 * first["object"]


def test_gradients_reach_both_towers(parts: Parts) -> None:
    settings, batches, vocabulary = parts
    made = trainer(settings, vocabulary)
    made.done = made.total_steps
    made.step(batches.make(0, batch=8, size_px=32))
    silent = [name for name, p in made.model.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    # Blocks start as the identity, so the first convolution of each has no gradient yet.
    assert not [name for name in silent if ".first." not in name and ".second.0" not in name]


def test_a_weight_of_zero_switches_a_term_off(parts: Parts) -> None:
    settings, batches, vocabulary = parts
    batch = batches.make(0, batch=8, size_px=32)
    off = {f.name: 0.0 for f in fields(Weights) if f.name != "object"}
    only = trainer(replace(settings, weights=Weights(**off)), vocabulary)
    figures = only.step(batch)
    assert figures["loss"] == pytest.approx(figures["object"], rel=1e-5)


@pytest.mark.parametrize(
    "method",
    [
        MethodSettings(object_loss="sigmoid"),
        MethodSettings(phrases="object"),
        MethodSettings(phrases="pooled"),
        MethodSettings(phrases="slots"),
        MethodSettings(tree="flat"),
        MethodSettings(tree="none"),
        MethodSettings(soft_targets=0.15),
        MethodSettings(smoothing=0.1),
    ],
)
def test_every_choice_of_the_method_changes_the_loss(parts: Parts, method: MethodSettings) -> None:
    settings, batches, vocabulary = parts
    batch = batches.make(0, batch=8, size_px=32)
    plain = trainer(settings, vocabulary).step(batch)["loss"]
    other = trainer(replace(settings, method=method), vocabulary).step(batch)["loss"]
    # The runs are the same to the last bit but for the choice.
    assert other != pytest.approx(plain, rel=1e-7)


def test_a_run_that_was_cut_goes_on_to_the_same_weights(parts: Parts, tmp_path: Path) -> None:
    settings, batches, vocabulary = parts
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    run(trainer(settings, vocabulary), batches, whole, lambda line: None)
    stopped = trainer(settings, vocabulary)
    for step, stage in list(plan_from(settings.stages, 0))[:4]:
        stopped.step(batches.make(step, batch=stage.batch, size_px=stage.size_px))
    stopped.save(cut / CHECKPOINT, {})
    lines: list[dict[str, object]] = []
    run(trainer(settings, vocabulary), batches, cut, lines.append)
    assert lines[0] == {"event": "resumed", "step": 4}
    expected, found = load_tensors(whole / CHECKPOINT)[0], load_tensors(cut / CHECKPOINT)[0]
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.allclose(tensor.float(), found[name].float(), atol=1e-6), name


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(step, 10, 100) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == 1.0
    assert rates[-1] < 0.001
