"""What the review pages show: groups of look-alike parts, progress, examples of concepts, and what was decided last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sherd.catalogue import decisions
from sherd.catalogue.decisions import Kept
from sherd.catalogue.standings import standings, taken_back
from sherd.encoder.protocol import Encoder
from sherd.ingest.library import Library
from sherd.search.words import Language
from sherd.server.named import Named, named
from sherd.server.proposing import Proposer
from sherd.server.shown import Frame
from sherd.suggest.clusters import Cluster, Member, find_clusters
from sherd.suggest.suggest import Suggester
from sherd.types import Action, Box

_MOST_TERMS, _MOST_EXAMPLES = 5, 4
_WHOLE = Box(0, 0, 1, 1)


@dataclass(frozen=True, slots=True)
class Term:
    """A concept that may hold of a group. share: of its records that are known to bear it already, 0..1; likeness: of
    its name to the parts, None where it is not among the nearest. examples: pictures that are known to bear it."""

    concept: Named
    share: float
    likeness: float | None
    examples: tuple[Frame, ...]
    narrower: tuple[tuple[Named, tuple[Frame, ...]], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that look alike, as a page shows them. decided: record ids about which people have said something in this
    facet."""

    name: str
    members: tuple[tuple[Member, Frame], ...]
    decided: frozenset[str]
    terms: tuple[Term, ...]
    likeness: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one facet: records of which a person, only the catalogue, or nobody says something."""

    facet: Named
    person: int
    catalogue: int
    nothing: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Decisions that were made at once: who, when, what, about how many records; numbers to take them back by."""

    who: str
    at: str
    action: Action
    concept: Named | None
    records: tuple[str, ...]
    numbers: tuple[int, ...]
    undone: bool


class Reviewing:
    """Asks the suggester in its own thread; groups are found once for a suggester."""

    def __init__(self, library: Library, proposer: Proposer) -> None:
        self._library, self._proposer = library, proposer
        self._found: dict[tuple[str, int], list[Cluster]] = {}
        self._examples: dict[str, list[Member]] = {}
        self._of: Suggester | None = None

    async def groups(self, encoder: Encoder, facet: str, least: int, language: Language) -> list[Group]:
        """Groups without their terms, those with most undecided members first."""

        def work(suggester: Suggester) -> list[Group]:
            said = _by_people(self._library, facet)
            groups = [self._group(one, said, ()) for one in self.clusters(suggester, facet, least)]
            return sorted(groups, key=lambda one: (len(one.decided) - len(one.members), one.name))

        return await self._proposer.use(encoder, work)

    async def group(self, encoder: Encoder, facet: str, least: int, name: str, language: Language) -> Group | None:
        """One group with the terms that it may bear; None where there is none of this name any more."""

        def work(suggester: Suggester) -> Group | None:
            found = next((one for one in self.clusters(suggester, facet, least) if one.name == name), None)
            if found is None:
                return None
            records = [one.record_id for one in found.members]
            known = dict(suggester.shared_terms(records, facet)[:3])
            near = dict(found.terms)
            uris = list(dict.fromkeys([*known, *near]))[:_MOST_TERMS]
            terms = tuple(self._term(suggester, uri, known, near, language) for uri in uris)
            return self._group(found, _by_people(self._library, facet), terms)

        return await self._proposer.use(encoder, work)

    async def progress(self, encoder: Encoder, language: Language) -> list[Progress]:
        """By facet."""

        def work(suggester: Suggester) -> list[Progress]:
            every = dict.fromkeys(suggester.looks.records)
            found = []
            for facet in suggester.facet_names:
                person = {one for one in _by_people(self._library, facet) if one in every}
                written = {one for one in every if suggester.known.get(one, {}).get(facet)} - person
                top = suggester.thesaurus.concept(suggester.facet_names[facet][0])
                while top.broader:
                    top = suggester.thesaurus.concept(top.broader[0])
                counts = len(person), len(written), len(every) - len(person) - len(written)
                found.append(Progress(named(suggester.thesaurus, top.uri, language), *counts))
            return found

        return await self._proposer.use(encoder, work)

    async def queue(self, encoder: Encoder) -> list[str]:
        """Records about which nobody has decided, those of which least is known first."""

        def work(suggester: Suggester) -> list[str]:
            said = {one.record_id for one in standings(decisions.everything(self._library.catalogue.database))}
            every = [one for one in dict.fromkeys(suggester.looks.records) if one not in said]
            return sorted(every, key=lambda one: len(suggester.known.get(one, {})))

        return await self._proposer.use(encoder, work)

    async def pictures(self, encoder: Encoder, uris: Sequence[str]) -> dict[str, tuple[Frame, ...]]:
        """By concept, pictures that are known to bear it."""

        def work(suggester: Suggester) -> dict[str, tuple[Frame, ...]]:
            return {uri: self.examples(suggester, uri) for uri in uris}

        return await self._proposer.use(encoder, work)

    def clusters(self, suggester: Suggester, facet: str, least: int) -> list[Cluster]:
        """In the suggester's thread."""
        self._follow(suggester)
        if (facet, least) not in self._found:
            self._found[facet, least] = find_clusters(suggester.looks, suggester.facet(facet).concepts, least=least)
        return self._found[facet, least]

    def examples(self, suggester: Suggester, uri: str) -> tuple[Frame, ...]:
        """Pictures that are known to bear a concept, or else one right below it, with the place where that is known; in
        the suggester's thread."""
        self._follow(suggester)
        if not self._examples:
            self._examples = _examples(suggester)
        near = [uri, *suggester.thesaurus.narrower(uri)] if uri in suggester.thesaurus else [uri]
        found = next((self._examples[one] for one in near if one in self._examples), [])
        return tuple(frames(self._library, found).values())

    def _follow(self, suggester: Suggester) -> None:
        if suggester is not self._of:
            self._of, self._found, self._examples = suggester, {}, {}

    def _term(
        self, suggester: Suggester, uri: str, known: Mapping[str, float], near: Mapping[str, float], language: Language
    ) -> Term:
        thesaurus = suggester.thesaurus
        below = tuple(
            (named(thesaurus, one, language), self.examples(suggester, one)) for one in thesaurus.narrower(uri)
        )
        concept = named(thesaurus, uri, language)
        return Term(concept, known.get(uri, 0.0), near.get(uri), self.examples(suggester, uri), below)

    def _group(self, one: Cluster, said: frozenset[str], terms: tuple[Term, ...]) -> Group:
        shown = frames(self._library, one.members)
        members = tuple((member, shown[member]) for member in one.members if member in shown)
        decided = frozenset(member.record_id for member in one.members) & said
        return Group(one.name, members, decided, terms, one.likeness)


