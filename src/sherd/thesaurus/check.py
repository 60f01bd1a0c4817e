"""What is wrong with a thesaurus as read, and the same thesaurus made sound: without circles, every link known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sherd.thesaurus.folding import fold_label, speaks
from sherd.thesaurus.skos import local_name
from sherd.types import Concept

KINDS = {
    "concept_twice": "concepts described more than once",
    "two_preferred": "concepts with two preferred labels in one language",
    "dangling": "links to concepts that are not there",
    "cycle": "circles of broader concepts",
    "no_label": "concepts without a label",
    "duplicate_label": "labels that several concepts of a facet share",
}
"""Kind of problem -> what it is, for people."""
_COUNTED = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `done` says what was done about it."""

    kind: str
    uri: str
    what: str
    done: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a thesaurus holds and what is wrong with it.

    labels: preferred and alternative. roots: concepts without a broader one. without: language -> concepts that have no
    preferred label in it; it is counted and no problem, for few thesauri are whole in every language.
    """

    concepts: int
    labels: int
    roots: int
    languages: Mapping[str, int]
    facets: Mapping[str, int]
    without: Mapping[str, int]
    problems: tuple[Problem, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Problems by kind, those that occur."""
        found = Counter(problem.kind for problem in self.problems)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"counts": self.counts}


@dataclass(slots=True)
class _Notes:
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, uri: str, what: str, done: str) -> None:
        self.problems.append(Problem(kind, uri, what, done))


def mend(concepts: Iterable[Concept]) -> tuple[tuple[Concept, ...], CheckReport]:
    """The concepts with every broader one known, no circles and a facet each; and what was wrong before.

    - A URI that occurs again is merged with the first: of two preferred labels of a language the first one counts.
    - A link to a concept that is not there is dropped, and so is a concept of which nothing is known but its URI and
      that nothing is narrower than: it was only named.
    - A circle is opened by dropping the link that closes it, walking up from the concepts in the order of their URIs
      with the broader ones in that order too: the same links whatever the order of the source.
    - Concepts without labels and labels that several concepts of one facet share are kept, and told.

    Facets: what the source says, else the local name of the concept that is reached by first broader ones.
    """
    notes = _Notes()
    merged = _merge(concepts, notes)
    _drop_dangling(merged, notes)
    _open_circles(merged, notes)
    _set_facets(merged)
    for concept in merged.values():
        if not concept.pref_labels and not concept.alt_labels:
            notes.add("no_label", concept.uri, "has no label in any language", "kept")
    _tell_duplicates(merged, notes)
    found = tuple(merged.values())
    return found, _report(found, tuple(notes.problems))


def labels_of(concept: Concept) -> list[tuple[str, str, bool]]:
    """(language, label, whether it is preferred), preferred ones first."""
    preferred = [(tag, label, True) for tag, label in concept.pref_labels.items()]
    return preferred + [(tag, label, False) for tag, labels in concept.alt_labels.items() for label in labels]


def _merge(concepts: Iterable[Concept], notes: _Notes) -> dict[str, Concept]:
    merged: dict[str, Concept] = {}
    for concept in concepts:
        first = merged.get(concept.uri)
        if first is None:
            merged[concept.uri] = concept
            continue
        merged[concept.uri] = _joined(first, concept)
        clashing = {
            tag: label for tag, label in concept.pref_labels.items() if first.pref_labels.get(tag, label) != label
        }
        for tag, label in clashing.items():
            what = f"has two preferred labels in {tag}: {first.pref_labels[tag]}, {label}"
            notes.add("two_preferred", concept.uri, what, "the first stays preferred, the second is an alternative")
        # What one file only names and another describes is no second description; nor is a second label alone.
        if labels_of(first) and labels_of(concept) and concept != Concept(concept.uri, clashing):
            notes.add("concept_twice", concept.uri, "is described more than once", "merged; first labels are preferred")
    return merged


