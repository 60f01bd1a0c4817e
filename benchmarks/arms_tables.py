"""The tables of the arms in docs/results.md: the method against its rivals and against itself without its parts."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from provenance import MODELS, RESULTS, ROOT
from reading import gap_with_bounds, last, markdown, with_bounds

from sherd.metrics.bootstrap import interval, paired_interval, ratio_interval

BASE, AS_IS, LARGE_START = "full", "as_is", "start_large-1"
Values = NDArray[np.float64]


def hits(name: str, k: int) -> Callable[[Mapping[str, Any]], Values]:
    """Share of queries with something relevant among the first k of a ranking."""

    def of(result: Mapping[str, Any]) -> Values:
        ranks = np.array(result["ranks"][name])
        return ((ranks >= 1) & (ranks <= k)).astype(np.float64)

    return of


def values(name: str) -> Callable[[Mapping[str, Any]], Values]:
    """Values of a figure, query by query; of a model without local losses by its best localiser."""

    def of(result: Mapping[str, Any]) -> Values:
        found = result["values"]
        return np.array(found.get(f"localiser_{name}", found[name]), np.float64)

    return of


@dataclass(frozen=True)
class Figure:
    """A column: its head, its value for each query of a result, what each query is about (a list of owners in
    arms-queries.json; empty where every query stands alone), and whether two arms have it for the same queries (of
    mistakes they have not)."""

    head: str
    of: Callable[[Mapping[str, Any]], Values]
    about: str = ""
    paired: bool = True

    def clusters(self) -> list[int] | None:
        """What is drawn together."""
        return _queries()["owners"][self.about] if self.about else None


@cache
def _queries() -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = json.loads((RESULTS / "arms-queries.json").read_text("utf-8"))
    return found


ICONS, PAINTINGS = "byzart_icons", "iconart_parts"
FIGURES = {
    figure.head: figure
    for figure in (
        Figure("R@1 object", hits("object", 1), "relics"),
        Figure("R@1 served", hits("served", 1), "relics"),
        Figure("R@5 served", hits("served", 5), "relics"),
        Figure("R@5 unseen", hits("unseen", 5), "unseen"),
        Figure("R@5 unseen, mixed", hits("unseen_mixed", 5)),
        Figure("pointing", values("pointing"), "motifs"),
        Figure("pointing, under 2 %", values("pointing_small"), "motifs_small"),
        Figure("AP30", values("ap30")),
        Figure("AP50", values("ap50")),
        Figure("mask IoU", values("mask_iou"), "motifs"),
        Figure("type named", values("type_accuracy")),
        Figure("kamon R@5", hits("kamon", 5), "kamon"),
        Figure("icons, pointing", values(f"{ICONS}_pointing"), ICONS),
        Figure("paintings, pointing", values(f"{PAINTINGS}_pointing"), PAINTINGS),
        Figure("paintings, label mAP", values(f"{PAINTINGS}_label_ap")),
        Figure("tree distance", values("type_error_distance"), paired=False),
    )
}
COLUMNS = [figure for head, figure in FIGURES.items() if head not in ("pointing, under 2 %", "AP50")]
RIVALRY = [figure for head, figure in FIGURES.items() if head not in ("R@5 served", "type named", "tree distance")]
_OWN_NAMES = ("type", "material", "culture", "motif", "theme")
LEVEL_COLUMNS = [
    *(Figure(f"{name}, by its facet", values(f"{name}_by_facet")) for name in _OWN_NAMES),
    Figure("slot on the motif", values("slot_pointing"), "motifs"),
    Figure("slot, IoU", values("slot_iou"), "motifs"),
]
NAME_COLUMNS = [Figure(f"{name}, by the object", values(f"{name}_accuracy")) for name in _OWN_NAMES]
BASELINES = ("clip", "clip_phrases", "clip_crops", "flair", "siglip", "align")
NETWORKS: Mapping[str, tuple[str, ...]] = {
    "gfiu_anew": ("no_gfiu", "gfiu_concat", "gfiu_sum", "gfiu_up", "gfiu_half"),
    "slots_anew": ("grid_pooling", "no_background", "slot_attention", "slot_sinkhorn", "slot_netvlad"),
    "features_anew": ("no_multiscale",),
}
"""The method's own part begun anew, and the same built otherwise."""
_CULTURE = ("material, by the object", "culture, by the object", "theme, by its facet")
_GATED = ("R@1 served", "theme, by its facet", "culture, by its facet")
_SLOTS = ("slot on the motif", "slot, IoU", "R@1 served")
PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "no_multiscale": ("all stages of the backbone, against the last", ("pointing", "R@1 served")),
    "grid_pooling": ("semantic clustering, against fixed cells", _SLOTS),
    "slot_attention": ("the same, against slot attention", _SLOTS),
    "slot_sinkhorn": ("the same, against Sinkhorn", _SLOTS),
    "slot_netvlad": ("the same, against NetVLAD", _SLOTS),
    "no_background": ("background slot", _SLOTS),
    "no_gfiu": ("gated unit, against none", _GATED),
    "gfiu_concat": ("the same, against concatenation", _GATED),
    "gfiu_sum": ("the same, against gates fixed at 1", _GATED),
    "gfiu_up": ("the same, against the way up alone", _GATED),
    "gfiu_half": ("the same, against gates fixed at a half", _GATED),
    "no_part": ("part loss", ("slot on the motif", "AP30", "R@1 served")),
    "no_region": ("region loss", ("pointing", "pointing, under 2 %", "slot, IoU", "AP30")),
    "no_cover": ("cover of slots", ("slot, IoU",)),
    "no_theme": ("theme loss", ("theme, by its facet", "culture, by its facet")),
    "no_culture": ("culture term", (*_CULTURE, "culture, by its facet")),
    "tree_permuted": ("the right tree, against one permuted", _CULTURE),
    "tree_flat": ("the tree, against flat smoothing", _CULTURE),
    "no_mask": ("mask losses", ("slot, IoU", "slot on the motif")),
    "no_decoupling": ("decoupling", ("slot on the motif", "theme, by its facet", "R@1 served")),
    "no_teacher": ("teacher", ("icons, pointing", "paintings, label mAP", "kamon R@5")),
    "no_composed": ("composed captions", ("R@1 object", "culture, by its facet")),
    "no_soft_targets": ("soft targets", ("R@1 object", "material, by the object", "type named")),
    "no_labels": ("names of the thesaurus", ("type named", "paintings, label mAP")),
}
"""What the method is made of: the arm without it, what it is called, and the figures that it is there for."""
NONE_YET = "No run to compare with is finished yet."


