"""From a library and the name of a frozen backbone to a model folder with heads of the collection's own."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch.optim import AdamW

from sherd.encoder.adapted import ABOUT, CARD, HEADS, AdaptedAbout
from sherd.encoder.folders import import_folder
from sherd.encoder.registry import checked_name, models_folder
from sherd.encoder.tapped import TappedBackbone, open_backbone
from sherd.errors import InvalidArgument, InvalidConfig
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.ingest.thumbnails import ThumbnailStore
from sherd.model.adapter import KINDS, LARGE_DIM, Adapter, AdapterSettings, fit_base, save_adapter
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.adapting import Material, Measures, Temperatures, make_batch, measure, objective
from sherd.training.features import PictureFeatures, TextFeatures
from sherd.training.holdings import HELDOUT, TRAIN, VALIDATION, Holding, read_holdings
from sherd.training.loop import rate_at
from sherd.types import Picture

FEATURES = "features"
"""Folder of kept features in a library; it may be removed at any time, and is then made again."""
LEAST = 8
"""Pictures with words, in each of the parts that are learnt from and chosen by, below which nothing can be learnt."""
RIDGES = (0.01, 0.1, 1.0, 10.0)
SHARES = (0.5, 0.0)
_TAP_WIDTH = 192
_SHARE_RATE = 10.0
"""How much faster the shares s learn than the other weights: each is one number that has far to go."""

Say = Callable[[dict[str, object]], None]


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """steps: at most; fewer when `patience` checks in a row, each `check_every` steps, brought nothing better.

    slots: K; 0 takes 16 for a large backbone, else 8. fusion: see `AdapterSettings`.
    """

    steps: int = 600
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    check_every: int = 50
    patience: int = 4
    slots: int = 0
    fusion: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "check_every", "patience"):
            if getattr(self, name) < 1:
                raise InvalidConfig(f"{name} is {getattr(self, name)}; give 1 or more")
        if self.steps < 0 or self.slots < 0:
            raise InvalidConfig(f"steps is {self.steps} and slots is {self.slots}; give 0 or more")


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came out. The measures are of the backbone by itself and of the heads that were kept.

    step: after how many steps they were taken; 0 when nothing was better than the backbone by itself, so that the model
    answers as it does. shares: by how much the s of each of KINDS was then scaled.
    """

    name: str
    folder: str
    backbone: str
    step: int
    shares: dict[str, float]
    parameters: int
    pictures: dict[str, int]
    validation: tuple[Measures, Measures]
    heldout: tuple[Measures, Measures]
    seconds_features: float
    seconds_training: float


def adapt(
    folder: Path,
    backbone_name: str,
    *,
    name: str,
    overwrite: bool = False,
    settings: AdaptSettings | None = None,
    say: Say = lambda line: None,
) -> Adapted:
    """Train heads on the pictures of the library in `folder`, and import them as the model `name`.

    The library's own vectors stay as they are; `sherd reindex --model` takes the new model into use.
    Args:
        backbone_name: see `open_backbone`. overwrite: take the place of a model of that name.
        say: told what happens, as `{"event": ...}`.
    Raises:
        LibraryError: the folder is no library.
        InvalidArgument: the name cannot be used; or too few pictures of the library have words.
        ModelUnavailable, CorruptData, MissingExtra: see `open_backbone`.
    """
    settings = settings or AdaptSettings()
    _check_name(name, overwrite=overwrite)
    backbone = open_backbone(backbone_name)
    started = time.monotonic()
    with Library.open(folder) as library:
        material = gather(library, backbone, say)
    folds = divided(material.holdings)
    gathered = time.monotonic()
    say({"event": "learning", **{fold: len(some) for fold, some in folds.items()}})
    parts = backbone.plain.parts_per_image if backbone.plain else _slots(backbone, settings)
    plain = untrained(backbone, material, folds, settings)
    before = measure(plain, material, folds[VALIDATION], parts=parts)
    say({"event": "checked", "step": 0, **asdict(before)})
    best = train_heads(plain, material, folds, settings, before, parts, say)
    heldout = [measure(one, material, folds[HELDOUT], parts=parts) for one in (plain, best.adapter)]
    done = time.monotonic()
    result = Adapted(
        name=name,
        folder=str(models_folder() / name),
        backbone=backbone.name,
        step=best.step,
        shares=best.shares,
        parameters=sum(p.numel() for p in best.adapter.parameters()),
        pictures={fold: len(some) for fold, some in folds.items()},
        validation=(before, best.measures),
        heldout=(heldout[0], heldout[1]),
        seconds_features=round(gathered - started, 1),
        seconds_training=round(done - gathered, 1),
    )
    _import(best.adapter, backbone, result, overwrite=overwrite)
    return result