def _joined(first: Concept, second: Concept) -> Concept:
    alt: dict[str, list[str]] = {tag: list(labels) for tag, labels in first.alt_labels.items()}
    for tag, label, _ in labels_of(second):
        if label not in (first.pref_labels.get(tag, label), *alt.get(tag, ())):
            alt.setdefault(tag, []).append(label)
    for tag, labels in second.alt_labels.items():
        alt.setdefault(tag, []).extend(label for label in labels if label != first.pref_labels.get(tag))
    matches = {
        word: (*first.matches.get(word, ()), *second.matches.get(word, ()))
        for word in (*first.matches, *second.matches)
    }
    return Concept(
        first.uri,
        {**second.pref_labels, **first.pref_labels},
        {tag: tuple(dict.fromkeys(labels)) for tag, labels in alt.items() if labels},
        tuple(dict.fromkeys((*first.broader, *second.broader))),
        first.notation or second.notation,
        first.facet or second.facet,
        {**second.scope_notes, **first.scope_notes},
        {word: tuple(dict.fromkeys(uris)) for word, uris in matches.items()},
        first.scheme or second.scheme,
    )


def _is_bare(concept: Concept) -> bool:
    """Nothing is known of it but its URI and what it is below."""
    said = (concept.pref_labels, concept.alt_labels, concept.notation, concept.scope_notes, concept.matches)
    return not any(said) and concept.scheme is None


def _drop_dangling(merged: dict[str, Concept], notes: _Notes) -> None:
    above = {uri for concept in merged.values() for uri in concept.broader}
    for uri in [uri for uri, concept in merged.items() if _is_bare(concept) and uri not in above]:
        named = merged.pop(uri).broader
        where = f"is named as narrower than {', '.join(named)}" if named else "is named"
        notes.add("dangling", uri, f"{where} and described nowhere", "left out")
    for uri, concept in merged.items():
        gone = [one for one in concept.broader if one not in merged]
        if gone:
            notes.problems += [Problem("dangling", uri, f"has the broader {one}, which is not there", "link dropped")
                               for one in gone]  # fmt: skip
            merged[uri] = replace(concept, broader=tuple(one for one in concept.broader if one in merged))


def _open_circles(merged: dict[str, Concept], notes: _Notes) -> None:
    dropped: set[tuple[str, str]] = set()
    done: set[str] = set()
    for start in sorted(merged):
        if start in done:
            continue
        way = [start]
        place = {start: 0}
        open_ends = [iter(sorted(merged[start].broader))]
        while way:
            for one in open_ends[-1]:
                if one in place:
                    dropped.add((way[-1], one))
                    circle = " < ".join([*way[place[one] :], one])
                    notes.add("cycle", way[-1], f"is broader than itself: {circle}", f"link to {one} dropped")
                elif one not in done:
                    place[one] = len(way)
                    way.append(one)
                    open_ends.append(iter(sorted(merged[one].broader)))
                    break
            else:
                done.add(way[-1])
                del place[way.pop()]
                open_ends.pop()
    for uri in {uri for uri, _ in dropped}:
        concept = merged[uri]
        merged[uri] = replace(concept, broader=tuple(one for one in concept.broader if (uri, one) not in dropped))


def _set_facets(merged: dict[str, Concept]) -> None:
    for uri in list(merged):
        way = [merged[uri]]
        while way[-1].facet is None and way[-1].broader:
            way.append(merged[way[-1].broader[0]])
        facet = way[-1].facet or local_name(way[-1].uri)
        for concept in way:
            if concept.facet is None:
                merged[concept.uri] = replace(concept, facet=facet)


def _tell_duplicates(merged: Mapping[str, Concept], notes: _Notes) -> None:
    holders: dict[tuple[str, str, str | None], dict[str, str]] = defaultdict(dict)
    for uri, concept in merged.items():
        for tag, label, _ in labels_of(concept):
            holders[tag, fold_label(label), concept.facet].setdefault(uri, label)
    for (tag, _, facet), found in holders.items():
        if len(found) > 1:
            first, *others = found
            what = f"shares the label {found[first]!r} ({tag}) in facet {facet} with {_few(others)}"
            notes.add("duplicate_label", first, what, "kept; looking it up gives all of them")


def _few(uris: Sequence[str]) -> str:
    return ", ".join(uris[:3]) + (f" and {len(uris) - 3} more" if len(uris) > 3 else "")


def _report(concepts: Sequence[Concept], problems: tuple[Problem, ...]) -> CheckReport:
    languages = Counter(tag for concept in concepts for tag in concept.pref_labels)
    without = {
        language: sum(not any(speaks(tag, language) for tag in concept.pref_labels) for concept in concepts)
        for language in _COUNTED
    }
    return CheckReport(
        len(concepts),
        sum(len(labels_of(concept)) for concept in concepts),
        sum(not concept.broader for concept in concepts),
        dict(sorted(languages.items())),
        dict(Counter(concept.facet or "" for concept in concepts)),
        without,
        problems,
    )