@cache
def _by_arm() -> dict[str, list[dict[str, Any]]]:
    """The finished runs of each arm, by seed."""
    by_arm: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in sorted((RESULTS / "arms").glob("*.json")):
        result = json.loads(file.read_text("utf-8"))
        by_arm[result["arm"]].append(result)
    return dict(by_arm)


def rivals_table() -> str:
    """The full method against the baseline that is best at each figure."""
    return _rivals("")


def sized_rivals_table() -> str:
    """The same at the size of the built-in model."""
    return _rivals("_large")


def _rivals(suffix: str) -> str:
    """Arms are called as at the common budget, and `suffix`."""
    by_arm = _by_arm()
    base, rivals = f"{BASE}{suffix}", [f"{arm}{suffix}" for arm in BASELINES if f"{arm}{suffix}" in by_arm]
    if base not in by_arm or not rivals:
        return NONE_YET
    rows = [["figure", "full", "best baseline", "its figure", "ratio", "difference", "usual place"]]
    unseeing = _unseeing(by_arm[base][0])
    for figure in RIVALRY:
        means = {arm: float(np.mean([figure.of(one) for one in by_arm[arm]])) for arm in rivals}
        best = max(means, key=lambda arm: means[arm])
        about = figure.clusters()
        ours, theirs = _of_same_seeds(by_arm[base], by_arm[best], figure)
        ratio = ratio_interval(ours, theirs, clusters=about, matched=True) if theirs.any() else None
        gap = paired_interval(ours, theirs, clusters=about, matched=True)
        rows.append(
            [
                figure.head,
                with_bounds(interval(np.stack([figure.of(one) for one in by_arm[base]]), clusters=about)),
                best.removesuffix(suffix),
                f"{means[best]:.3f}",
                f"{ratio.mean:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else "",
                gap_with_bounds(gap.mean, gap.low, gap.high),
                f"{unseeing[figure.head]:.3f}" if figure.head in unseeing else "",
            ]
        )
    return markdown(rows)


