"""What a run learns from, gathered as its settings say: pictures with texts, a thesaurus, a table of words."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from string import Template

import torch
from tokenizers import Tokenizer

from sherd.errors import InvalidConfig
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.model.teacher import VisionTransformer
from sherd.thesaurus.links import linked_labels
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus, load_thesaurus
from sherd.training.batches import Source, Vocabulary
from sherd.training.config import DataSettings, TrainSettings
from sherd.training.corpus import Corpus, pack_corpus, relic_corpus
from sherd.training.hierarchy import build_facets, permuted
from sherd.training.relevance import Closure, names_of
from sherd.training.tokenizer import train_tokenizer


@dataclass(frozen=True, slots=True)
class Material:
    """Corpora with their shares of a batch, the concepts they speak of, and the table of words."""

    sources: list[Source]
    vocabulary: Vocabulary
    tokenizer: Tokenizer


def gather(settings: TrainSettings, base: Path, out: Path, say: Callable[[dict[str, object]], None]) -> Material:
    """Everything that the settings name; paths are relative to `base`, what is made is kept in `out` or the cache.

    Raises:
        InvalidConfig: they name nothing to learn from, or a table that is too small.
    """
    data = settings.data
    cache = path_of(base, data.cache) if data.cache else out
    relics, packs = _corpora(replace(data, teacher=""), base, cache, settings.workers)
    sources = []
    if relics is not None:
        say({"event": "relics", "pictures": len(relics), "regions": len(relics.masks)})
        sources.append(Source(relics, 1 - data.pack_share if data.packs else 1.0))
    if packs is not None:
        linked = sum(bool(example.concepts) for example in packs.examples)
        say({"event": "packs", "pictures": len(packs), "regions": len(packs.masks), "with_concepts": linked})
        teacher = _teacher_features(packs, path_of(base, data.teacher), cache) if data.teacher else None
        sources.append(Source(packs, data.pack_share, teacher))
    if not sources:
        raise InvalidConfig("[data] names neither relics nor packs; there is nothing to learn from")
    vocabulary = _vocabulary(settings, base, sources)
    return Material(sources, vocabulary, _tokenizer(settings, base, out, sources, vocabulary))


@lru_cache(maxsize=1)
def _corpora(data: DataSettings, base: Path, cache: Path, workers: int) -> tuple[Corpus | None, Corpus | None]:
    """Drawn relics and packs, closed over the thesaurus; kept for the next run of the same process."""
    thesaurus, ours = _thesaurus(data.thesaurus, base), data.thesaurus in ("", "builtin")
    links = {label: uri for label, uri in linked_labels(iconclass=not ours).items() if ours or uri in thesaurus}
    closure = Closure(thesaurus, links, by_name=data.linked_by_name)

    def closed(corpus: Corpus) -> Corpus:
        return replace(corpus, examples=[closure.close(example) for example in corpus.examples])

    relics = packs = None
    if data.relics:
        folder = cache / "relics"
        relics = closed(relic_corpus(data.relics, data.relics_each, data.relics_seed, data.relics_px, workers, folder))
    if data.packs:
        folders = [path_of(base, pack) for pack in data.packs]
        packs = closed(pack_corpus(folders, data.pack_px, splits=data.pack_splits, without=data.pack_without))
    return relics, packs


def _thesaurus(name: str, base: Path) -> Thesaurus:
    if name == "builtin":
        return builtin_thesaurus()
    return _loaded(path_of(base, name)) if name else Thesaurus.from_concepts(())


@lru_cache(maxsize=2)
def _loaded(path: Path) -> Thesaurus:
    return load_thesaurus(path)


def _vocabulary(settings: TrainSettings, base: Path, sources: list[Source]) -> Vocabulary:
    """Facets and names of what the data speak of, and pairs of names for the text tower."""
    thesaurus = _thesaurus(settings.data.thesaurus, base)
    concepts = (example.concepts for source in sources for example in source.corpus.examples)
    facets = build_facets(thesaurus, concepts, least=settings.data.concept_least)
    if settings.method.tree == "permuted":
        facets = [permuted(facet, settings.seed) for facet in facets]
    names = {uri: names_of(thesaurus.concept(uri)) for facet in facets for uri in facet.nodes}
    pairs = []
    for name in settings.data.label_thesauri:
        for concept in _thesaurus(name, base):
            labels = names_of(concept)
            pairs += [(labels[0], labels[1])] if len(labels) > 1 else []
    return Vocabulary(facets, names, pairs)


def _tokenizer(
    settings: TrainSettings, base: Path, out: Path, sources: list[Source], vocabulary: Vocabulary
) -> Tokenizer:
    """The run's table of words: the one it starts from, or with a cache the one that runs with the same data have."""
    path = out / "tokenizer.json"
    shared = path
    if settings.start:
        shared = path_of(base, settings.start) / "tokenizer.json"
    elif settings.data.cache:
        what = json.dumps([asdict(replace(settings.data, teacher="")), settings.text.vocabulary])
        digest = hashlib.sha256(what.encode()).hexdigest()[:16]
        shared = path_of(base, settings.data.cache) / f"tokenizer-{digest}.json"
    if not path.exists():
        if not shared.exists():
            made = _trained(settings, base, sources, vocabulary)
            _write(shared, made.to_str().encode())
        if shared != path:
            _write(path, shared.read_bytes())
    tokenizer = Tokenizer.from_file(str(path))
    if tokenizer.get_vocab_size() > settings.text.vocabulary:
        raise InvalidConfig(
            f"{path}: the table has {tokenizer.get_vocab_size()} entries, [text] vocabulary allows fewer"
        )
    return tokenizer


def _trained(settings: TrainSettings, base: Path, sources: list[Source], vocabulary: Vocabulary) -> Tokenizer:
    def lines() -> Iterator[str]:
        for name in settings.data.tokenizer_texts:
            yield from path_of(base, name).read_text("utf-8").splitlines()
        yield from (name for pair in vocabulary.pairs for name in pair)
        yield from (name for names in vocabulary.names.values() for name in names)

    texts = (text for source in sources for text in source.corpus.texts())
    return train_tokenizer(texts, vocabulary=settings.text.vocabulary, characters=lines())


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: a run that is killed here leaves no half table."""
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def path_of(base: Path, name: str) -> Path:
    """A path of the settings file: relative to it; `$SHERD_SHARED` (default ../shared) is relative to where one is."""
    shared = os.path.abspath(os.environ.get("SHERD_SHARED", "../shared"))
    return base / Path(Template(name).safe_substitute(os.environ | {"SHERD_SHARED": shared})).expanduser()


def _teacher_features(packs: Corpus, weights: Path, cache: Path) -> torch.Tensor:
    """(n, C, h, w) float16 patch features of the teacher, computed once and kept in the cache."""
    digest = hashlib.sha256(packs.pictures.tobytes()).hexdigest()[:16]
    path = cache / f"teacher-{digest}.safetensors"
    if path.exists():
        return load_tensors(path)[0]["features"]
    teacher = VisionTransformer(weights)
    rows = []
    for start in range(0, len(packs), 32):
        pictures = torch.from_numpy(packs.pictures[start : start + 32]).permute(0, 3, 1, 2).float() / 255
        rows.append(teacher.patches(pictures).half())
    features = torch.cat(rows)
    save_tensors(path, {"features": features}, {})
    return features
