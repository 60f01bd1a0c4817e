"""A training run from its settings file to an exported model folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from sherd.errors import InvalidConfig
from sherd.model.checkpoint import load_tensors
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.model.export import export_image, export_text
from sherd.model.exported import exported_weights, settle
from sherd.training.batches import Batches
from sherd.training.config import TrainSettings, read_settings
from sherd.training.loop import CHECKPOINT, Trainer, run
from sherd.training.material import gather, path_of

_OF_THE_EXPORT = (
    "name", "heat_px", "parts_px", "int8_text", "parts_per_image", "threads", "workers", "checkpoint_every",
)  # fmt: skip
"""Settings that do not change what is learnt."""
_LEAST_TAKEN = 0.5
_SETTINGS = "settings.json"


def train(config: Path, *, say: Callable[[dict[str, object]], None], export_only: bool = False) -> Path:
    """Train as `config` says, resuming what is there, and export to `<out>/model`; returns that folder.

    Raises:
        InvalidConfig: the settings do not hold together, `start` holds no run or model, or `out` holds a run with other
            settings.
    """
    return train_settings(read_settings(config), config.parent, say=say, export_only=export_only)


def train_settings(
    settings: TrainSettings, base: Path, *, say: Callable[[dict[str, object]], None], export_only: bool = False
) -> Path:
    """`train` for settings that are at hand; their paths are relative to `base`."""
    out = base / settings.out
    _check_same_run(out, settings)
    if settings.start and not export_only:
        _check_start(path_of(base, settings.start))
    out.mkdir(parents=True, exist_ok=True)
    if not (out / _SETTINGS).exists():
        (out / "tokenizer.json").unlink(missing_ok=True)  # of an attempt that never began
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
    if not export_only:
        trainer, batches = prepare(settings, base, out, say)
        (out / _SETTINGS).write_text(_learnt(settings), "utf-8")  # what cannot begin binds nobody to its settings
        run(trainer, batches, out, say)
    folder = export(settings, out)
    say({"event": "exported", "folder": str(folder)})
    return folder


def prepare(
    settings: TrainSettings, base: Path, out: Path, say: Callable[[dict[str, object]], None]
) -> tuple[Trainer, Batches]:
    """A model that begins as the settings say, and what it will be shown; `out` keeps what was drawn."""
    material = gather(settings, base, out, say)
    teachers = [source.teacher.shape[1] for source in material.sources if source.teacher is not None]
    concepts = sum(len(facet.nodes) for facet in material.vocabulary.facets)
    sizes = ModelSettings(settings.image, settings.text, settings.levels, max(teachers, default=0), concepts)
    model = DualEncoder(sizes)
    batches = Batches(
        material.sources,
        material.tokenizer,
        seed=settings.seed,
        max_tokens=settings.text.max_tokens,
        captions=settings.captions,
        vocabulary=material.vocabulary,
    )
    if settings.start:
        say({"event": "started from", **begin_with(model, path_of(base, settings.start), settings.anew)})
        stage = settings.stages[0]
        settle(model.image, batches.make(0, batch=stage.batch, size_px=stage.size_px).pictures)
    return Trainer(model, settings, material.vocabulary.facets), batches


def export(settings: TrainSettings, out: Path) -> Path:
    """The running mean of the last checkpoint in `out`, as a model folder that `OnnxEncoder` loads.

    Raises:
        InvalidConfig: there is no checkpoint yet.
    """
    if not (out / CHECKPOINT).exists():
        raise InvalidConfig(f"{out}: no {CHECKPOINT} to export; train first")
    model = DualEncoder(ModelSettings(settings.image, settings.text, settings.levels))
    weights, steps = averaged_weights(out)
    model.load_state_dict(weights)
    folder = out / "model"
    folder.mkdir(exist_ok=True)
    export_image(model.image, folder / "image.onnx")
    export_text(model.text, folder / "text.onnx", int8=settings.int8_text)
    (folder / "tokenizer.json").write_bytes((out / "tokenizer.json").read_bytes())
    about = {
        "name": settings.name,
        "dim": settings.image.dim,
        "size_px": settings.stages[-1].size_px,
        "heat_px": settings.heat_px,
        "parts_per_image": settings.levels.clustering.slots or settings.parts_per_image,
        "max_tokens": settings.text.max_tokens,
        "parts_px": settings.parts_px,
    }
    (folder / "model.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    temperatures = {name: weights[name].tolist() for name in ("logit_scales", "logit_biases")}
    told = {"steps": steps, "temperatures": temperatures, "settings": asdict(settings)}
    (folder / "trained.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return folder


def begin_with(model: DualEncoder, run: Path, anew: tuple[str, ...] = ()) -> dict[str, object]:
    """Give `model` the averaged weights of a run, or those of an exported model, where names and sizes agree.

    Args:
        run: the folder of either.
        anew: beginnings of names that are left as they are.
    Returns:
        How many tensors were taken, and how many of the model's own were left as they were.
    Raises:
        InvalidConfig: less than half of the other run's weights agree, or nothing has a name that begins so.
    """
    exported = not (run / CHECKPOINT).exists() and (run / "image.onnx").exists()
    weights, steps = (_weights_of_export if exported else averaged_weights)(run)
    own = model.state_dict()
    taken = {k: v for k, v in weights.items() if k in own and v.shape == own[k].shape}
    share = sum(v.numel() for v in taken.values()) / sum(v.numel() for v in weights.values())
    if share < _LEAST_TAKEN:
        raise InvalidConfig(
            f"start: {run} holds another kind of model; {share:.0%} of its weights fit, {_LEAST_TAKEN:.0%} must"
        )
    for beginning in anew:
        if not any(name.startswith(beginning) for name in weights):
            raise InvalidConfig(f"anew: no weight of {run} has a name that begins with {beginning!r}")
    taken = {k: v for k, v in taken.items() if not k.startswith(anew)} if anew else taken
    model.load_state_dict(own | taken)
    return {"steps": steps, "taken": len(taken), "left": len(own) - len(taken)}


def _weights_of_export(folder: Path) -> tuple[dict[str, torch.Tensor], int]:
    """The weights of an exported model, with its temperatures where it has them, and the steps it was trained for."""
    about = json.loads((folder / "trained.json").read_text("utf-8"))
    kept = {name: torch.tensor(values) for name, values in about.get("temperatures", {}).items()}
    return exported_weights(folder) | kept, int(about["steps"])


def averaged_weights(out: Path) -> tuple[dict[str, torch.Tensor], int]:
    """The running mean of the weights in the last checkpoint in `out`, without what only training needs; its step."""
    tensors, metadata = load_tensors(out / CHECKPOINT)
    averaged = {k.removeprefix("ema."): v for k, v in tensors.items() if k.startswith("ema.")}
    kept = {k: v for k, v in averaged.items() if not k.startswith(("to_teacher.", "residuals"))}
    return kept, int(str(metadata["done"]))


def _learnt(settings: TrainSettings) -> str:
    """The settings that decide what is learnt, as they are kept beside the run."""
    learnt = {name: value for name, value in asdict(settings).items() if name not in _OF_THE_EXPORT}
    return json.dumps(learnt, indent=1, ensure_ascii=False)


def _check_same_run(out: Path, settings: TrainSettings) -> None:
    """Refuse to go on with a run of other settings; those of the export alone may change."""
    path = out / _SETTINGS
    if path.exists() and path.read_text("utf-8") != _learnt(settings):
        raise InvalidConfig(f"{out} holds a run with other settings; give another `out`, or remove it to start again")


def _check_start(folder: Path) -> None:
    """Refuse to begin with what is not there, before anything is drawn."""
    held = [name for name in (CHECKPOINT, "image.onnx") if (folder / name).exists()]
    if not held or not (folder / "tokenizer.json").exists():
        raise InvalidConfig(
            f"start: {folder} holds no run and no model: {CHECKPOINT} or image.onnx, and tokenizer.json"
        )
