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


Columns = Sequence[tuple[str, Callable[[Mapping[str, Any]], Values], bool]]
"""Head, figure, and whether two arms have it for the same queries (mistakes differ from arm to arm)."""
COLUMNS: Columns = (
    ("R@1 object", hits("object", 1), True),
    ("R@1 served", hits("served", 1), True),
    ("R@5 served", hits("served", 5), True),
    ("R@5 unseen", hits("unseen", 5), True),
    ("R@5 unseen, mixed", hits("unseen_mixed", 5), True),
    ("pointing", values("pointing"), True),
    ("AP30", values("ap30"), True),
    ("mask IoU", values("mask_iou"), True),
    ("type named", values("type_accuracy"), True),
    ("kamon R@5", hits("kamon", 5), True),
    ("icons, pointing", values("byzart_icons_pointing"), True),
    ("paintings, pointing", values("iconart_parts_pointing"), True),
    ("paintings, label mAP", values("iconart_parts_label_ap"), True),
    ("tree distance", values("type_error_distance"), False),
)
_OWN_NAMES = ("type", "material", "culture", "motif", "theme")
LEVEL_COLUMNS: Columns = (
    *((f"{name}, by its facet", values(f"{name}_by_facet"), True) for name in _OWN_NAMES),
    ("slot on the motif", values("slot_pointing"), True),
    ("slot, IoU", values("slot_iou"), True),
)
BASELINES = ("clip", "clip_phrases", "clip_crops", "flair", "siglip", "align")
RIVALRY: tuple[tuple[str, Callable[[Mapping[str, Any]], Values]], ...] = (
    ("R@1 as served, 1,000 rendered", hits("served", 1)),
    ("R@1 by object vectors alone", hits("object", 1)),
    ("R@5 by object vectors, unseen culture", hits("unseen", 5)),
    ("pointing, rendered", values("pointing")),
    ("pointing, parts under 2 %", values("pointing_small")),
    ("AP30, rendered", values("ap30")),
    ("mask IoU, rendered", values("mask_iou")),
    ("crests, R@5", hits("kamon", 5)),
    ("icons, pointing", values("byzart_icons_pointing")),
    ("paintings, pointing", values("iconart_parts_pointing")),
    ("paintings, mAP of labels", values("iconart_parts_label_ap")),
)
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
    by_arm = _by_arm()
    rivals = [arm for arm in BASELINES if arm in by_arm]
    if BASE not in by_arm or not rivals:
        return NONE_YET
    rows = [["figure", "full", "best baseline", "its figure", "ratio", "difference"]]
    for head, figure in RIVALRY:
        ours = np.stack([figure(one) for one in by_arm[BASE]])
        theirs = {arm: np.stack([figure(one) for one in by_arm[arm]]) for arm in rivals}
        best = max(theirs, key=lambda arm: float(theirs[arm].mean()))
        ratio, gap = ratio_interval(ours, theirs[best]), paired_interval(ours, theirs[best])
        rows.append(
            [
                head,
                _with_bounds(interval(ours)),
                f"{best} ({len(theirs[best])} seeds)",
                f"{theirs[best].mean():.3f}",
                f"{ratio.mean:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
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


def _networks(by_arm: Mapping[str, list[dict[str, Any]]], columns: Columns) -> str:
    tables = [
        _against(base, {arm: by_arm[arm] for arm in (base, *built) if arm in by_arm}, columns)
        for base, built in NETWORKS.items()
        if base in by_arm
    ]
    return "\n\n".join(tables) or NONE_YET


def _against(
    base: str,
    by_arm: Mapping[str, Sequence[dict[str, Any]]],
    columns: Columns,
) -> str:
    """One row an arm: means over seeds and queries; what differs from `base` beyond its interval is marked."""
    if base not in by_arm:
        return NONE_YET
    order = [
        line.split()[0] for line in (ROOT / "configs/arms.queue").read_text("utf-8").splitlines() if line[:1].isalpha()
    ]
    rows = [["arm", "seeds", *(head for head, _, _ in columns), "ms a step"]]
    full = {head: [figure(one) for one in by_arm[base]] for head, figure, _ in columns}
    for arm in order:
        if arm not in by_arm:
            continue
        cells = [arm, str(len(by_arm[arm]))]
        for head, figure, paired in columns:
            found = [figure(one) for one in by_arm[arm]]
            cells.append(_cell(found, full[head], paired=paired, is_base=arm == base))
        cells.append(f"{np.median([one['ms_a_step'] for one in by_arm[arm]]):.0f}")
        rows.append(cells)
    return _markdown(rows)


def _cell(found: Sequence[Values], base: Sequence[Values], *, paired: bool, is_base: bool) -> str:
    if not paired:
        return f"{np.mean([row.mean() for row in found if row.size]):.2f}"
    table = np.stack(found)
    if is_base:
        return _with_bounds(interval(table))
    gap = paired_interval(table, np.stack(base))
    mark = " " if not gap.excludes(0) else (" **worse**" if gap.mean < 0 else " **better**")
    return f"{table.mean():.3f} ({gap.mean:+.3f}){mark}".rstrip()


def builtin_table() -> str:
    """The built-in model on every set that `benchmarks/quality.py` measured last."""
    return _reports_table("quality")


def standins_table() -> str:
    """The built-in model on rendered stand-ins for collections that are not public."""
    return _reports_table("standins")


def _reports_table(name: str) -> str:
    """Texts for pictures, and pointing, of every report in the last JSON of this name."""
    files = sorted(RESULTS.glob(f"*-{name}.json"))
    if not files:
        return f"`python benchmarks/{name}.py` has not been run."
    rows = [["data", "pictures", "as", "R@1", "R@5", "R@10", "mAP", "pointing", "chance", "usual place"]]
    for name, report in json.loads(files[-1].read_text("utf-8"))["reports"].items():
        local, blind = report.get("localisation"), report["chance"].get("localisation")
        points = ["", "", ""]
        if local:
            points = [
                _figure(local["all"]["pointing"]),
                *(_figure(blind["all"][k]["pointing"]) for k in ("uniform", "location_prior")),
            ]
        if report["retrieval"] is None:
            rows.append([name, str(report["data"]["pictures"]), "", "", "", "", "", *points])
            continue
        for kind, key in (("served", "retrieval"), ("objects alone", "retrieval_object_only")):
            side = report[key]["text_to_image"]
            rows.append(
                [
                    name,
                    str(report["data"]["pictures"]),
                    kind,
                    *(_figure(side[k]) for k in ("r@1", "r@5", "r@10", "map")),
                    *points,
                ]
            )
            name, points = "", ["", "", ""]
        side = report["chance"]["retrieval"]["text_to_image"]
        rows.append(["", "", "chance", *(_figure(side[k]) for k in ("r@1", "r@5", "r@10", "map")), "", "", ""])
    return f"From `benchmarks/results/{files[-1].name}`.\n\n{_markdown(rows)}"


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
        rows.append(
            [
                f"a step of the full method at {step['size_px']} px, over the plain dual encoder's",
                f"{step['full_over_clip']:.2f} times",
            ]
        )
    if speed := _last("throughput"):
        rates = speed["pictures_per_s"]
        rows += [[f"pictures a second a core: {name}", f"{rate:.0f}"] for name, rate in rates.items()]
        rows.append(["the whole encoder over the bare backbone", f"{speed['over_bare_backbone']:+.0%}"])
        rows.append(["text queries a second, one at a time", f"{speed['texts_per_s']:.0f}"])
    if small := _last("int8"):
        for name, row in small["variants"].items():
            rows.append(
                [
                    f"weights: {name}; R@1 of 500, pointing, MB",
                    f"{row['r1_object']:.3f}, {row['pointing']:.3f}, {row['bytes'] / 1e6:.1f}",
                ]
            )
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
    "rivals": rivals_table,
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
