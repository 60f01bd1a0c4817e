"""Fill the tables of docs/results.md and docs/performance.md from the JSON reports (`make results`).

`--check` only says if they are right.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from performance_tables import TABLES as PERFORMANCE
from provenance import RESULTS, ROOT

from sherd.metrics.bootstrap import Interval, interval, paired_interval, ratio_interval

PAGES = (ROOT / "docs" / "results.md", ROOT / "docs" / "performance.md")
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
    """A column: its head, its value for each query of a result, what each query is about (a key of arms-queries.json;
    empty where every query stands alone), and whether two arms have it for the same queries (mistakes differ)."""

    head: str
    of: Callable[[Mapping[str, Any]], Values]
    about: str = ""
    paired: bool = True

    def clusters(self) -> list[int] | None:
        """What is drawn together."""
        return _queries()[self.about] if self.about else None


@cache
def _queries() -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads((RESULTS / "arms-queries.json").read_text("utf-8"))
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
NONE_YET = "No run to compare with is finished yet."


def _by_arm() -> dict[str, list[dict[str, Any]]]:
    """The finished runs of each arm, by seed."""
    by_arm: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in sorted((RESULTS / "arms").glob("*.json")):
        result = json.loads(file.read_text("utf-8"))
        by_arm[result["arm"]].append(result)
    return by_arm


def rivals_table() -> str:
    """The full method against the baseline that is best at each figure."""
    return _rivals(BASE, BASELINES)


def sized_rivals_table() -> str:
    """The same at the size of the built-in model."""
    return _rivals(f"{BASE}_large", [f"{arm}_large" for arm in BASELINES])


def _rivals(base: str, baselines: Sequence[str]) -> str:
    by_arm = _by_arm()
    rivals = [arm for arm in baselines if arm in by_arm]
    if base not in by_arm or not rivals:
        return NONE_YET
    rows = [["figure", "full", "best baseline", "its figure", "ratio", "difference"]]
    for figure in RIVALRY:
        ours = np.stack([figure.of(one) for one in by_arm[base]])
        theirs = {arm: np.stack([figure.of(one) for one in by_arm[arm]]) for arm in rivals}
        best = max(theirs, key=lambda arm: float(theirs[arm].mean()))
        about = figure.clusters()
        ratio = ratio_interval(ours, theirs[best], clusters=about) if theirs[best].any() else None
        gap = paired_interval(ours, theirs[best], clusters=about)
        rows.append(
            [
                figure.head,
                _with_bounds(interval(ours, clusters=about)),
                best.removesuffix("_large"),
                f"{theirs[best].mean():.3f}",
                f"{ratio.mean:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else "",
                f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]",
            ]
        )
    return _markdown(rows)


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
    order = [
        line.split()[0] for line in (ROOT / "configs/arms.queue").read_text("utf-8").splitlines() if line[:1].isalpha()
    ]
    rows = [["arm", "seeds", *(figure.head for figure in columns), "ms a step"]]
    costs = (_last("training-cost") or {}).get("arms", {})
    for arm in order:
        if arm not in by_arm:
            continue
        cells = [_cell(by_arm[arm], by_arm[base], figure, is_base=arm == base) for figure in columns]
        rows.append([arm, str(len(by_arm[arm])), *cells, str(costs.get(arm, ""))])
    return _markdown(rows)


def _cell(runs: Sequence[dict[str, Any]], base: Sequence[dict[str, Any]], figure: Figure, *, is_base: bool) -> str:
    found = [figure.of(one) for one in runs]
    if not figure.paired:
        every = np.concatenate(found)
        return _with_bounds(interval(every)) if every.size > 1 else ""
    table, about = np.stack(found), figure.clusters()
    if is_base:
        return _with_bounds(interval(table, clusters=about))
    gap = paired_interval(table, np.stack([figure.of(one) for one in base]), clusters=about)
    mark = " " if not gap.excludes(0) else (" **worse**" if gap.mean < 0 else " **better**")
    return f"{table.mean():.3f} ({gap.mean:+.3f}){mark}".rstrip()


def builtin_table() -> str:
    """The built-in model on every set that `benchmarks/quality.py` measured last."""
    return _reports_table("quality")


def standins_table() -> str:
    """The built-in model on rendered stand-ins for collections that are not public."""
    return _reports_table("standins")


def _reports_table(name: str) -> str:
    """Texts and pictures for each other, and pointing, of every report in the last JSON of this name."""
    files = sorted(RESULTS.glob(f"*-{name}.json"))
    if not files:
        return f"`python benchmarks/{name}.py` has not been run."
    found = json.loads(files[-1].read_text("utf-8"))["reports"]
    asked, shown = (("R@1", "r@1"), ("R@5", "r@5"), ("R@10", "r@10"), ("mAP", "map")), (("R@1", "r@1"), ("mAP", "map"))
    rows = [["data", "pictures", "as", *(f"text: {k}" for k, _ in asked), *(f"picture: {k}" for k, _ in shown)]]
    points = [["data", "labels", "cover", "pointing", "chance", "usual place", "AP30", "AP50", "mask IoU"]]
    for data, report in found.items():
        local, blind, head = report.get("localisation"), report["chance"].get("localisation"), data
        for share, figures in (local or {}).items():
            points.append(
                [
                    data if share == "all" else "",
                    str(figures["pointing"]["n"]),
                    "under 2 %" if share == "small" else "any",
                    _figure(figures["pointing"]),
                    *(_figure(blind[share][k]["pointing"]) for k in ("uniform", "location_prior")),
                    *(_figure(figures[k]) if k in figures else "" for k in ("ap30", "ap50", "miou")),
                ]
            )
        if report["retrieval"] is None:
            continue
        sides = {"served": report["retrieval"], "objects alone": report["retrieval_object_only"]}
        for kind, side in (sides | {"chance": report["chance"]["retrieval"]}).items():
            cells = [_figure(side["text_to_image"][k]) for _, k in asked]
            cells += [_figure(side["image_to_text"][k]) for _, k in shown]
            rows.append([head, str(report["data"]["pictures"]) if head else "", kind, *cells])
            head = ""
    tables = [_markdown(table) for table in (rows, points) if len(table) > 1]
    return f"From `benchmarks/results/{files[-1].name}`.\n\n" + "\n\n".join(tables)


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        if value.get("low") is None:
            return f"{value['value']:.3f}"
        return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
    return f"{value:.3f}"


def _with_bounds(found: Interval) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *body])


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
    return _markdown(rows)


def unseen_table() -> str:
    """Retrieval of cultures that no model is trained on."""
    report = _last("unseen")
    rows = [["culture", "figure", "own gallery", "chance", "colours only", "over colours", "mixed gallery", "chance"]]
    for name, figures in (report or {"cultures": {}})["cultures"].items():
        for k, row in figures.items():
            own, mixed, over = (_with_bounds(Interval(**row[key])) for key in ("own", "mixed", "over_colours"))
            rows.append(
                [
                    name,
                    k,
                    own,
                    f"{row['chance']:.3f}",
                    f"{row['colours']:.3f}",
                    over,
                    mixed,
                    f"{row['chance_mixed']:.4f}",
                ]
            )
    return _markdown(rows)


def cost_table() -> str:
    """Training steps, pictures and texts a second, and 8 bits."""
    rows = [["question", "measured"]]
    if step := _last("training-cost"):
        for name, over in step["over_clip"].items():
            if name != "clip":
                told = f"a step at {step['size_px']} px, over the plain dual encoder's: {name}"
                rows.append([told, f"{over:.2f} times"])
    if speed := _last("throughput"):
        rates = speed["pictures_per_s"]
        rows += [[f"pictures a second a core: {name}", f"{rate:.0f}"] for name, rate in rates.items()]
        rows.append(["the whole encoder over the bare backbone", f"{speed['over_bare_backbone']:+.1%}"])
        rows.append(["the whole encoder over the backbone's stages alone", f"{speed['over_stages']:+.1%}"])
        rows.append(["text queries a second, one at a time", f"{speed['texts_per_s']:.0f}"])
    if small := _last("int8"):
        for name, row in small["variants"].items():
            figures = f"{row['r1_object']:.3f}, {row['r1_served']:.3f}, {row['pointing']:.3f}, {row['bytes'] / 1e6:.1f}"
            rows.append([f"weights: {name}; R@1 of 500 by objects and as served, pointing, MB", figures])
            for figure, gap in row.get("lost", {}).items():
                bounds = f"{gap['mean']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}]"
                rows.append([f"weights: {name}; lost of {figure}", bounds])
    return _markdown(rows)


def real_text_table() -> str:
    """Texts of real collections, split so that none was seen."""
    report = _last("real-text")
    if report is None:
        return "`python benchmarks/real_text.py` has not been run."
    rows = [["data", "figure", "full", "clip_phrases", "difference"]]
    for name, figures in report["packs"].items():
        if name.endswith("queries"):
            continue
        for figure, row in figures.items():
            system, way, statistic = figure.split(".", 2)
            told = f"{statistic}, {way.replace('_', ' ')}, {'served' if system == 'retrieval' else 'objects alone'}"
            gap = row["difference"]
            mark = " **decided**" if row["decided"] else ""
            bounds = f"{gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]{mark}"
            rows.append([name, told, f"{row['a']:.3f}", f"{row['b']:.3f}", bounds])
    return _markdown(rows)


def boxes_table() -> str:
    """Pointing and AP30 at real labels, by how many training pictures had boxes."""
    report = _last("boxes")
    if report is None:
        return "`python benchmarks/boxes.py` has not been run."
    rows = [
        [
            "data",
            "boxed",
            "ours",
            "rival",
            "over rival",
            "ratio",
            "over usual place",
            "AP30, ours",
            "AP30, rival",
            "< 2 %",
        ]
    ]
    for name, pack in report["packs"].items():
        for row in pack["rows"]:
            gaps = (row[key] for key in ("over_rival", "over_usual_place"))
            over, usual = (f"{gap['mean']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]" for gap in gaps)
            small = row.get("small")
            rows.append(
                [
                    name,
                    str(row["boxed"]),
                    *(f"{row[key]['mean']:.3f}" for key in ("ours", "rival")),
                    over,
                    _with_bounds(Interval(**row["ratio"])),
                    usual,
                    *(f"{row[key]:.3f}" for key in ("ap30_ours", "ap30_rival")),
                    "{ours:.3f} / {rival:.3f} / {usual_place:.3f}".format(**small) if small else "",
                ]
            )
    return (
        f"{_markdown(rows)}\n\n*< 2 %*: ours / rival / usual place at labels that cover less than 2 % of the picture."
    )


def reliability_table() -> str:
    """What suggestions said and what was right, in ten groups of equal size, on rendered relics held out."""
    report = _last("suggest")
    if report is None:
        return NONE_YET
    rows = [["facet", "error", *map(str, range(1, 11))]]
    for facet, found in report["rendered"].items():
        groups = found["all"]["reliability"]
        cells = [f"{one['probability']:.2f}: {one['share']:.2f}" for one in groups]
        rows.append([facet, f"{found['all']['ece']:.3f}", *cells, *[""] * (10 - len(cells))])
    return _markdown(rows)


def packs_table() -> str:
    """Suggestions on held-out records of real collections, each judged without its own terms."""
    report = _last("suggest")
    if report is None:
        return NONE_YET
    heads = [
        "data",
        "facet",
        "records",
        "terms",
        "first guess",
        "first five",
        "in sets at 90 %",
        "by chance",
        "set size",
    ]
    rows = [[*heads, "error"]]
    for name, found in report["packs"].items():
        for one in found["facets"]:
            low, high = found["chance"][one["facet"]]
            rows.append(
                [
                    name,
                    one["facet"],
                    str(one["records"]),
                    str(one["terms"]),
                    *(f"{one[key]:.3f}" for key in ("first", "first_five", "coverage")),
                    f"{low:.3f} to {high:.3f}",
                    f"{one['set_size']:.1f}",
                    f"{one['ece']:.3f}",
                ]
            )
    return _markdown(rows)


def _last(name: str) -> Any:
    files = sorted(RESULTS.glob(f"*-{name}.json"))
    return json.loads(files[-1].read_text("utf-8")) if files else None


TABLES: dict[str, Callable[[], str]] = {
    "arms": arms_table,
    "sized": sized_table,
    "terms": terms_table,
    "networks": networks_table,
    "levels": levels_table,
    "network_levels": network_levels_table,
    "names": names_table,
    "runs": runs_table,
    "rivals": rivals_table,
    "sized_rivals": sized_rivals_table,
    "builtin": builtin_table,
    "standins": standins_table,
    "unseen": unseen_table,
    "cost": cost_table,
    "real_text": real_text_table,
    "boxes": boxes_table,
    "reliability": reliability_table,
    "packs": packs_table,
    **PERFORMANCE,
}


def filled(page: str) -> str:
    """The page with what stands between `<!-- table:NAME -->` and `<!-- end -->` made anew."""

    def table(match: re.Match[str]) -> str:
        return f"<!-- table:{match[1]} -->\n\n{TABLES[match[1]]()}\n\n<!-- end -->"

    return re.sub(r"<!-- table:(\w+) -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def main() -> None:
    """Fill the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a page is not what it should be"
    )
    given = parser.parse_args()
    for page in PAGES:
        written = page.read_text("utf-8")
        made = filled(written)
        if given.check and made != written:
            sys.exit(f"{page.relative_to(ROOT)}: not what the reports say; run `make results`")
        if not given.check:
            page.write_text(made, "utf-8")


if __name__ == "__main__":
    main()