def frames(library: Library, members: Iterable[Member]) -> dict[Member, Frame]:
    """The picture of each part, with its box; those whose picture is gone are left out."""
    wanted = list(members)
    keys = library.catalogue.keys_of(list(dict.fromkeys(one.record_id for one in wanted)))
    stored = library.catalogue.pictures_by_key(sorted({key for some in keys.values() for key, _ in some}))
    found = {}
    for one in wanted:
        key = next((key for key, path in keys.get(one.record_id, []) if path == one.image), None)
        if key in stored:
            picture = stored[key]
            src = f"/api/v1/pictures/{picture.sha256}/thumbnail"
            found[one] = Frame(src, picture.width, picture.height, one.box)
    return found


def entries(kept: Sequence[Kept], names: Mapping[str, Named]) -> list[Entry]:
    """Decisions, oldest first given, with those made at once as one; the newest first. Undoing is shown on what it
    undid."""
    undone = taken_back(kept)
    grouped: dict[tuple[str, str, Action, str | None], list[Kept]] = defaultdict(list)
    for one in kept:
        said = one.decision
        if said.action is not Action.UNDO:
            grouped[said.who, said.at, said.action, said.value or said.concept].append(one)
    found = [
        Entry(
            who, at, action, names.get(uri or ""), tuple(one.decision.record_id for one in some),
            tuple(one.number for one in some if one.number not in undone),
            all(one.number in undone for one in some),
        )
        for (who, at, action, uri), some in grouped.items()
    ]  # fmt: skip
    return found[::-1]


def _by_people(library: Library, facet: str) -> frozenset[str]:
    """Records about which people have said something in a facet."""
    said = standings(decisions.everything(library.catalogue.database))
    return frozenset(one.record_id for one in said if one.facet == facet)


def _examples(suggester: Suggester) -> dict[str, list[Member]]:
    """By concept, some pictures of records that are known to bear it; those with a place first."""
    placed: dict[str, list[Member]] = defaultdict(list)
    whole: dict[str, list[Member]] = defaultdict(list)
    images = dict(zip(suggester.looks.records[::-1], suggester.looks.images[::-1], strict=True))
    for record, by_facet in suggester.known.items():
        for known in by_facet.values():
            for uri, place in known.right.items():
                if place is not None and place.box is not None and len(placed[uri]) < _MOST_EXAMPLES:
                    placed[uri].append(Member(record, place.image, place.box))
                elif len(whole[uri]) < _MOST_EXAMPLES and record in images:
                    whole[uri].append(Member(record, images[record], _WHOLE))
    return {uri: [*placed[uri], *whole[uri]][:_MOST_EXAMPLES] for uri in {*placed, *whole}}
