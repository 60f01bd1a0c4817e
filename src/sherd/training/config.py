"""The settings of a training run, read strictly from TOML."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sherd.errors import InvalidConfig, check_settings
from sherd.model.backbones import ImageSettings
from sherd.model.levels import LevelSettings
from sherd.model.text import TextSettings
from sherd.relics.render import MAX_SIZE_PX, MIN_SIZE_PX
from sherd.training.batches import CaptionSettings
from sherd.training.objective import MethodSettings, Weights

T = TypeVar("T")
_LEAST_PX = 32


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of training at one picture size, a multiple of 16 pixels."""

    size_px: int
    batch: int
    steps: int

    def __post_init__(self) -> None:
        check_settings("[[stages]]", _LEAST_PX, 1024, size_px=self.size_px)
        check_settings("[[stages]]", 2, 1_000_000, batch=self.batch)
        check_settings("[[stages]]", 1, 1_000_000_000, steps=self.steps)
        if self.size_px % 16:
            raise InvalidConfig(f"[[stages]] size_px is {self.size_px}; give a multiple of 16")


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What is learnt from. Paths are relative to the configuration file.

    relics: cultures drawn for training, `relics_each` of each at `relics_px` from `relics_seed`.
    packs: folders in the pack format; `pack_splits` of them, without records whose licence holds one of `pack_without`.
    pack_share: share 0..1 of every batch that comes from packs. pack_px: side of the square that they are kept at.
    tokenizer_texts: further text files, for choosing which characters the table holds.
    teacher: safetensors file of a ViT whose features pack pictures should predict; empty for none.
    thesaurus: where the broader concepts and the facets come from: builtin, or a file or folder; empty for none.
    linked_by_name: labels, types, cultures, materials and themes of packs are taken for the concept that is called so.
    concept_least: concepts that fewer pictures name have no place among the facets.
    label_thesauri: further thesauri (builtin, files or folders) whose names in Chinese and English are matched.
    cache: folder of drawn relics and of the teacher's features, to be shared by runs; empty for the run's own.
    """

    relics: tuple[str, ...] = ()
    relics_each: int = 4_000
    relics_px: int = 160
    relics_seed: int = 1
    packs: tuple[str, ...] = ()
    pack_splits: tuple[str, ...] = ("train",)
    pack_without: tuple[str, ...] = ("GFDL", "GNU Free Documentation")
    pack_share: float = 0.35
    pack_px: int = 192
    tokenizer_texts: tuple[str, ...] = ()
    teacher: str = ""
    thesaurus: str = "builtin"
    linked_by_name: bool = True
    concept_least: int = 20
    label_thesauri: tuple[str, ...] = ()
    cache: str = ""

    def __post_init__(self) -> None:
        check_settings("[data]", 1, 100_000_000, relics_each=self.relics_each, concept_least=self.concept_least)
        check_settings("[data]", MIN_SIZE_PX, MAX_SIZE_PX, relics_px=self.relics_px)
        check_settings("[data]", 0, 2**62, relics_seed=self.relics_seed)
        check_settings("[data]", _LEAST_PX, 4096, pack_px=self.pack_px)
        check_settings("[data]", 0, 1, pack_share=self.pack_share)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How it is learnt. Rates are of AdamW with a linear warm-up and a cosine to zero; `ema` is the decay a step.

    device: cpu, cuda, or auto (cuda where there is one). start: folder of a finished run, or of an exported model,
    whose weights (of a run the averaged ones) and table of words are taken to begin with, as far as their names and
    sizes agree; empty to begin from nothing. anew:
    beginnings of the names of weights that are not taken all the same, such as "image.gfiu".
    """

    name: str
    out: str
    seed: int = 0
    stages: tuple[Stage, ...] = (Stage(96, 128, 3_000),)
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 200
    ema: float = 0.999
    checkpoint_every: int = 200
    threads: int = 0
    workers: int = 2
    device: str = "auto"
    start: str = ""
    anew: tuple[str, ...] = ()
    heat_px: int = 224
    parts_px: int = 0
    int8_text: bool = False
    parts_per_image: int = 8
    data: DataSettings = field(default_factory=DataSettings)
    image: ImageSettings = field(default_factory=ImageSettings)
    levels: LevelSettings = field(default_factory=LevelSettings)
    text: TextSettings = field(default_factory=TextSettings)
    captions: CaptionSettings = field(default_factory=CaptionSettings)
    method: MethodSettings = field(default_factory=MethodSettings)
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        if not self.stages:
            raise InvalidConfig("there is no [[stages]]; give one at least")
        check_settings("", 0, 10, learning_rate=self.learning_rate, weight_decay=self.weight_decay)
        check_settings("", 0, 2**62, seed=self.seed, warmup_steps=self.warmup_steps, threads=self.threads)
        check_settings("", 0, 0.999999, ema=self.ema)
        check_settings("", 1, 1_000_000_000, checkpoint_every=self.checkpoint_every, workers=self.workers)
        check_settings("", _LEAST_PX, 4096, heat_px=self.heat_px, parts_px=self.parts_px or _LEAST_PX)
        check_settings("", 1, 256, parts_per_image=self.parts_per_image)
        if self.image.dim != self.text.dim:
            raise InvalidConfig(
                f"[image] dim is {self.image.dim} and [text] dim {self.text.dim}; pictures and texts share one space"
            )
        if self.method.phrases == "slots" and not self.levels.clustering.slots:
            raise InvalidConfig(
                "[method] phrases is 'slots' and [levels.clustering] slots is 0; choose 'patches', or more slots"
            )


def read_settings(path: Path) -> TrainSettings:
    """The settings in a TOML file.

    Raises:
        InvalidConfig: the file is absent or no TOML, or a key (named) is unknown, missing or of the wrong type.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InvalidConfig(f"{path}: no such file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path}: not TOML ({error})") from error
    return build(TrainSettings, raw, str(path))


def build(kind: type[T], raw: dict[str, Any], where: str) -> T:
    """A settings dataclass from a table, every key checked by name and type."""
    hints = get_type_hints(kind)
    values = {}
    for key, value in raw.items():
        if key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            hint = f" Did you mean '{near[0]}'?" if near else f" Known keys: {', '.join(hints)}."
            raise InvalidConfig(f"{where}: no key '{key}'.{hint}")
        values[key] = _convert(hints[key], value, f"{where}: {key}")
    required = [
        f.name
        for f in dataclasses.fields(kind)  # type: ignore[arg-type]
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing := [name for name in required if name not in values]:
        raise InvalidConfig(f"{where}: no key {', '.join(map(repr, missing))}; give one")
    try:
        return kind(**values)
    except InvalidConfig as error:
        raise InvalidConfig(f"{where}: {error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise InvalidConfig(f"{where} must be a table")
        return build(hint, value, where)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise InvalidConfig(f"{where} must be a list")
        kinds = get_args(hint)
        if Ellipsis not in kinds and len(value) != len(kinds):
            raise InvalidConfig(f"{where} must be a list of {len(kinds)}, not of {len(value)}")
        return tuple(_convert(kinds[0], one, f"{where}[{n}]") for n, one in enumerate(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise InvalidConfig(f"{where} must be {hint.__name__}, not {value!r}")
    return value
