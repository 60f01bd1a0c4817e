"""The tables of the built-in model in docs/results.md and on its card, and of what was measured beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from provenance import RESULTS
from reading import gap_with_bounds, last, markdown, not_run, with_bounds

from sherd.metrics.bootstrap import Interval


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
        return not_run(name)
    found = json.loads(files[-1].read_text("utf-8"))["reports"]
    asked, shown = (("R@1", "r@1"), ("R@5", "r@5"), ("R@10", "r@10"), ("mAP", "map")), (("R@1", "r@1"), ("mAP", "map"))
    rows = [["data", "pictures", "as", *(f"text: {k}" for k, _ in asked), *(f"picture: {k}" for k, _ in shown)]]
    points = [["data", "labels", "cover", "pointing", "anywhere", "usual place", "over the usual place"]]
    areas = [["data", "cover", "figure", "model", "whole picture", "usual place", "over the usual place"]]
    for data, report in found.items():
        head = data
        for share, figures in (report["localisation"] or {}).items():
            cover, name = "under 2 %" if share == "small" else "any", data if share == "all" else ""
            points.append([name, str(figures["pointing"]["n"]), cover, *_against_blind(report, share, "pointing")])
            for kind, called in AREAS.items():
                if kind in figures:
                    areas.append([name, cover, called, *_against_blind(report, share, kind)])
                    name = ""
        if report["retrieval"] is None:
            continue
        sides = {"served": report["retrieval"], "objects alone": report["retrieval_object_only"]}
        for kind, side in (sides | {"chance": report["chance"]["retrieval"]}).items():
            cells = [_figure(side["text_to_image"][k]) for _, k in asked]
            cells += [_figure(side["image_to_text"][k]) for _, k in shown]
            rows.append([head, str(report["data"]["pictures"]) if head else "", kind, *cells])
            head = ""
    tables = [markdown(table) for table in (rows, points, areas) if len(table) > 1]
    return f"From `benchmarks/results/{files[-1].name}`.\n\n" + "\n\n".join(tables)


def _against_blind(report: dict[str, Any], share: str, kind: str) -> list[str]:
    """A figure of the model, of one who takes any place for the right one, of one who takes the usual, and the gap."""
    blind, over = report["chance"]["localisation"][share], report["over_location_prior"][share][kind]
    found = (report["localisation"][share], blind["uniform"], blind["location_prior"])
    return [*(_figure(one[kind]) for one in found), gap_with_bounds(over["value"], over["low"], over["high"])]


AREAS = {"box_iou": "box IoU", "miou": "mask IoU", "ap30": "AP30", "ap50": "AP50", "energy": "energy"}
"""Figures of what is marked, and not of one spot, as they are called."""
CARD_NAMES = {
    "rendered, trained cultures": "rendered, trained cultures, unseen seed",
    "rendered, unseen culture": "rendered, a culture nobody trained on",
    "getty_catalogues, heldout": "Getty catalogues, held out",
    "open_museum_small, heldout": "small open museums, held out",
    "kamon_crests, heldout": "Japanese crests, held out",
    "zh_relics_shaanxi, all": "Shaanxi relics, never trained on",
    "byzart_icons, valid": "ByzArt icons, valid",
    "iconart_parts, test": "IconArt paintings, test",
}


def card_found_table() -> str:
    """What texts find with the built-in model, for its card: R@1 / R@5 / R@10 / mAP."""
    found = last("quality")
    if found is None:
        return not_run("quality")
    rows = [["data", "pictures", "as served", "object vectors alone", "chance"]]
    for data, name in CARD_NAMES.items():
        report = found["reports"].get(data)
        if report is None or report["retrieval"] is None:
            continue
        sides = (report["retrieval"], report["retrieval_object_only"], report["chance"]["retrieval"])
        kinds = ("r@1", "r@5", "r@10", "map")
        cells = [" / ".join(_brief(side["text_to_image"][kind]) for kind in kinds) for side in sides]
        rows.append([name, f"{report['data']['pictures']:,}", *cells])
    return markdown(rows)


def card_pointing_table() -> str:
    """Where the built-in model points, for its card."""
    found = last("quality")
    if found is None:
        return not_run("quality")
    rows = [["data", "labels", "pointing", "anywhere", "middle", "usual place", "over the usual place"]]
    for data, name in CARD_NAMES.items():
        report = found["reports"].get(data)
        for share, figures in ((report or {}).get("localisation") or {}).items():
            blind, over = report["chance"]["localisation"][share], report["over_location_prior"][share]["pointing"]
            rows.append(
                [
                    name if share == "all" else f"{name}, parts under 2 %",
                    f"{figures['pointing']['n']:,}",
                    _brief(figures["pointing"]),
                    *(_brief(blind[kind]["pointing"]) for kind in ("uniform", "centre", "location_prior")),
                    gap_with_bounds(over["value"], over["low"], over["high"]),
                ]
            )
    return markdown(rows)


def _brief(figure: Any) -> str:
    """A share without its interval, as .123."""
    value = figure["value"] if isinstance(figure, dict) else figure
    return f"{value:.3f}".removeprefix("0")


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        if value.get("low") is None:
            return f"{value['value']:.3f}"
        return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
    return f"{value:.3f}"


def unseen_table() -> str:
    """Retrieval of cultures that no model is trained on."""
    report = last("unseen")
    rows = [["culture", "figure", "own gallery", "chance", "colours only", "over colours", "mixed gallery", "chance"]]
    for name, figures in (report or {"cultures": {}})["cultures"].items():
        for k, row in figures.items():
            own, mixed, over = (with_bounds(Interval(**row[key])) for key in ("own", "mixed", "over_colours"))
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
    return markdown(rows)


def by_box_table() -> str:
    """A motif asked for with a box around it, and otherwise."""
    report = last("by-box")
    if report is None:
        return not_run("by_box")
    heads = ("by its box", "by the whole picture", "by its name", "by the box's colours")
    rows = [["pictures", "figure", *heads, "by chance", "box over whole", "box over name"]]
    points = [["pictures", "on the best hit that shows it, the peak lies on it", "any place would"]]
    for name, found in report["galleries"].items():
        head = name
        for kind, told in (("first", "the first hit shows it"), ("map", "average precision")):
            ways = [with_bounds(Interval(**way[kind])) for way in found["ways"].values()]
            gaps = [found["box_over"][other][kind] for other in ("whole picture", "name")]
            over = [gap_with_bounds(**gap) for gap in gaps]
            rows.append([head, told, *ways, f"{found['chance'][kind]:.3f}", *over])
            head = ""
        points.append([name, *(with_bounds(Interval(**found["points"][kind])) for kind in ("peak", "anywhere"))])
    return f"{markdown(rows)}\n\n{markdown(points)}"


def cost_table() -> str:
    """Training steps, pictures and texts a second, and 8 bits."""
    rows = [["question", "measured"]]
    if step := last("training-cost"):
        for name, over in step["over_clip"].items():
            if name != "clip":
                told = f"a step at {step['size_px']} px, over the plain dual encoder's: {name}"
                rows.append([told, f"{over:.2f} times"])
    if speed := last("throughput"):
        rates = speed["pictures_per_s"]
        rows += [[f"pictures a second a core: {name}", f"{rate:.0f}"] for name, rate in rates.items()]
        rows.append(["the whole encoder over the bare backbone", f"{speed['over_bare_backbone']:+.1%}"])
        rows.append(["the whole encoder over the backbone's stages alone", f"{speed['over_stages']:+.1%}"])
        rows.append(["text queries a second, one at a time", f"{speed['texts_per_s']:.0f}"])
    if small := last("int8"):
        for name, row in small["variants"].items():
            figures = f"{row['r1_object']:.3f}, {row['r1_served']:.3f}, {row['pointing']:.3f}, {row['bytes'] / 1e6:.1f}"
            rows.append([f"weights: {name}; R@1 of 500 by objects and as served, pointing, MB", figures])
            for figure, gap in row.get("lost", {}).items():
                bounds = gap_with_bounds(**gap, digits=4)
                rows.append([f"weights: {name}; lost of {figure}", bounds])
    return markdown(rows)


def real_text_table() -> str:
    """Texts of real collections, split so that none was seen."""
    report = last("real-text")
    if report is None:
        return not_run("real_text")
    rows = [["data", "figure", "full", "clip_phrases", "difference"]]
    for name, figures in report["packs"].items():
        if name.endswith("queries"):
            continue
        for figure, row in figures.items():
            system, way, statistic = figure.split(".", 2)
            told = f"{statistic}, {way.replace('_', ' ')}, {'served' if system == 'retrieval' else 'objects alone'}"
            gap = row["difference"]
            mark = " **decided**" if row["decided"] else ""
            bounds = gap_with_bounds(gap["value"], gap["low"], gap["high"]) + mark
            rows.append([name, told, f"{row['a']:.3f}", f"{row['b']:.3f}", bounds])
    return markdown(rows)


def boxes_table() -> str:
    """Pointing and AP30 at real labels, by how many training pictures had boxes."""
    report = last("boxes")
    if report is None:
        return not_run("boxes")
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
            over, usual = (gap_with_bounds(**gap) for gap in gaps)
            small = row.get("small")
            rows.append(
                [
                    name,
                    str(row["boxed"]),
                    *(f"{row[key]['mean']:.3f}" for key in ("ours", "rival")),
                    over,
                    with_bounds(Interval(**row["ratio"])),
                    usual,
                    *(f"{row[key]:.3f}" for key in ("ap30_ours", "ap30_rival")),
                    "{ours:.3f} / {rival:.3f} / {usual_place:.3f}".format(**small) if small else "",
                ]
            )
    return f"{markdown(rows)}\n\n*< 2 %*: ours / rival / usual place at labels that cover less than 2 % of the picture."


def reliability_table() -> str:
    """What suggestions said and what was right, in ten groups of equal size, on rendered relics held out."""
    report = last("suggest")
    if report is None:
        return not_run("suggest")
    rows = [["facet", "error", *map(str, range(1, 11))]]
    for facet, found in report["rendered"].items():
        groups = found["all"]["reliability"]
        cells = [f"{one['probability']:.2f}: {one['share']:.2f}" for one in groups]
        rows.append([facet, f"{found['all']['ece']:.3f}", *cells, *[""] * (10 - len(cells))])
    return markdown(rows)


def packs_table() -> str:
    """Suggestions on held-out records of real collections, each judged without its own terms."""
    report = last("suggest")
    if report is None:
        return not_run("suggest")
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
    return markdown(rows)


TABLES: dict[str, Callable[[], str]] = {
    "builtin": builtin_table,
    "standins": standins_table,
    "card_found": card_found_table,
    "card_pointing": card_pointing_table,
    "unseen": unseen_table,
    "by_box": by_box_table,
    "cost": cost_table,
    "real_text": real_text_table,
    "boxes": boxes_table,
    "reliability": reliability_table,
    "packs": packs_table,
}
