from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.batches import Batches, CaptionSettings, Source, Vocabulary
from sherd.training.corpus import relic_corpus
from sherd.training.hierarchy import build_facets
from sherd.training.relevance import Closure, names_of
from sherd.training.tokenizer import train_tokenizer
from tests.training import tiny


@pytest.fixture
def parts(tmp_path: Path) -> tiny.Parts:
    settings = tiny.settings(tmp_path)
    thesaurus = builtin_thesaurus()
    corpus = relic_corpus(["ritual_bronze"], 8, 1, 64, 1, tmp_path / "relics")
    closure = Closure(thesaurus, {})
    corpus = replace(corpus, examples=[closure.close(example) for example in corpus.examples])
    facets = build_facets(thesaurus, (example.concepts for example in corpus.examples))
    names = {uri: names_of(thesaurus.concept(uri)) for facet in facets for uri in facet.nodes}
    vocabulary = Vocabulary(facets, names, [(n[0], n[1]) for n in names.values() if len(n) > 1])
    tokenizer = train_tokenizer(corpus.texts(), vocabulary=600)
    captions = CaptionSettings(labels=4)
    batches = Batches([Source(corpus, 1.0)], tokenizer, seed=0, max_tokens=16, captions=captions, vocabulary=vocabulary)
    return settings, batches, vocabulary
