"""The stand-ins of benchmarks/standins.py: what each pack holds, seen through a small one."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sherd.relics import load_culture, resolve_spec

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def standins(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("standins")


def test_bronzes_have_boxes_of_decoration_murals_long_texts_and_categories_names(
    standins: ModuleType, tmp_path: Path
) -> None:
    packs: dict[str, list[dict[str, Any]]] = {}
    for pack in standins.draw(tmp_path, 8):
        packs[pack.name] = [json.loads(line) for line in (pack / "records.jsonl").read_text("utf-8").splitlines()]
    assert list(packs) == ["bronzes", "murals", "categories"]
    assert all(len(lines) == 8 for lines in packs.values())
    motifs = {motif.uri for motif in load_culture("ritual_bronze").motifs}
    regions = [region for line in packs["bronzes"] for region in line["regions"]]
    assert regions
    assert {region["concept"] for region in regions} <= motifs
    assert all((tmp_path / "bronzes" / region["mask"]).is_file() for region in regions)
    for line in packs["murals"]:
        assert [caption["language"] for caption in line["captions"]] == ["zh", "en"]
    for line in packs["categories"]:
        assert "regions" not in line
        assert "title" not in line
        culture, kind = line["object_id"].split("/")
        entry = next(entry for entry in load_culture(culture).objects if entry.id == kind)
        assert [caption["text"] for caption in line["captions"]] == [entry.names["zh"][0], entry.names["en"][0]]


def test_a_mural_is_asked_for_by_its_longest_text(standins: ModuleType) -> None:
    captions = [
        {"language": code, "text": text} for code, text in (("en", "a"), ("zh", "壁"), ("en", "ab"), ("zh", "壁画"))
    ]
    kept = standins.longest_texts({"id": "x", "captions": captions, "regions": [{"label": "wall"}, {"label": "halo"}]})
    assert [caption["text"] for caption in kept["captions"]] == ["壁画", "ab"]
    assert kept["regions"] == [{"label": "halo"}]  # the first is the whole object


def test_twenty_types_are_spread_over_all_trained_cultures_and_share_no_name(standins: ModuleType) -> None:
    cultures = standins.narrowed(resolve_spec("all"), 20)
    assert [len(culture.objects) for culture in cultures] == [5, 5, 5, 5]
    assert all(culture.training for culture in cultures)
    for code in ("zh", "en"):
        names = [name for culture in cultures for entry in culture.objects for name in entry.names[code]]
        assert len(set(names)) == len(names)
    assert sum(len(culture.objects) for culture in standins.narrowed(resolve_spec("all"), 1_000)) < 100
