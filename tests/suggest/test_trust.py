from __future__ import annotations

import json
from pathlib import Path

import pytest

from sherd.errors import CorruptData
from sherd.search.confidence import load_confidence
from tests.cli.test_suggest import Run
from tests.cli.test_suggest import library as library
from tests.cli.test_suggest import museum as museum
from tests.cli.test_suggest import run as run


def test_after_a_check_up_hits_tell_how_likely_they_are(library: Path, run: Run) -> None:
    ask = ("search", "purple", "--library", library, "-k", "30", "--plain", "--json")
    assert {hit["probability"] for hit in json.loads(run(*ask)[1])["hits"]} == {None}
    told = run("check-up", "--library", library)[1]
    assert "searches by names now tell how likely a hit is right" in told
    hits = json.loads(run(*ask)[1])["hits"]
    purple = [hit for hit in hits if int(hit["record_id"][2:]) % 6 == 4]
    others = [hit for hit in hits if int(hit["record_id"][2:]) % 6 != 4]
    assert len(purple) == 10
    assert all(hit["probability"] > 0.7 and not hit["guess"] for hit in purple)
    assert all(hit["probability"] < 0.5 and hit["guess"] for hit in others)
    assert "(a guess)" in run("search", "purple", "--library", library, "-k", "30", "--language", "en")[1]
    assert run("verify", "--library", library)[0] == 0
    # a picture's likeness is no name's
    picture = library.parent / "ask.jpg"
    picture.write_bytes(next((library / "thumbnails").rglob("*.jpg")).read_bytes())
    found = json.loads(run("search", "--image", picture, "--library", library, "--json")[1])
    assert {hit["probability"] for hit in found["hits"]} == {None}


def test_curves_that_cannot_be_used_are_named(library: Path, run: Run) -> None:
    run("check-up", "--library", library, "--facet", "motif")
    (file,) = library.glob("confidence-*.json")
    file.write_text('{"names": {"scores": 3}}', "utf-8")
    code, _, err = run("search", "red", "--library", library)
    assert code == 1
    assert "`sherd check-up` makes it again" in err
    with pytest.raises(CorruptData):
        load_confidence(library, file.stem.removeprefix("confidence-") + "0" * 48)
