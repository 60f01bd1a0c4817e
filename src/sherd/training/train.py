"""A training run from its settings file to an exported model folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from sherd.errors import InvalidConfig
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.model.export import export_image, export_text
from sherd.model.teacher import VisionTransformer
from sherd.thesaurus.links import linked_labels
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus, load_thesaurus
from sherd.training.batches import Batches, Source, Vocabulary
from sherd.training.config import DataSettings, TrainSettings, read_settings
from sherd.training.corpus import Corpus, pack_corpus, relic_corpus
from sherd.training.hierarchy import build_facets, permuted
from sherd.training.loop import CHECKPOINT, Trainer, run
from sherd.training.relevance import Closure, names_of
from sherd.training.tokenizer import train_tokenizer

_OF_THE_EXPORT = ("name", "heat_px", "parts_per_image", "threads", "workers", "checkpoint_every")
"""Settings that do not change what is learnt."""


def train(config: Path, *, say: Callable[[dict[str, object]], None], export_only: bool = False) -> Path:
    """Train as `config` says, resuming what is there, and export to `<out>/model`; returns that folder.

    Raises:
        InvalidConfig: the settings do not hold together, or `out` holds a run with other settings.
    """
    return train_settings(read_settings(config), config.parent, say=say, export_only=export_only)


def train_settings(
    settings: TrainSettings, base: Path, *, say: Callable[[dict[str, object]], None], export_only: bool = False
) -> Path:
    """`train` for settings that are at hand; their paths are relative to `base`."""
    out = base / settings.out
    out.mkdir(parents=True, exist_ok=True)
    _same_run(out, settings)
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
    if not export_only:
        thesaurus = _thesaurus(settings.data.thesaurus, base)
        sources = _sources(settings, base, out, thesaurus, say)
        vocabulary = _vocabulary(settings, base, thesaurus, sources)
        tokenizer = _tokenizer(settings, base, out, [source.corpus for source in sources], vocabulary)
        model = DualEncoder(
            ModelSettings(
                settings.image,
                settings.text,
                settings.levels,
                VisionTransformer(_path(base, settings.data.teacher)).width if settings.data.teacher else 0,
                sum(len(facet.nodes) for facet in vocabulary.facets),
            )
        )
        trainer = Trainer(model, settings, vocabulary.facets)
        batches = Batches(
            sources,
            tokenizer,
            seed=settings.seed,
            max_tokens=settings.text.max_tokens,
            captions=settings.captions,
            vocabulary=vocabulary,
        )
        run(trainer, batches, out, say)
    folder = export(settings, out)
    say({"event": "exported", "folder": str(folder)})
    return folder


def export(settings: TrainSettings, out: Path) -> Path:
    """The running mean of the last checkpoint in `out`, as a model folder that `OnnxEncoder` loads.

    Raises:
        InvalidConfig: there is no checkpoint yet.
    """
    if not (out / CHECKPOINT).exists():
        raise InvalidConfig(f"{out}: no {CHECKPOINT} to export; train first")
    tensors, metadata = load_tensors(out / CHECKPOINT)
    model = DualEncoder(ModelSettings(settings.image, settings.text, settings.levels))
    averaged = {k.removeprefix("ema."): v for k, v in tensors.items() if k.startswith("ema.")}
    model.load_state_dict({k: v for k, v in averaged.items() if not k.startswith(("to_teacher.", "residuals"))})
    folder = out / "model"
    folder.mkdir(exist_ok=True)
    export_image(model.image, folder / "image.onnx")
    export_text(model.text, folder / "text.onnx")
    (folder / "tokenizer.json").write_bytes((out / "tokenizer.json").read_bytes())
    about = {
        "name": settings.name,
        "dim": settings.image.dim,
        "size_px": settings.stages[-1].size_px,
        "heat_px": settings.heat_px,
        "parts_per_image": settings.levels.clustering.slots or settings.parts_per_image,
        "max_tokens": settings.text.max_tokens,
    }
    (folder / "model.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    (folder / "trained.json").write_text(
        json.dumps({"steps": metadata["done"], "settings": asdict(settings)}, indent=1, ensure_ascii=False) + "\n",
        "utf-8",
    )
    return folder


def _same_run(out: Path, settings: TrainSettings) -> None:
    """Write the settings beside the run, or refuse to go on with others; those of the export alone may change."""
    path = out / "settings.json"
    learnt = {name: value for name, value in asdict(settings).items() if name not in _OF_THE_EXPORT}
    text = json.dumps(learnt, indent=1, ensure_ascii=False)
    if not path.exists():
        path.write_text(text, "utf-8")
    elif path.read_text("utf-8") != text:
        raise InvalidConfig(f"{out} holds a run with other settings; give another `out`, or remove it to start again")


def _thesaurus(name: str, base: Path) -> Thesaurus:
    if name == "builtin":
        return builtin_thesaurus()
    return load_thesaurus(_path(base, name)) if name else Thesaurus.from_concepts(())


def _vocabulary(settings: TrainSettings, base: Path, thesaurus: Thesaurus, sources: list[Source]) -> Vocabulary:
    """Facets and names of what the data speak of, and pairs of names for the text tower."""
    facets = build_facets(thesaurus, (example.concepts for source in sources for example in source.corpus.examples))
    if settings.method.tree == "permuted":
        facets = [permuted(facet, settings.seed) for facet in facets]
    names = {uri: names_of(thesaurus.concept(uri)) for facet in facets for uri in facet.nodes}
    pairs = []
    for name in settings.data.label_thesauri:
        for concept in _thesaurus(name, base):
            labels = names_of(concept)
            pairs += [(labels[0], labels[1])] if len(labels) > 1 else []
    return Vocabulary(facets, names, pairs)


def _sources(
    settings: TrainSettings, base: Path, out: Path, thesaurus: Thesaurus, say: Callable[[dict[str, object]], None]
) -> list[Source]:
    data = settings.data
    closure = Closure(thesaurus, linked_labels(iconclass=data.thesaurus not in ("", "builtin")))
    cache = _path(base, data.cache) if data.cache else out
    sources = []
    if data.relics:
        relics = relic_corpus(
            data.relics, data.relics_each, data.relics_seed, data.relics_px, settings.workers, cache / "relics"
        )
        relics = replace(relics, examples=[closure.close(example) for example in relics.examples])
        say({"event": "relics", "pictures": len(relics), "regions": len(relics.masks)})
        sources.append(Source(relics, 1 - data.pack_share if data.packs else 1.0))
    if data.packs:
        folders = [_path(base, pack) for pack in data.packs]
        packs = pack_corpus(folders, data.pack_px, splits=data.pack_splits, without=data.pack_without)
        packs = replace(packs, examples=[closure.close(example) for example in packs.examples])
        say({"event": "packs", "pictures": len(packs), "regions": len(packs.masks)})
        sources.append(Source(packs, data.pack_share, _teacher_features(packs, data, base, cache)))
    if not sources:
        raise InvalidConfig("[data] names neither relics nor packs; there is nothing to learn from")
    return sources


def _tokenizer(
    settings: TrainSettings, base: Path, out: Path, corpora: list[Corpus], vocabulary: Vocabulary
) -> Tokenizer:
    path = out / "tokenizer.json"
    if not path.exists():

        def lines() -> Iterator[str]:
            for name in settings.data.tokenizer_texts:
                yield from _path(base, name).read_text("utf-8").splitlines()
            yield from (name for pair in vocabulary.pairs for name in pair)
            yield from (name for names in vocabulary.names.values() for name in names)

        texts = (text for corpus in corpora for text in corpus.texts())
        made = train_tokenizer(texts, vocabulary=settings.text.vocabulary, characters=lines())
        unfinished = path.with_suffix(".part")
        made.save(str(unfinished))
        unfinished.replace(path)
    tokenizer = Tokenizer.from_file(str(path))
    if tokenizer.get_vocab_size() > settings.text.vocabulary:
        raise InvalidConfig(
            f"{path}: the table has {tokenizer.get_vocab_size()} entries, [text] vocabulary allows fewer"
        )
    return tokenizer


def _path(base: Path, name: str) -> Path:
    """A path of the settings file: relative to it, with `$SHERD_SHARED` (default ../shared) filled in."""
    os.environ.setdefault("SHERD_SHARED", "../shared")
    return base / Path(os.path.expandvars(name)).expanduser()


def _teacher_features(packs: Corpus, data: DataSettings, base: Path, out: Path) -> torch.Tensor | None:
    """(n, C, h, w) float16 patch features of the teacher, computed once and kept beside the run."""
    if not data.teacher:
        return None
    digest = hashlib.sha256(packs.pictures.tobytes()).hexdigest()[:16]
    path = out / f"teacher-{digest}.safetensors"
    if path.exists():
        return load_tensors(path)[0]["features"]
    teacher = VisionTransformer(_path(base, data.teacher))
    rows = []
    for start in range(0, len(packs), 32):
        pictures = torch.from_numpy(packs.pictures[start : start + 32]).permute(0, 3, 1, 2).float() / 255
        rows.append(teacher.patches(pictures).half())
    features = torch.cat(rows)
    save_tensors(path, {"features": features}, {})
    return features
