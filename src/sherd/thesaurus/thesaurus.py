"""A thesaurus in memory: what is broader than what, how far two concepts are apart, and what a label means."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from sherd.errors import SourceError, UnknownConcept
from sherd.thesaurus.check import CheckReport, labels_of, mend
from sherd.thesaurus.folding import fold_label, fold_pinyin, fold_tagged, speaks
from sherd.thesaurus.iconclass import NOTATIONS, read_iconclass
from sherd.thesaurus.linking import Named
from sherd.thesaurus.skos import local_name, read_skos
from sherd.types import Concept

_ALIKE = 80
"""Per cent of likeness from which a label is looked at more closely."""
_IN_FOLDERS = (".ttl", ".rdf", ".jsonld", ".nt")


class Thesaurus:
    """Concepts and their broader ones, as a directed acyclic graph; never changed once it is made.

    Every method that takes a URI raises UnknownConcept, which names near ones, where there is no such concept. `scheme`
    is the URI of the scheme that most concepts are in, None where no concept tells; `report` what was wrong as read.
    """

    def __init__(self, concepts: Mapping[str, Concept], report: CheckReport) -> None:
        """Use `from_concepts`: here the concepts must be sound already."""
        self._concepts = MappingProxyType(dict(concepts))
        self.report = report
        narrower: dict[str, list[str]] = defaultdict(list)
        for uri, concept in self._concepts.items():
            for one in concept.broader:
                narrower[one].append(uri)
        self._narrower = {uri: tuple(found) for uri, found in narrower.items()}
        self._up: dict[str, Mapping[str, int]] = {}
        self._labels: Mapping[str, tuple[Named, ...]] | None = None
        schemes = Counter(concept.scheme for concept in self if concept.scheme)
        self.scheme = schemes.most_common(1)[0][0] if schemes else None

    @classmethod
    def from_concepts(cls, concepts: Iterable[Concept]) -> Thesaurus:
        """A thesaurus of these concepts, mended as `sherd.thesaurus.check.mend` says; `report` tells what was wrong."""
        found, report = mend(concepts)
        return cls({concept.uri: concept for concept in found}, report)

    def __len__(self) -> int:
        return len(self._concepts)

    def __contains__(self, uri: object) -> bool:
        return uri in self._concepts

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts.values())

    def concept(self, uri: str) -> Concept:
        """The concept with this URI."""
        try:
            return self._concepts[uri]
        except KeyError:
            # Comparing with all of 75,000 takes seconds, so only with those whose name begins alike.
            alike = uri[: len(uri) - len(local_name(uri)) + 2]
            near = difflib.get_close_matches(uri, [one for one in self._concepts if one.startswith(alike)], cutoff=0.8)
            hint = f"; near ones are {', '.join(near)}" if near else ""
            raise UnknownConcept(f"the thesaurus has no concept {uri!r}{hint}") from None

    def narrower(self, uri: str) -> tuple[str, ...]:
        """What names this concept as broader, in the order of the source."""
        self.concept(uri)
        return self._narrower.get(uri, ())

    def ancestors(self, uri: str) -> frozenset[str]:
        """All broader concepts, on every way up; not the concept itself."""
        return frozenset(self.steps_up(uri)) - {uri}

    def descendants(self, uri: str) -> frozenset[str]:
        """All narrower concepts, on every way down; not the concept itself."""
        found: set[str] = set()
        open_ends = [*self.narrower(uri)]
        while open_ends:
            one = open_ends.pop()
            if one not in found:
                found.add(one)
                open_ends += self._narrower.get(one, ())
        return frozenset(found)

    def leaves(self, uri: str) -> frozenset[str]:
        """The descendants without narrower concepts; the concept itself where it has none."""
        return frozenset(one for one in self.descendants(uri) | {uri} if one not in self._narrower)

    def depth(self, uri: str) -> int:
        """Steps on the shortest way up to a concept without a broader one, which has depth 0."""
        return min(steps for one, steps in self.steps_up(uri).items() if not self._concepts[one].broader)

    def distance(self, a: str, b: str) -> int:
        """Steps on the shortest way from one concept to the other that goes up, and then down.

        Two concepts without a common broader one are as far apart as if one concept were above all roots:
        depth(a) + depth(b) + 2.
        """
        up_a, up_b = self.steps_up(a), self.steps_up(b)
        common = up_a.keys() & up_b.keys()
        if not common:
            return self.depth(a) + self.depth(b) + 2
        return min(up_a[one] + up_b[one] for one in common)

    def facet(self, uri: str) -> str:
        """Local name of the top concept that the concept's first broader ones lead to."""
        return self.concept(uri).facet or ""

    def find(self, label: str, language: str | None = None) -> tuple[str, ...]:
        """URIs of the concepts that have this label, as a preferred one first; empty where there are none.

        Case, width, the simplified or traditional form of a character, and the tones and spaces of pinyin do not count.

        Args:
            language: only labels in it; 'zh' takes 'zh-Hans' and 'zh-Hant', and no pinyin ('zh-Latn').
        """
        forms = {form for form in (fold_label(label), fold_pinyin(label)) if form}
        found = [one for some in self.named(forms).values() for one in some]
        spoken = [one for one in found if language is None or speaks(one.language, language)]
        return tuple(dict.fromkeys(one.uri for one in sorted(spoken, key=lambda one: not one.preferred)))

    def named(self, folded: Collection[str]) -> Mapping[str, Sequence[Named]]:
        """See `sherd.thesaurus.linking.Labels`; preferred labels first."""
        index = self._label_index()
        return {form: index[form] for form in folded if form in index}

    def alike(self, folded: str) -> Sequence[Named]:
        """See `sherd.thesaurus.linking.Labels`; 20 forms at most."""
        from rapidfuzz import fuzz, process  # imported on use: most texts are labels

        index = self._label_index()
        near = process.extract(folded, index.keys(), scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=20)
        return [one for form, _, _ in near for one in index[form]]

    def steps_up(self, uri: str) -> Mapping[str, int]:
        """The concept (0) and all its ancestors -> fewest steps up to each."""
        if uri not in self._up:
            self.concept(uri)
            steps = {uri: 0}
            for one in (queue := [uri]):
                for above in self._concepts[one].broader:
                    if above not in steps:
                        steps[above] = steps[one] + 1
                        queue.append(above)
            self._up[uri] = steps
        return self._up[uri]

    def _label_index(self) -> Mapping[str, tuple[Named, ...]]:
        """By folded form, made when it is first needed."""
        if self._labels is None:
            found: dict[str, list[Named]] = defaultdict(list)
            for uri, concept in self._concepts.items():
                for tag, label, preferred in labels_of(concept):
                    named = Named(uri, label, tag, preferred, concept.facet or "")
                    found[fold_tagged(label, tag)].append(named)
            self._labels = {
                form: tuple(sorted(some, key=lambda one: not one.preferred)) for form, some in found.items()
            }
        return self._labels


