"""The cultural semantic constraint: concepts of a facet as a tree, and the loss that holds predictions to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sherd.model.levels import FACETS, SINGLE_VALUED
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.training.losses import mean_where

TREES = ("right", "permuted", "flat", "none")
"""right: the thesaurus. permuted: its shape over concepts dealt anew. flat: label smoothing in its place. none: off."""

_LEAST = 1e-20
"""Probabilities below are taken for this, so that their logarithm is finite."""


@dataclass(frozen=True, slots=True)
class Facet:
    """The concepts of one facet that the data speak of, and their broader concepts without the root.

    nodes: V URIs. leaves: (L,) rows of the nodes without narrower ones here. below (V, L): the leaf is the node or
    under it. above (V, V): the second is the first or broader. weight (V,): 1 / (1 + height) of each node, for its
    loss as an ancestor. single: whether one concept at most is true of a picture.
    """

    name: str
    nodes: tuple[str, ...]
    leaves: Tensor
    below: Tensor
    above: Tensor
    weight: Tensor
    single: bool

    def to(self, device: torch.device) -> Facet:
        """The facet with its tensors on `device`."""
        leaves, below, above, weight = (one.to(device) for one in (self.leaves, self.below, self.above, self.weight))
        return Facet(self.name, self.nodes, leaves, below, above, weight, self.single)

    def targets(self, concepts: Sequence[Iterable[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """For B pictures (B, V) bool: the concepts that were catalogued, the broader ones, and those that are not true
        and could not be (what is narrower than the catalogued could)."""
        place = {uri: n for n, uri in enumerate(self.nodes)}
        own = torch.zeros(len(concepts), len(self.nodes), dtype=torch.bool)
        for row, uris in enumerate(concepts):
            for uri in uris:
                if uri in place:
                    own[row, place[uri]] = True
        above = self.above.float()
        up, down = own.float() @ above > 0, own.float() @ above.T > 0
        return own, up & ~own, ~up & ~down


def build_facets(
    thesaurus: Thesaurus, concepts: Iterable[Mapping[str, Iterable[str]]], *, least: int = 1
) -> list[Facet]:
    """One `Facet` for each of FACETS of which the examples' `concepts` (facet -> URIs) name anything.

    Args:
        least: a concept that fewer examples name is left out; too many rare ones would cost more than they teach.
    """
    used: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for by_facet in concepts:
        for name, uris in by_facet.items():
            if name in used:
                used[name].update(set(uris))
    often = {
        name: {uri for uri, n in counts.items() if n >= least and uri in thesaurus} for name, counts in used.items()
    }
    return [_facet(name, uris, thesaurus) for name, uris in often.items() if uris]


def _facet(name: str, used: set[str], thesaurus: Thesaurus) -> Facet:
    ancestors = {uri: {a for a in thesaurus.ancestors(uri) if thesaurus.concept(a).broader} for uri in used}
    nodes = tuple(sorted(used.union(*ancestors.values())))
    place = {uri: n for n, uri in enumerate(nodes)}
    above = torch.eye(len(nodes), dtype=torch.bool)
    for uri in nodes:
        for ancestor in thesaurus.ancestors(uri):
            if ancestor in place:
                above[place[uri], place[ancestor]] = True
    is_leaf = above.sum(0) == 1
    leaves = is_leaf.nonzero()[:, 0]
    below = above[leaves].T  # (V, L)
    # Height by the longest way down to a leaf among these nodes.
    height = torch.zeros(len(nodes))
    for n in sorted(range(len(nodes)), key=lambda row: int(above[:, row].sum())):
        under = above[:, n].clone()
        under[n] = False
        if under.any():
            height[n] = height[under].max() + 1
    return Facet(name, nodes, leaves, below, above, 1 / (1 + height), name in SINGLE_VALUED)


def permuted(facet: Facet, seed: int) -> Facet:
    """The same shape of tree with the leaves dealt anew: what a leaf is below is no longer true, but equally often."""
    order = list(range(len(facet.leaves)))
    random.Random(f"{facet.name}:{seed}").shuffle(order)
    below = facet.below.clone()
    inner = torch.ones(len(facet.nodes), dtype=torch.bool)
    inner[facet.leaves] = False
    below[inner] = facet.below[inner][:, order]
    above = facet.above.clone()
    above[facet.leaves] = below.T
    return Facet(facet.name, facet.nodes, facet.leaves, below, above, facet.weight, facet.single)


def node_loss(logits: Tensor, facet: Facet, target: Tensor, absent: Tensor, *, weighted: bool) -> Tensor:
    """Cross-entropy of the nodes that are true of each picture, by the leaves below them.

        one concept is true:  p(node) = sum of p(leaf) over the leaves below it, p(leaf) by softmax
        several are:          p(node) = 1 - product of (1 - p(leaf)), p(leaf) by sigmoid
    Args:
        logits: (B, L) of the leaves.
        target: (B, V) bool. A picture without any is left out.
        absent: (B, V) bool, nodes that are known not to be true; only a sigmoid needs them.
        weighted: whether each node counts by 1 / (1 + height).
    Source: marginalisation as in Deng et al. 2014, label relation graphs; weights falling with height as in
        Bertinetto et al. 2020, making better mistakes.
    """
    below = facet.below.to(logits).T  # (L, V)
    weight = facet.weight.to(logits) if weighted else torch.ones_like(facet.weight).to(logits)
    weights = target * weight
    seen = target.any(1)
    if facet.single:
        log_p = (logits.softmax(1) @ below).clamp(min=_LEAST).log()  # (B, V)
        return mean_where(-(log_p * weights).sum(1) / weights.sum(1).clamp(min=1e-6), seen)
    none = functional.softplus(logits) @ below  # (B, V): minus the log-probability that no leaf below is true
    positive = (-(-torch.expm1(-none)).clamp(min=_LEAST).log() * weights).sum(1) / weights.sum(1).clamp(min=1e-6)
    against = absent * weight
    negative = (none * against).sum(1) / against.sum(1).clamp(min=1e-6)
    return mean_where(positive + negative, seen)


def smoothing_loss(logits: Tensor, seen: Tensor) -> Tensor:
    """Minus the mean log-probability of all leaves, (B, L) where seen (B,): what label smoothing adds.

    Source: Szegedy et al. 2016, equation 7.
    """
    return mean_where(-logits.log_softmax(1).mean(1), seen)
