"""What is true of a picture, closed over the thesaurus: a taotie is an animal motif, and asked for as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from sherd.model.levels import FACETS
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.training.corpus import RENDERED, Example, PhraseTarget
from sherd.types import Concept

LANGUAGES = ("zh-Hans", "zh", "en")
"""Languages of the labels that are learnt; a thesaurus has its Chinese under the first or the second."""


class Closure:
    """Adds to examples what their concepts imply.

    Args:
        thesaurus: where the concepts come from; what is not in it is left as it is.
        labels: (pack, label in lower case) -> URI, for labels of packs that were linked by hand.
        by_name: whether other labels and terms of packs are taken for the one concept that is called so.
    """

    def __init__(self, thesaurus: Thesaurus, labels: Mapping[tuple[str, str], str], *, by_name: bool = False) -> None:
        self._thesaurus = thesaurus
        self._labels = labels
        self._by_name = by_name
        self._called = cache(self._concept_called)
        self.implied = cache(self._implied)
        self.names = cache(self._names)

    def close(self, example: Example) -> Example:
        """The example with linked labels named by URI, regions true of all broader concepts, and phrases for them."""
        phrases = [replace(p, key=self._linked(example.world, p.key)) for p in example.phrases]
        regions = []
        for number, keys in enumerate(example.region_keys):
            named = {self._linked(example.world, key) for key in keys}
            implied = {uri for key in named for uri in self.implied(key)}
            phrases += [PhraseTarget(name, uri, number) for uri in sorted(implied - named) for name in self.names(uri)]
            regions.append(frozenset(named | implied))
        concepts = dict(example.concepts)
        linked = [self._linked(example.world, key) for keys in example.region_keys for key in keys]
        linked += [phrase.key for phrase in phrases if phrase.region < 0]
        linked += [self._called(term) for term in example.terms] if self._by_name else []
        for uri in linked if example.world != RENDERED else ():
            if uri in self._thesaurus:
                facet = self._thesaurus.facet(uri)
                facet = facet if facet in FACETS else "motif"
                concepts[facet] = tuple(dict.fromkeys((*concepts.get(facet, ()), uri)))
        return replace(example, phrases=tuple(phrases), region_keys=tuple(regions), concepts=concepts)

    def _linked(self, world: str, key: str) -> str:
        linked = self._labels.get((world, key), key)
        return self._called(linked) if self._by_name and world != RENDERED else linked

    def _concept_called(self, key: str) -> str:
        found = () if key in self._thesaurus else self._thesaurus.find(key.replace("_", " "))
        return found[0] if len(found) == 1 else key

    def _implied(self, key: str) -> frozenset[str]:
        """Broader concepts of a concept, without the root of its facet."""
        if key not in self._thesaurus:
            return frozenset()
        return frozenset(uri for uri in self._thesaurus.ancestors(key) if self._thesaurus.concept(uri).broader)

    def _names(self, uri: str) -> tuple[str, ...]:
        return names_of(self._thesaurus.concept(uri))


def names_of(concept: Concept) -> tuple[str, ...]:
    """What a concept is called, one name a language (the identifier where it has no name in them)."""
    names = tuple(concept.pref_labels[language] for language in LANGUAGES if language in concept.pref_labels)
    return names or (concept.notation or concept.uri,)