def _unseeing(result: dict[str, Any]) -> dict[str, float]:
    """By figure, what one gets who knows where a label is on other pictures and does not look; no arm changes it."""
    areas = {"AP30": "ap30", "AP50": "ap50", "mask IoU": "mask_iou"}
    points = {
        "pointing": "prior",
        "pointing, under 2 %": "prior_small",
        "icons, pointing": f"{ICONS}_prior",
        "paintings, pointing": f"{PAINTINGS}_prior",
    }
    found = {head: _queries()["usual_place"][name] for head, name in areas.items()}
    found |= {head: result["values"][name] for head, name in points.items()}
    return {head: float(np.mean(values)) for head, values in found.items()}


def _of_same_seeds(
    first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]], figure: Figure
) -> tuple[Values, Values]:
    """A figure of two arms, (seeds, queries) each, from the runs whose seeds both have: what a seed decides, above all
    which pictures come when, is much the same for both, and so is the luck in it."""
    by_seed = {one["seed"]: one for one in second}
    pairs = [(one, by_seed[one["seed"]]) for one in first if one["seed"] in by_seed]
    return np.stack([figure.of(one) for one, _ in pairs]), np.stack([figure.of(other) for _, other in pairs])


def arms_table() -> str:
    """What begins with the common start, against the full method."""
    begun = {arm: runs for arm, runs in _by_arm().items() if runs[0]["start"] == "start"}
    return _against(BASE, begun, COLUMNS)


def sized_table() -> str:
    """The same at the size of the built-in model."""
    begun = {arm: runs for arm, runs in _by_arm().items() if runs[0]["start"] == LARGE_START}
    return _against(f"{BASE}_large", begun, COLUMNS)


def terms_table() -> str:
    """The full method going on with one term changed, against going on as it is."""
    return _against(AS_IS, _going_on(_by_arm()), COLUMNS)


def levels_table() -> str:
    """The same by what theme facets and slots do by themselves."""
    return _against(AS_IS, _going_on(_with_levels(_by_arm())), LEVEL_COLUMNS)


def parts_table() -> str:
    """What each part of the method adds to the figures that it is there for, and whether the built-in model has it."""
    by_arm, every = _by_arm(), FIGURES | {one.head: one for one in (*LEVEL_COLUMNS, *NAME_COLUMNS)}
    rows = [["part of the method", "its figure", "with", "without", "adds", "seeds", "", "built-in model"]]
    for arm, (name, heads) in PARTS.items():
        base = next((one for one, built in NETWORKS.items() if arm in built), AS_IS)
        if arm not in by_arm or base not in by_arm:
            continue
        head, has = name, "without" if _without_it(arm) else "with"
        for figure in (every[one] for one in heads):
            ours, theirs = _of_same_seeds(by_arm[base], by_arm[arm], figure)
            gap = paired_interval(ours, theirs, clusters=figure.clusters(), matched=True)
            decided = len(ours) > 1 and gap.excludes(0)  # one run a side says nothing of trainings
            mark = "" if not decided else ("**takes away**" if gap.mean < 0 else "**earned**")
            shown = gap_with_bounds(gap.mean, gap.low, gap.high)
            rows.append(
                [head, figure.head, f"{ours.mean():.3f}", f"{theirs.mean():.3f}", shown, str(len(ours)), mark, has]
            )
            head = has = ""
    return markdown(rows)


def _without_it(arm: str) -> bool:
    """Whether the built-in model was trained with all that this arm changes."""
    settings = json.loads((MODELS / "trained.json").read_text("utf-8"))["settings"]
    changes = [one.split("=", 1) for one in _queue()[arm] if "." in one.partition("=")[0]]
    return all(_at(settings, key) == tomllib.loads(f"is = {value}")["is"] for key, value in changes)


@cache
def _queue() -> dict[str, list[str]]:
    """What each arm changes, by its name, in the order of the queue."""
    lines = [
        line.split() for line in (ROOT / "configs/arms.queue").read_text("utf-8").splitlines() if line[:1].isalpha()
    ]
    return {arm: changes for arm, _, *changes in lines}


def _at(table: Any, key: str) -> Any:
    """The value at a dotted key, None where there is none."""
    for name in key.split("."):
        table = table.get(name) if isinstance(table, dict) else None
    return table


