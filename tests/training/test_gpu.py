"""The trainer on an accelerator does what it does on the CPU, up to the digits that bfloat16 drops."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sherd.training.config import Stage
from sherd.training.loop import CHECKPOINT, Trainer
from tests.training.tiny import Parts, trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine"),
]


@pytest.fixture
def both(parts: Parts) -> dict[str, Trainer]:
    """Two trainers with the same weights."""
    settings, _, vocabulary = parts
    settings = replace(settings, stages=(Stage(32, 8, 60),), learning_rate=5e-3, warmup_steps=5)
    return {device: trainer(replace(settings, device=device), vocabulary) for device in ("cpu", "cuda")}


def test_losses_fall_as_on_the_cpu(parts: Parts, both: dict[str, Trainer]) -> None:
    batch = parts[1].make(0, batch=8, size_px=32)
    seen: list[torch.Tensor] = []
    convolution = next(one for one in both["cuda"].model.modules() if isinstance(one, torch.nn.Conv2d))
    convolution.register_forward_hook(lambda *of: seen.append(of[2]))
    losses = {device: [made.step(batch)["loss"] for _ in range(30)] for device, made in both.items()}
    assert seen[0].device.type == "cuda"
    assert seen[0].dtype == torch.bfloat16
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert all(map(math.isfinite, losses["cuda"]))
    assert losses["cuda"][0] == pytest.approx(losses["cpu"][0], rel=0.02)
    assert sum(losses["cuda"][-5:]) < 0.8 * sum(losses["cuda"][:5])
    assert sum(losses["cuda"][-5:]) == pytest.approx(sum(losses["cpu"][-5:]), rel=0.1)


def test_what_a_gpu_has_begun_a_cpu_goes_on_with(parts: Parts, both: dict[str, Trainer], tmp_path: Path) -> None:
    batches = parts[1]
    for step in range(4):
        both["cuda"].step(batches.make(step, batch=8, size_px=32))
    both["cuda"].save(tmp_path / CHECKPOINT, {})
    both["cpu"].load(tmp_path / CHECKPOINT)
    assert both["cpu"].done == 4
    kept = both["cuda"].model.state_dict()
    for name, tensor in both["cpu"].model.state_dict().items():
        assert tensor.device.type == "cpu", name
        assert torch.equal(tensor, kept[name].cpu()), name
    for step in range(4, 7):
        batch = batches.make(step, batch=8, size_px=32)
        there, here = (both[device].step(batch)["loss"] for device in ("cuda", "cpu"))
        assert here == pytest.approx(there, rel=0.03)
