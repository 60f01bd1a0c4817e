from __future__ import annotations

import math

import pytest
import torch

from sherd.thesaurus.thesaurus import Thesaurus
from sherd.training.hierarchy import Facet, build_facets, node_loss, permuted, smoothing_loss
from sherd.types import Concept


def concept(name: str, *broader: str) -> Concept:
    return Concept(name, {"en": name}, {}, broader, None, "type", {}, {})


@pytest.fixture
def thesaurus() -> Thesaurus:
    """type > vessel > (ding, gui); type > bell."""
    return Thesaurus.from_concepts(
        [
            concept("type"),
            concept("vessel", "type"),
            concept("ding", "vessel"),
            concept("gui", "vessel"),
            concept("bell", "type"),
        ]
    )


def facet(thesaurus: Thesaurus, name: str = "type") -> Facet:
    found = build_facets(thesaurus, [{name: ("ding",)}, {name: ("gui", "bell")}])
    assert [one.name for one in found] == [name]
    return found[0]


def test_a_facet_has_what_is_named_and_all_above_but_the_root(thesaurus: Thesaurus) -> None:
    made = facet(thesaurus)
    assert made.nodes == ("bell", "ding", "gui", "vessel")
    assert [made.nodes[n] for n in made.leaves] == ["bell", "ding", "gui"]
    assert made.below[made.nodes.index("vessel")].tolist() == [False, True, True]
    assert made.weight.tolist() == [1, 1, 1, 0.5]
    own, broader, absent = made.targets([["ding"], ["vessel"], []])
    assert own.tolist() == [[False, True, False, False], [False, False, False, True], [False] * 4]
    assert broader.tolist() == [[False, False, False, True], [False] * 4, [False] * 4]
    # what is narrower than what was catalogued could be true
    assert absent.tolist() == [[True, False, True, False], [True, False, False, False], [True] * 4]


def test_rare_concepts_have_no_place(thesaurus: Thesaurus) -> None:
    found = build_facets(thesaurus, [{"type": ("ding",)}] * 3 + [{"type": ("bell",)}], least=2)
    assert found[0].nodes == ("ding", "vessel")


def test_the_loss_of_a_single_valued_facet_by_hand(thesaurus: Thesaurus) -> None:
    made = facet(thesaurus)
    logits = torch.tensor([[0.0, math.log(2.0), math.log(3.0)]])  # bell 1/6, ding 2/6, gui 3/6
    own, broader, absent = made.targets([["ding"]])
    assert float(node_loss(logits, made, own, absent, weighted=False)) == pytest.approx(-math.log(2 / 6), abs=1e-5)
    assert float(node_loss(logits, made, broader, absent, weighted=True)) == pytest.approx(-math.log(5 / 6), abs=1e-5)


def test_a_record_catalogued_above_the_leaves_teaches_too(thesaurus: Thesaurus) -> None:
    made = facet(thesaurus)
    logits = torch.zeros(1, 3, requires_grad=True)
    own, _, absent = made.targets([["vessel"]])
    node_loss(logits, made, own, absent, weighted=False).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    bell, ding, gui = logits.grad[0].tolist()
    assert bell > 0
    assert ding == pytest.approx(gui)
    assert ding < 0


def test_the_loss_of_a_facet_with_several_values_by_hand(thesaurus: Thesaurus) -> None:
    made = facet(thesaurus, "motif")
    assert not made.single
    logits = torch.tensor([[0.0, math.log(3.0), 0.0]])  # bell 1/2, ding 3/4, gui 1/2
    own, broader, absent = made.targets([["ding"]])
    # true: -log 3/4; not true (bell, gui): mean of -log(1 - 1/2)
    expected = -math.log(3 / 4) + math.log(2)
    assert float(node_loss(logits, made, own, absent, weighted=False)) == pytest.approx(expected, abs=1e-5)
    # vessel: 1 - 1/4 * 1/2
    inner = absent & torch.tensor([False, False, False, True])
    assert float(node_loss(logits, made, broader, inner, weighted=True)) == pytest.approx(-math.log(7 / 8), abs=1e-5)


def test_pictures_without_a_word_on_the_facet_are_left_out(thesaurus: Thesaurus) -> None:
    made = facet(thesaurus)
    own, _, absent = made.targets([[], []])
    assert float(node_loss(torch.randn(2, 3), made, own, absent, weighted=False)) == 0


def test_a_permuted_tree_has_the_same_shape_and_other_members(thesaurus: Thesaurus) -> None:
    made = facet(thesaurus)
    found = {tuple(permuted(made, seed).below[3].tolist()) for seed in range(20)}
    assert all(sum(row) == 2 for row in found)
    assert len(found) > 1
    other = permuted(made, 1)
    own, broader, _ = other.targets([["bell"], ["ding"], ["gui"]])
    assert own.sum().item() == 3
    assert broader[:, 3].sum().item() == 2
    assert broader[:, 3].tolist() == other.below[3].tolist()


def test_smoothing_by_hand() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])
    expected = -(math.log(1 / 4) + math.log(3 / 4)) / 2
    assert float(smoothing_loss(logits, torch.tensor([True]))) == pytest.approx(expected)
