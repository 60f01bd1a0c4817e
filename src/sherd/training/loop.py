"""The training loop: plain, resumable to the same curve, every loss term logged by its name."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import AdamW

from sherd.errors import InvalidConfig
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.model.dual import DualEncoder
from sherd.training.batches import Batch, Batches, to_device
from sherd.training.config import Stage, TrainSettings
from sherd.training.hierarchy import Facet
from sherd.training.objective import objective

CHECKPOINT = "checkpoint.safetensors"


class Trainer:
    """A model with its optimiser and its running mean of weights. `step()` needs no disk."""

    def __init__(self, model: DualEncoder, settings: TrainSettings, facets: Sequence[Facet] = ()) -> None:
        self.device = device_of(settings.device)
        # Convolutions over channels-last tensors are about twice as fast on CPUs.
        self.model = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.facets = [facet.to(self.device) for facet in facets]
        self.settings = settings
        self.total_steps = sum(stage.steps for stage in settings.stages)
        matrices = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.ema = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.done = 0

    def step(self, batch: Batch) -> dict[str, float]:
        """One update; the loss and each of its terms as numbers."""
        self.model.train()
        # What drops out depends on the step alone, so that a resumed run goes on as if it had never stopped.
        torch.manual_seed(self.settings.seed * 1_000_003 + self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * rate_at(self.done, self.settings.warmup_steps, self.total_steps)
        loss, terms = objective(
            self.model,
            to_device(batch, self.device),
            self.settings.weights,
            self.settings.method,
            self.facets,
            progress=self.done / self.total_steps,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.done += 1
        self._average()
        numbers = {"loss": loss, **terms, "grad": norm}
        return {name: float(value.detach()) for name, value in numbers.items()}

    @torch.no_grad()
    def _average(self) -> None:
        # A young mean follows fast: its decay grows with the steps, up to the setting.
        decay = min(self.settings.ema, (1 + self.done) / (10 + self.done))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.ema[name].lerp_(tensor, 1 - decay)
            else:
                self.ema[name].copy_(tensor)

    def save(self, path: Path, metadata: dict[str, object]) -> None:
        """Everything that resuming needs, in one file, atomically."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.items()}
        for n, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{n}.{k}": torch.as_tensor(v) for k, v in state.items()}
        save_tensors(path, tensors, {**metadata, "done": self.done})

    def load(self, path: Path) -> None:
        """Go on from a file that `save` wrote for the same settings."""
        tensors, metadata = load_tensors(path)
        self.model.load_state_dict(_under(tensors, "model."))
        self.ema = {name: tensor.to(self.device) for name, tensor in _under(tensors, "ema.").items()}
        state: dict[int, dict[str, Tensor]] = {}
        learnt = [p for group in self.optimizer.param_groups for p in group["params"]]
        for name, tensor in _under(tensors, "adam.").items():
            number, key = name.split(".", 1)
            if tensor.ndim:
                # The fused optimiser walks through memory: a moment must lie there as its weight does.
                tensor = torch.empty_like(learnt[int(number)]).copy_(tensor)
            state.setdefault(int(number), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.done = int(str(metadata["done"]))


def run(trainer: Trainer, batches: Batches, out: Path, say: Callable[[dict[str, object]], None]) -> None:
    """Train to the end of the last stage, from `out`'s checkpoint if there is one; log lines go to `out`/log.jsonl."""
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        trainer.load(checkpoint)
        say({"event": "resumed", "step": trainer.done})
    settings = trainer.settings
    started, first = time.monotonic(), trainer.done
    means: dict[str, float] = {}
    with ThreadPoolExecutor(1) as ahead, (out / "log.jsonl").open("a", encoding="utf-8") as log:
        plan = plan_from(settings.stages, trainer.done)

        def make(place: tuple[int, Stage]) -> Batch:
            return batches.make(place[0], batch=place[1].batch, size_px=place[1].size_px)

        current = next(plan, None)
        pending = ahead.submit(make, current) if current else None
        while pending is not None and current is not None:
            batch = pending.result()
            size_px = current[1].size_px
            current = next(plan, None)
            pending = ahead.submit(make, current) if current else None
            for name, value in trainer.step(batch).items():
                means[name] = value if name not in means else 0.95 * means[name] + 0.05 * value
            if trainer.done % 20 == 0 or current is None:
                rate = (trainer.done - first) / (time.monotonic() - started)
                line: dict[str, object] = {
                    "step": trainer.done,
                    "of": trainer.total_steps,
                    "size_px": size_px,
                    **{name: round(value, 4) for name, value in means.items()},
                    "steps_per_s": round(rate, 3),
                }
                log.write(json.dumps(line) + "\n")
                log.flush()
                say(line)
            if trainer.done % settings.checkpoint_every == 0 or current is None:
                trainer.save(checkpoint, {"name": settings.name})


def device_of(name: str) -> torch.device:
    """The device that a setting means.

    Raises:
        InvalidConfig: it is none that torch knows or that is there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise InvalidConfig(f"device is '{name}', which cannot be used ({error}); give cpu, cuda or auto") from error


def rate_at(step: int, warmup: int, total: int) -> float:
    """Share 0..1 of the learning rate: linear warm-up, then half a cosine to zero.

    >>> rate_at(0, 10, 100), rate_at(9, 10, 100), round(rate_at(55, 10, 100), 3)
    (0.1, 1.0, 0.5)
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def plan_from(stages: tuple[Stage, ...], done: int) -> Iterator[tuple[int, Stage]]:
    """(step, stage) of every step not yet done."""
    step = 0
    for stage in stages:
        for _ in range(stage.steps):
            if step >= done:
                yield step, stage
            step += 1


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