def gather(library: Library, backbone: TappedBackbone, say: Say) -> Material:
    """The pictures of the library that have words, and the backbone's features of both, made where they are lacking.

    Raises:
        InvalidArgument: see `divided`; before anything is looked at.
    """
    every = read_holdings(library, builtin_thesaurus())
    holdings = [one for one in every if one.example.captions or one.example.phrases]
    divided(holdings)
    # A backbone may read with other words than before, and what it has seen of the pictures is still good.
    folder = library.folder / FEATURES
    pictures = PictureFeatures(backbone, folder / backbone.looks_fingerprint[:16], reduced=_TAP_WIDTH)
    thumbnails, known = ThumbnailStore(library.thumbnails), {one.picture.sha256: one.picture for one in holdings}

    def read(sha256: str) -> Picture:
        return thumbnail_pixels(thumbnails.read(sha256, known[sha256].thumbnail))

    refused = pictures.add(list(known), read, lambda done, of: say({"event": "features", "done": done, "of": of}))
    for reason in refused.values():
        say({"event": "refused", "reason": reason})
    holdings = [one for one in holdings if one.picture.sha256 not in refused]
    words = sorted({t for one in holdings for t in (*one.example.captions, *(p.text for p in one.example.phrases))})
    texts = TextFeatures(backbone, folder / backbone.fingerprint[:16])
    texts.add(words)
    return Material(holdings, pictures, dict(zip(words, texts.take(words), strict=True)) if words else {})


def divided(holdings: Sequence[Holding]) -> dict[str, list[Holding]]:
    """The holdings of each fold.

    Raises:
        InvalidArgument: there are too few to learn from, or to choose by.
    """
    folds = {fold: [one for one in holdings if one.fold == fold] for fold in (TRAIN, VALIDATION, HELDOUT)}
    for fold in (TRAIN, VALIDATION):
        if len(folds[fold]) < LEAST:
            raise InvalidArgument(
                f"the library has {len(folds[fold])} pictures with words in the {fold} part; {LEAST} are needed at "
                "least. Bring in more of the collection, with its catalogue"
            )
    return folds


def untrained(
    backbone: TappedBackbone, material: Material, folds: dict[str, list[Holding]], settings: AdaptSettings
) -> Adapter:
    """Heads that answer as the backbone does; where it has no words, as the ridge map to them that validates best."""
    torch.manual_seed(settings.seed)
    sizes = AdapterSettings(
        whole_dim=backbone.whole_dim,
        text_dim=backbone.text_dim,
        taps=backbone.taps,
        tap_dim=backbone.tap_dim,
        shared=backbone.shared,
        reduced=material.pictures.reduced,
        width=256 if backbone.tap_dim >= LARGE_DIM else 192,
        slots=_slots(backbone, settings),
        fusion=settings.fusion,
    )
    adapter = Adapter(sizes)
    mean, basis = material.pictures.reduction
    adapter.reduction_mean.copy_(mean)
    adapter.reduction_basis.copy_(basis)
    if not backbone.shared:
        train = folds[TRAIN]
        whole = material.pictures.take([one.picture.sha256 for one in train])[0].float()
        said = torch.stack([material.words(_said(one)).mean(0) for one in train])
        scores = {}
        for ridge in RIDGES:
            weight, bias = fit_base(whole, said, ridge=ridge)
            adapter.base_weight.copy_(weight)
            adapter.base_bias.copy_(bias)
            found = measure(adapter, material, folds[VALIDATION], parts=sizes.slots)
            scores[found.score] = (weight, bias)
        weight, bias = scores[max(scores)]
        adapter.base_weight.copy_(weight)
        adapter.base_bias.copy_(bias)
    return adapter.eval()


@dataclass(frozen=True, slots=True)
class Best:
    """The heads that validate best, and how they came to be; see `Adapted`."""

    adapter: Adapter
    step: int
    shares: dict[str, float]
    measures: Measures


