from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.suggest.clusters import decide_cluster, find_clusters
from sherd.types import Action
from tests.suggest.worlds import collection, concepts

NAMES = concepts()


def test_parts_that_look_alike_are_together_and_named() -> None:
    looks, right = collection(240, noise=0.05)
    found = find_clusters(looks, NAMES)
    covered = pure = 0
    for cluster in (one for one in found if one.likeness > 0.6):
        shown = [next(iter(right[one.record_id])) for one in cluster.members]
        top = max(set(shown), key=shown.count)
        pure += shown.count(top)
        covered += len(shown)
        assert len({one.record_id for one in cluster.members}) == len(cluster.members) >= 5
        assert top in [uri for uri, _ in cluster.terms]
    assert covered > 120
    assert pure / covered > 0.85
    assert [len(one.members) for one in found] == sorted((len(one.members) for one in found), reverse=True)


def test_a_cluster_keeps_its_name_as_long_as_it_is_the_same() -> None:
    looks, _ = collection(120, noise=0.05)
    before = find_clusters(looks, NAMES)
    assert before == find_clusters(looks, NAMES)
    gone = set(looks.records[100:])
    touched = {one.name for one in before if gone & {member.record_id for member in one.members}}
    assert touched
    assert not touched & {one.name for one in find_clusters(looks.rows(np.arange(100)), NAMES)}


def test_too_few_parts_are_no_cluster_and_bad_sizes_are_refused() -> None:
    looks, _ = collection(4)
    assert find_clusters(looks.rows(np.arange(0)), NAMES) == []
    assert find_clusters(looks.rows(np.arange(2)), NAMES) == []
    with pytest.raises(InvalidArgument, match="a cluster of 1"):
        find_clusters(looks, NAMES, least=1)


def test_a_cluster_is_decided_about_as_one() -> None:
    looks, _ = collection(120, noise=0.05)
    found = find_clusters(looks, NAMES)
    first = found[0]
    left_out = first.members[1].record_id
    made = decide_cluster(found, first.name, "urn:beast1", "Li", without=[left_out])
    assert len(made) == len(first.members) - 1
    assert left_out not in {one.record_id for one in made}
    assert {(one.action, one.value) for one in made} == {(Action.OTHER, "urn:beast1")}
    assert (made[0].image, made[0].box) == (first.members[0].image, first.members[0].box)
    refused = decide_cluster(found, first.name, "urn:beast1", "Li", refuse=True)
    assert {(one.action, one.concept, one.value) for one in refused} == {(Action.REJECT, "urn:beast1", None)}
    with pytest.raises(InvalidArgument, match="no cluster 'x', or it has changed"):
        decide_cluster(found, "x", "urn:beast1", "Li")
    with pytest.raises(InvalidArgument, match="record 'r9' is not in cluster"):
        decide_cluster(found, first.name, "urn:beast1", "Li", without=["r9"])
