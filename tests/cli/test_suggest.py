"""`sherd suggest`, `sherd review` and `sherd audit` end to end, on pictures of coloured quarters."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sherd.cli import main
from tests.search.memory import quarters

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
WARM = ("red", "yellow", "orange")
TURTLE = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix c: <urn:c:> .
c:scheme a skos:ConceptScheme ; skos:hasTopConcept c:motif, c:type .
c:motif a skos:Concept ; skos:prefLabel "motif"@en ; skos:inScheme c:scheme .
c:type a skos:Concept ; skos:prefLabel "type"@en ; skos:inScheme c:scheme .
c:tile a skos:Concept ; skos:prefLabel "tile"@en ; skos:broader c:type ; skos:inScheme c:scheme .
c:cold a skos:Concept ; skos:prefLabel "cold colour"@en ; skos:broader c:motif ; skos:inScheme c:scheme .
c:warm a skos:Concept ; skos:prefLabel "warm colour"@en ; skos:broader c:motif ; skos:inScheme c:scheme .
""" + "\n".join(
    f'c:{name} a skos:Concept ; skos:prefLabel "{name}"@en ; skos:broader c:{"warm" if name in WARM else "cold"} ;'
    " skos:inScheme c:scheme ."
    for name in COLOURS
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return call


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 white tiles with one quarter of a colour; the first 48 have it among their motifs."""
    folder = tmp_path_factory.mktemp("museum")
    (folder / "src").mkdir()
    chance = random.Random(3)
    lines = []
    for n in range(60):
        colour = COLOURS[n % len(COLOURS)]
        places = ["white"] * 4
        places[chance.randrange(4)] = colour
        Image.fromarray(quarters(*places, size=64 + n)).save(folder / "src" / f"{n}.png")
        line: dict[str, Any] = {"id": f"T-{n:02}", "image": f"{n}.png", "title": "a tile"}
        lines.append(json.dumps(line | ({"motifs": [colour]} if n < 48 else {})) + "\n")
    (folder / "src/records.jsonl").write_text("".join(lines), "utf-8")
    (folder / "colours.ttl").write_text(TURTLE, "utf-8")
    for command in (
        ["ingest", str(folder / "src"), "--library", str(folder / "lib"), "--model", "toy"],
        ["thesaurus", "import", str(folder / "colours.ttl"), "--library", str(folder / "lib")],
    ):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert not ended.value.code
    return folder


@pytest.fixture
def library(museum: Path, tmp_path: Path) -> Path:
    """A copy, to decide in."""
    import shutil

    return Path(shutil.copytree(museum / "lib", tmp_path / "lib"))


def motifs(out: str) -> dict[str, dict[str, Any]]:
    return {one["record_id"]: one["facets"]["motif"] for one in map(json.loads, out.splitlines())}


def test_what_is_not_catalogued_is_suggested_where_it_is(museum: Path, run: Run) -> None:
    code, out, err = run("suggest", "--library", museum / "lib", "--facet", "motif", "--json")
    assert (code, err) == (0, "")
    found = motifs(out)
    assert len(found) == 60
    right = 0
    for n in range(48, 60):
        colour = COLOURS[n % len(COLOURS)]
        proposal = found[f"T-{n:02}"]
        within = [uri for uri, _ in proposal["within"]]
        right += f"urn:c:{colour}" in within
        for one in proposal["suggestions"]:
            assert one["concept"].removeprefix("urn:c:") in (colour, "warm" if colour in WARM else "cold")
            assert 0.5 <= one["probability"] <= 1
            assert one["catalogued"] is False
            box = one["region"]["box"]
            assert (box["w"], box["h"]) == (0.5, 0.5)
            # the colour's name points there
            with Image.open(museum / "src" / f"{n}.png") as picture:
                x, y = (int((box[a] + box[s] / 2) * picture.width) for a, s in (("x", "w"), ("y", "h")))
                assert picture.getpixel((x, y)) != (250, 250, 250)
            if one["concept"] == f"urn:c:{colour}":
                assert all(int(name[2:]) % 6 == n % 6 for name, _ in one["examples"])
                assert one["path"] == [f"urn:c:{'warm' if colour in WARM else 'cold'}", "urn:c:motif"]
    assert right >= 10
    assert found["T-00"]["suggestions"][0]["catalogued"] is True


def test_a_picture_unlike_all_others_is_called_so(library: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "slates").mkdir()
    Image.new("RGB", (90, 60), (10, 10, 10)).save(tmp_path / "slates" / "black.png")
    assert run("ingest", tmp_path / "slates", "--library", library)[0] == 0
    found = motifs(run("suggest", "--library", library, "--facet", "motif", "--json")[1])
    assert [name for name, one in found.items() if one["strange"]] == ["black.png"]
    told = run("suggest", "black.png", "--library", library, "--at-least", "0.01")[1]
    assert "unlike all that is known here" in told


def test_the_listing_is_for_people(museum: Path, run: Run) -> None:
    code, out, err = run("suggest", "T-54", "--library", museum / "lib")
    assert code == 0
    assert out.splitlines()[0] == "T-54"
    assert "%  red" in out
    assert "one that holds is with 90% among:" in out
    assert "type: fewer than 20 records have a term of this facet" in err
    assert "and nothing is suggested" in err
    assert "    ?  tile" not in out
    code, out, err = run("suggest", "T-54", "--library", museum / "lib", "--unjudged")
    assert "suggestions are in order only" in err
    assert "    ?  tile" in out.replace("       ?", "    ?")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["T-99"], "no record 'T-99'"),
        (["--facet", "colour"], "no facet 'colour'; there are type, motif"),
    ],
)
def test_what_is_not_there_is_named(museum: Path, run: Run, arguments: list[str], what: str) -> None:
    code, _, err = run("suggest", *arguments, "--library", museum / "lib")
    assert code == 1
    assert what in err


def test_an_empty_library_is_said(tmp_path: Path, run: Run) -> None:
    (tmp_path / "colours.ttl").write_text(TURTLE, "utf-8")
    run("thesaurus", "import", tmp_path / "colours.ttl", "--library", tmp_path / "lib")
    code, _, err = run("suggest", "--library", tmp_path / "lib")
    assert code == 1
    assert "the library is empty; `sherd ingest" in err


def test_decisions_are_kept_told_and_taken_back(library: Path, run: Run, tmp_path: Path) -> None:
    at = ("--library", library)
    code, out, _ = run("review", "accept", "T-54", "red", *at, "--who", "Li", "--note", "sicher", "--json")
    assert code == 0
    made = json.loads(out)
    assert (made["number"], made["value"], made["facet"], made["who"]) == (1, "urn:c:red", "motif", "Li")
    assert run("review", "reject", "T-55", "green", *at, "--who", "王")[0] == 0
    assert run("review", "narrow", "T-56", "cold colour", "blue", *at)[0] == 0
    assert run("review", "other", "T-57", "yellow", *at, "--instead-of", "red")[0] == 0
    moved = run("review", "move", "T-58", "purple", *at, "--image", "58.png", "--box", "0,0,0.5,0.5", "--json")
    assert json.loads(moved[1])["new_box"] == {"x": 0, "y": 0, "w": 0.5, "h": 0.5}
    code, _, err = run("review", "reject", "T-54", "red", *at, "--who", "Ann", "--seen", "0")
    assert code == 1
    assert "Li decided 'accept' about it" in err
    assert run("review", "undo", "2", *at, "--who", "Ann")[0] == 0
    code, _, err = run("review", "undo", "9", *at)
    assert code == 1
    assert "there is no decision 9" in err
    log = run("review", "log", *at)[1].splitlines()
    assert [line.split()[0] for line in log] == list("123456")
    assert "Li  accept  T-54  urn:c:red  (sicher)" in log[0]
    assert "narrow  T-56  urn:c:cold -> urn:c:blue" in log[2]
    assert "undo    T-55  decision 2" in log[5]
    assert len(run("review", "log", "T-55", *at)[1].splitlines()) == 2
    # what was decided is not proposed again
    found = motifs(run("suggest", "T-54", "T-55", "T-57", *at, "--facet", "motif", "--json")[1])
    assert "urn:c:red" not in [one["concept"] for one in found["T-54"]["suggestions"]]
    assert "urn:c:green" in [one["leaf"] for one in found["T-55"]["suggestions"]]


def test_many_decisions_are_kept_at_once_or_not_at_all(library: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    lines = [{"record_id": f"T-{n}", "action": "accept", "concept": "urn:c:red", "seen": 0} for n in (48, 54)]
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert run("review", "apply", file, "--library", library, "--who", "Li")[0] == 0
    code, _, err = run("review", "apply", file, "--library", library, "--who", "Ann")
    assert code == 1
    assert "Li decided" in err
    for bad, what in (('{"record_id": "T-48", "action": "praise"}', "line 1: is no decision"), ("[]", "line 1")):
        file.write_text(bad, "utf-8")
        code, _, err = run("review", "apply", file, "--library", library)
        assert code == 1
        assert what in err
    assert len(run("review", "log", "--library", library)[1].splitlines()) == 2


def test_the_audit_finds_what_was_done_to_decisions(library: Path, run: Run, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    for n in (48, 54):
        run("review", "accept", f"T-{n}", "red", "--library", library)
    head = tmp_path / "head.json"
    assert json.loads(run("audit", "head", "--library", library, "--out", head)[1])["number"] == 2
    code, out, _ = run("audit", "verify", "--library", library)
    assert code == 0
    assert out.startswith("2 decisions, each as it was made; whether the end was cut off")
    assert json.loads(run("audit", "verify", "--library", library, "--against", head, "--json")[1])["faults"] == []
    with closing(sqlite3.connect(library / "catalogue.sqlite")) as connection, connection:
        connection.execute("DELETE FROM decisions WHERE number = 2")
    assert run("audit", "verify", "--library", library)[0] == 0
    code, out, _ = run("audit", "verify", "--library", library, "--against", head)
    assert code == 1
    assert "ends before decision 2" in out
    head.write_text("{}", "utf-8")
    code, _, err = run("audit", "verify", "--library", library, "--against", head)
    assert code == 1
    assert "is no head" in err


def test_a_cluster_is_listed_and_decided_about(library: Path, run: Run) -> None:
    at = ("--library", library, "--least", "6")
    lines = run("clusters", *at, "--json")[1].splitlines()
    found = [json.loads(line) for line in lines]
    reds = next(one for one in found if one["known"][:1] and one["known"][0][0] == "urn:c:red")
    assert reds["known"][0][1] == pytest.approx(0.8, abs=0.05)
    assert {int(one["record_id"][2:]) % 6 for one in reds["members"]} == {0}
    assert f"{reds['name']}  {len(reds['members'])} records" in run("clusters", *at)[1]
    code, out, _ = run("review", "cluster", reds["name"], "red", *at, "--without", "T-54", "--who", "Li")
    assert code == 0
    assert len(out.splitlines()) == len(reds["members"]) - 1
    assert "T-54" not in out
    code, _, err = run("review", "cluster", "0123456789", "red", *at)
    assert code == 1
    assert "or it has changed" in err


def test_what_follows_from_a_decision_is_not_proposed_and_what_is_narrower_still_is(library: Path, run: Run) -> None:
    at = ("--library", library)
    run("review", "accept", "T-54", "warm colour", *at)
    run("review", "reject", "T-55", "cold colour", *at)
    found = motifs(run("suggest", "T-54", "T-55", *at, "--facet", "motif", "--json")[1])
    assert [one["concept"] for one in found["T-54"]["suggestions"]] == ["urn:c:red"]
    assert "urn:c:green" not in [one["leaf"] for one in found["T-55"]["suggestions"]]