def train_heads(
    plain: Adapter,
    material: Material,
    folds: dict[str, list[Holding]],
    settings: AdaptSettings,
    before: Measures,
    parts: int,
    say: Say,
) -> Best:
    """Train a copy of `plain`; what validates best is kept, `plain` itself where nothing is better than it.

    In the end the share s of each kind of vector is tried at SHARES of what it has become, one kind after the other.
    Source: weight-space ensembles keep what a model knew before (Wortsman et al. 2022, WiSE-FT), here of the shares.
    """
    adapter, best = _copy(plain), Best(plain, 0, dict.fromkeys(KINDS, 1.0), before)
    temperatures = Temperatures()
    optimizer = _optimizer(adapter, temperatures, settings)
    rates = [group["lr"] for group in optimizer.param_groups]
    idle, started = 0, time.monotonic()
    for step in range(settings.steps):
        torch.manual_seed(settings.seed * 1_000_003 + step)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * rate_at(step, max(1, settings.steps // 20), settings.steps)
        batch = make_batch(
            folds[TRAIN], batch=settings.batch, side=material.pictures.side, seed=settings.seed, step=step
        )
        loss, terms = objective(adapter.train(), temperatures, batch, material)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(adapter.parameters(), 5.0)
        optimizer.step()
        if (step + 1) % settings.check_every and step + 1 < settings.steps:
            continue
        found = measure(adapter, material, folds[VALIDATION], parts=parts)
        numbers = {name: round(float(term.detach()), 4) for name, term in terms.items()}
        pace = round((step + 1) / (time.monotonic() - started), 2)
        say({"event": "checked", "step": step + 1, **asdict(found), "losses": numbers, "steps_per_s": pace})
        idle += 1
        if found.score > best.measures.score:
            best, idle = Best(_copy(adapter), step + 1, best.shares, found), 0
        if idle == settings.patience or not math.isfinite(float(loss.detach())):
            break
    for kind in KINDS if best.step else ():
        learnt = best.adapter
        for share in SHARES:
            candidate = _copy(learnt)
            candidate.scale_share(kind, share)
            found = measure(candidate, material, folds[VALIDATION], parts=parts)
            if found.score > best.measures.score and not candidate.still:
                best = Best(candidate, best.step, best.shares | {kind: share}, found)
    return best


def _optimizer(adapter: Adapter, temperatures: Temperatures, settings: AdaptSettings) -> AdamW:
    shares = [adapter.s_image, adapter.s_patch, adapter.s_text]
    others = [p for p in adapter.parameters() if not any(p is s for s in shares)]
    decayed = [p for p in others if p.ndim > 1]
    free = [p for p in others if p.ndim <= 1] + list(temperatures.parameters())
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": free, "weight_decay": 0.0},
        {"params": shares, "weight_decay": 0.0, "lr": settings.learning_rate * _SHARE_RATE},
    ]
    return AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-6)


def _copy(adapter: Adapter) -> Adapter:
    twin = Adapter(adapter.settings)
    twin.load_state_dict(adapter.state_dict())
    return twin


def _said(one: Holding) -> Sequence[str]:
    return one.example.captions or [phrase.text for phrase in one.example.phrases]


def _slots(backbone: TappedBackbone, settings: AdaptSettings) -> int:
    return settings.slots or (16 if backbone.tap_dim >= LARGE_DIM else 8)


def _check_name(name: str, *, overwrite: bool) -> None:
    """Before hours of work rather than after them: a name that cannot be used is refused."""
    checked_name(name)
    if (models_folder() / name).exists() and not overwrite:
        raise InvalidArgument(f"{models_folder() / name} exists; give another --name, or use --replace")


def _import(adapter: Adapter, backbone: TappedBackbone, result: Adapted, *, overwrite: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="sherd-adapt-") as place:
        folder = Path(place)
        save_adapter(folder / HEADS, adapter)
        about = AdaptedAbout(result.name, backbone.name, backbone.fingerprint)
        told = asdict(replace(result, folder="")) | asdict(about)
        (folder / ABOUT).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
        (folder / CARD).write_text(card(result, backbone), "utf-8")
        import_folder(folder, name=result.name, replace=overwrite)


def card(result: Adapted, backbone: TappedBackbone) -> str:
    """The model's card, in Markdown."""
    rows = [
        "| measure | backbone by itself | with these heads |",
        "|---|---|---|",
    ]
    before, after = (asdict(one) for one in result.heldout)
    rows += [f"| {key} | {_shown(before[key])} | {_shown(after[key])} |" for key in before if key != "pictures"]
    kept = (
        f"taken after {result.step} steps, with {_opened(result)} of the shares they had learnt"
        if result.step
        else "that change nothing: none that were trained did better on the validation pictures"
    )
    counts = result.pictures
    return "\n".join(
        [
            f"# {result.name}",
            "",
            f"Heads of {result.parameters:,} numbers over the frozen backbone `{Path(backbone.name).name}`",
            f"(fingerprint {backbone.fingerprint[:12]}), {kept}.",
            f"Made by `sherd adapt` from {counts[TRAIN]} pictures of one library; {counts[VALIDATION]} others chose",
            f"the step, and {counts[HELDOUT]} were held out. On those:",
            "",
            *rows,
            "",
            "The backbone's licence goes on to hold for what it answers. The heads hold what the collection's pictures",
            "and texts taught them, and nothing else of them.",
            "",
        ]
    )


def _opened(result: Adapted) -> str:
    return ", ".join(f"{share:g} ({kind})" for kind, share in result.shares.items())


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
