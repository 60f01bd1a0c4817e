from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sherd.model.checkpoint import load_tensors
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.training.batches import Batches, Source
from sherd.training.config import Stage, TrainSettings
from sherd.training.corpus import relic_corpus
from sherd.training.loop import CHECKPOINT, Trainer, plan_from, rate_at, run
from sherd.training.objective import Weights
from sherd.training.tokenizer import train_tokenizer
from tests.training import tiny


@pytest.fixture
def parts(tmp_path: Path) -> tuple[TrainSettings, Batches]:
    settings = tiny.settings(tmp_path)
    corpus = relic_corpus(["ritual_bronze"], 8, 1, 64, 1, tmp_path / "relics")
    tokenizer = train_tokenizer(corpus.texts(), vocabulary=600)
    return settings, Batches([Source(corpus, 1.0)], tokenizer, seed=0, max_tokens=16)


def trainer(settings: TrainSettings) -> Trainer:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return Trainer(DualEncoder(ModelSettings(settings.image, settings.text)), settings)


def test_one_batch_is_learnt_and_every_term_is_named(parts: tuple[TrainSettings, Batches]) -> None:
    settings, batches = parts
    made = trainer(replace(settings, stages=(Stage(32, 8, 60),), learning_rate=5e-3, warmup_steps=5))
    batch = batches.make(0, batch=8, size_px=32)
    first = made.step(batch)
    for _ in range(50):
        last = made.step(batch)
    assert set(first) == {"loss", "object", "part", "region", "pointing", "grad"}
    assert last["object"] < 0.5 * first["object"]
    assert last["part"] < first["part"]
    assert last["region"] < first["region"]


def test_gradients_reach_both_towers(parts: tuple[TrainSettings, Batches]) -> None:
    settings, batches = parts
    made = trainer(settings)
    made.step(batches.make(0, batch=8, size_px=32))
    silent = [name for name, p in made.model.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    # Blocks start as the identity, so the first convolution of each has no gradient yet.
    assert not [name for name in silent if ".first." not in name and ".second.0" not in name]


def test_a_weight_of_zero_switches_a_term_off(parts: tuple[TrainSettings, Batches]) -> None:
    settings, batches = parts
    batch = batches.make(0, batch=8, size_px=32)
    only = trainer(replace(settings, weights=Weights(1, 0, 0, 0, 0)))
    figures = only.step(batch)
    assert figures["loss"] == pytest.approx(figures["object"], rel=1e-5)


def test_a_run_that_was_cut_goes_on_to_the_same_weights(parts: tuple[TrainSettings, Batches], tmp_path: Path) -> None:
    settings, batches = parts
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    run(trainer(settings), batches, whole, lambda line: None)
    stopped = trainer(settings)
    for step, stage in list(plan_from(settings.stages, 0))[:4]:
        stopped.step(batches.make(step, batch=stage.batch, size_px=stage.size_px))
    stopped.save(cut / CHECKPOINT, {})
    lines: list[dict[str, object]] = []
    run(trainer(settings), batches, cut, lines.append)
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