def names_table() -> str:
    """What object vectors are called, facet by facet, beside the theme facets of the full method."""
    found = {arm: runs for arm, runs in _by_arm().items() if runs[0]["start"] == "start"}
    return _against(BASE, found, NAME_COLUMNS)


def _with_levels(by_arm: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {arm: runs for arm, runs in by_arm.items() if all("slot_iou" in one["values"] for one in runs)}


def _going_on(by_arm: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    others = {one for base, built in NETWORKS.items() for one in (base, *built)}
    return {arm: runs for arm, runs in by_arm.items() if runs[0]["start"] == f"{BASE}-1" and arm not in others}


def networks_table() -> str:
    """Parts of the network built otherwise, against the method's own, both begun anew on the finished full method."""
    return _networks(_by_arm(), COLUMNS)


def network_levels_table() -> str:
    """The same by what theme facets and slots do by themselves."""
    return _networks(_with_levels(_by_arm()), LEVEL_COLUMNS)


def _networks(by_arm: Mapping[str, list[dict[str, Any]]], columns: Sequence[Figure]) -> str:
    tables = [
        _against(base, {arm: by_arm[arm] for arm in (base, *built) if arm in by_arm}, columns)
        for base, built in NETWORKS.items()
        if base in by_arm
    ]
    return "\n\n".join(tables) or NONE_YET


def _against(
    base: str,
    by_arm: Mapping[str, Sequence[dict[str, Any]]],
    columns: Sequence[Figure],
) -> str:
    """One row an arm: means over seeds and queries; what differs from `base` beyond its interval is marked."""
    if base not in by_arm:
        return NONE_YET
    rows = [["arm", "seeds", *(figure.head for figure in columns), "ms a step"]]
    costs = (last("training-cost") or {}).get("arms", {})
    for arm in _queue():
        if arm not in by_arm:
            continue
        cells = [_cell(by_arm[arm], by_arm[base], figure, is_base=arm == base) for figure in columns]
        rows.append([arm, str(len(by_arm[arm])), *cells, str(costs.get(arm, ""))])
    return markdown(rows)


def _cell(runs: Sequence[dict[str, Any]], base: Sequence[dict[str, Any]], figure: Figure, *, is_base: bool) -> str:
    found = [figure.of(one) for one in runs]
    if not figure.paired:
        every = np.concatenate(found)
        return with_bounds(interval(every)) if every.size > 1 else ""
    table, about = np.stack(found), figure.clusters()
    if is_base:
        return with_bounds(interval(table, clusters=about))
    gap = paired_interval(*_of_same_seeds(runs, base, figure), clusters=about, matched=True)
    mark = " " if not gap.excludes(0) else (" **worse**" if gap.mean < 0 else " **better**")
    return f"{table.mean():.3f} ({gap.mean:+.3f}){mark}".rstrip()


def runs_table() -> str:
    """What was trained, on what, and for how long."""
    groups: dict[tuple[str, int, int], list[dict[str, Any]]] = defaultdict(list)
    for runs in _by_arm().values():
        for one in runs:
            groups[one["start"] or "nothing", one["steps"], one["seed"]].append(one)
    rows = [["begins with", "steps", "seed", "runs", "minutes a run, median of those not cut", "machine"]]
    for (start, steps, seed), some in sorted(groups.items()):
        whole = [one["seconds"] / 60 for one in some if one["seconds"]]
        machines = sorted({one["machine"] for one in some})
        minutes = f"{np.median(whole):.0f}" if whole else ""
        rows.append([start, str(steps), str(seed), str(len(some)), minutes, "; ".join(machines)])
    hours = sum(one["steps"] * one["ms_a_step"] for some in groups.values() for one in some) / 3_600_000
    return f"{markdown(rows)}\n\nTogether {hours:.0f} hours, by the speed that each run had at its end."


TABLES: dict[str, Callable[[], str]] = {
    "arms": arms_table,
    "sized": sized_table,
    "parts": parts_table,
    "terms": terms_table,
    "networks": networks_table,
    "levels": levels_table,
    "network_levels": network_levels_table,
    "names": names_table,
    "runs": runs_table,
    "rivals": rivals_table,
    "sized_rivals": sized_rivals_table,
}