@cache
def builtin_thesaurus() -> Thesaurus:
    """Sherd's own thesaurus, read once from its Turtle files."""
    return Thesaurus.from_concepts(read_builtin())


def load_thesaurus(path: Path) -> Thesaurus:
    """The thesaurus in a file or folder; see `read_concepts`.

    Raises:
        SourceError: as `read_concepts`, or what is read describes no concept.
    """
    thesaurus = Thesaurus.from_concepts(read_concepts(path))
    if not len(thesaurus):
        raise SourceError(f"{path}: describes no concept (nothing in it is a skos:Concept)")
    return thesaurus


def read_builtin() -> Iterator[Concept]:
    """The concepts of Sherd's own thesaurus as written."""
    data = resources.files("sherd.thesaurus") / "data"
    for file in sorted(data.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".ttl"):
            with resources.as_file(file) as path:
                yield from read_skos(path)


def read_concepts(path: Path) -> Iterator[Concept]:
    """The concepts of a SKOS file, of all SKOS files of a folder (in the order of their names), or of Iconclass.

    A folder with `notations.txt` in it is Iconclass in its native form.

    Raises:
        SourceError: there is nothing at `path`, nothing of these kinds, or it cannot be read.
    """
    if not path.is_dir():
        yield from read_skos(path)
    elif (path / NOTATIONS).exists():
        yield from read_iconclass(path)
    else:
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in _IN_FOLDERS)
        if not files:
            known = ", ".join(_IN_FOLDERS)
            raise SourceError(f"{path}: holds no SKOS file ({known}) and no {NOTATIONS} of Iconclass")
        for file in files:
            yield from read_skos(file)
