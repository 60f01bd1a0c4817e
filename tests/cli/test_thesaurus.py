"""`sherd thesaurus` end to end: what is printed for people, what for scripts, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sherd.cli import main
from sherd.ingest.library import Library
from sherd.ingest.verify import verify
from tests.thesaurus.documents import TURTLE

FAULTY = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix v: <urn:v:> .
v:a a skos:Concept ; skos:prefLabel "jar"@en ; skos:broader v:b .
v:b a skos:Concept ; skos:prefLabel "JAR"@en ; skos:broader v:a, v:gone .
v:c a skos:Concept ; skos:prefLabel "罐"@zh-Hans ; skos:inScheme v:scheme .
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["thesaurus", *(str(argument) for argument in arguments)])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return call


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vessels.ttl"
    path.write_text(TURTLE, "utf-8")
    return path


@pytest.fixture
def library(tmp_path: Path, source: Path, run: Run) -> Path:
    folder = tmp_path / "lib"
    assert run("import", source, "--library", folder)[0] == 0
    return folder


def asked(run: Run, *arguments: object) -> dict[str, Any]:
    code, out, _ = run(*arguments, "--json")
    assert code == 0
    answer: dict[str, Any] = json.loads(out)
    return answer


def test_import_makes_the_library_and_twice_is_once(tmp_path: Path, source: Path, run: Run) -> None:
    folder = tmp_path / "new"
    done = asked(run, "import", source, "--library", folder)
    seconds = done.pop("seconds")
    wanted = {"name": "urn:v:scheme", "concepts": 3, "labels": 8, "links": 5, "changed": True, "problems": {}}
    assert done == wanted
    assert 0 <= seconds < 60
    assert asked(run, "import", source, "--library", folder)["changed"] is False
    code, out, _ = run("import", source, "--library", folder)
    assert (code, out.split(";")[0]) == (
        0,
        "urn:v:scheme: 3 concepts with 8 labels are in the library already, unchanged",
    )
    with Library.open(folder) as there:
        assert verify(there).ok


def test_our_own_comes_by_the_word_builtin(tmp_path: Path, run: Run) -> None:
    done = asked(run, "import", "builtin", "--library", tmp_path / "lib")
    assert done["name"] == "urn:sherd:scheme"
    assert done["concepts"] > 300
    [ding] = asked(run, "show", "urn:sherd:ding", "--library", tmp_path / "lib")["concepts"]
    assert ding["pref_labels"]["zh-Hans"] == "鼎"


def test_a_file_without_a_scheme_is_kept_under_its_name(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "mine.ttl"
    head = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> ."
    path.write_text(head + '<urn:a> a skos:Concept ; skos:prefLabel "a" .', "utf-8")
    assert asked(run, "import", path, "--library", tmp_path / "lib")["name"] == "mine.ttl"


def test_check_tells_what_is_wrong_and_what_is_done(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "faulty.ttl"
    path.write_text(FAULTY, "utf-8")
    code, out, _ = run("check", path)
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "urn:v:scheme: 3 concepts, 3 labels, 2 without a broader one"
    assert lines[3].split() == ["without", "zh", "2,", "en", "1"]
    assert "circles of broader concepts: 1" in lines
    assert "dangling: urn:v:b has the broader urn:v:gone, which is not there: link dropped" in lines
    assert "cycle: urn:v:b is broader than itself: urn:v:a < urn:v:b < urn:v:a: link to urn:v:a dropped" in lines
    code, out, _ = run("check", path, "--json")
    assert code == 1
    assert json.loads(out)["thesauri"]["urn:v:scheme"]["counts"] == {"dangling": 1, "cycle": 1, "duplicate_label": 1}


def test_check_of_a_library_tells_what_was_found_at_the_import(tmp_path: Path, library: Path, run: Run) -> None:
    assert run("check", "--library", library)[0] == 0
    path = tmp_path / "faulty.ttl"
    path.write_text(FAULTY.replace("v:scheme", "v:other"), "utf-8")
    code, out, _ = run("import", path, "--library", library)
    assert code == 0
    assert f"To see them: sherd thesaurus check --library {library}" in out
    code, out, _ = run("check", "--library", library, "--json")
    assert code == 1
    assert [one["counts"] for one in json.loads(out)["thesauri"].values()] == [
        {},
        {"dangling": 1, "cycle": 1, "duplicate_label": 1},
    ]


def test_many_problems_are_cut_short_for_people_only(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "many.ttl"
    line = '<urn:a{0}> skos:broader <urn:gone{0}> ; skos:prefLabel "{0}" .\n'
    head = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    path.write_text(head + "".join(line.format(n) for n in range(30)), "utf-8")
    _, out, _ = run("check", path)
    assert "dangling: and 10 more; --json has all of them" in out
    _, out, _ = run("check", path, "--json")
    assert sum(one["kind"] == "dangling" for one in json.loads(out)["thesauri"]["many.ttl"]["problems"]) == 30


def test_show_tells_all_of_a_concept(library: Path, run: Run) -> None:
    for name in ("urn:v:tripod", "V.1", "圆鼎", "trypod"):
        code, out, _ = run("show", name, "--library", library)
        assert code == 0
        assert out.splitlines() == [
            "圓鼎 tripod  V.1  vessel  urn:v:tripod",
            "  en             tripod; round ding; trypod",
            "  zh-Hant        圓鼎",
            "  zh-Latn-pinyin -; yuan ding",
            "  note           A ding on three legs. Cast in piece moulds. (en)",
            "  exactMatch     https://other.example/7",
            "  broadMatch     https://other.example/2",
            "  above 1        容器 vessel  urn:v:vessel",
            "  above 1        bronze object  urn:v:bronze",
        ]
    assert "  below 1        圓鼎 tripod  urn:v:tripod" in run("show", "vessel", "--library", library)[1].splitlines()
    [vessel] = asked(run, "show", "vessel", "--library", library)["concepts"]
    assert vessel["narrower"] == [{"uri": "urn:v:tripod", "labels": {"en": "tripod", "zh-Hant": "圓鼎"}}]
    assert (vessel["ancestors"], vessel["descendants"]) == ([], 1)


def test_search_finds_by_label_language_and_facet(library: Path, run: Run) -> None:
    assert run("search", "ding", "--library", library)[1].splitlines() == [
        "words   yuan ding (zh-Latn-pinyin)  vessel  urn:v:tripod"
    ]
    found = asked(run, "search", "圆鼎", "--library", library, "--language", "zh", "--facet", "vessel", "-k", "1")[
        "found"
    ]
    assert [(one["uri"], one["label"], one["how"]) for one in found] == [("urn:v:tripod", "圓鼎", "exact")]
    assert run("search", "圆鼎", "--library", library, "--facet", "bronze")[1] == (
        "no concept has such a label in facet 'bronze'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("import", "{tmp}/gone.ttl", "--library", "{tmp}/x"), 1, "gone.ttl: cannot be read (No such file"),
        (("import", "{tmp}", "--library", "{tmp}/x"), 0, ""),
        (("import", "{lib}", "--library", "{tmp}/x"), 1, "holds no SKOS file"),
        (("check",), 2, "give what to check: a PATH, or --library DIR"),
        (("check", "--library", "{tmp}/x"), 1, "there is no such library"),
        (("show", "nothing", "--library", "{lib}"), 1, "no thesaurus of this library has 'nothing'"),
        (("search", "jar"), 2, "--library"),
        (("search", "jar", "--library", "{lib}", "-k", "0"), 2, "-k"),
    ],
)
def test_errors_say_what_and_where(
    tmp_path: Path, library: Path, run: Run, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended, _, err = run(*(one.format(tmp=tmp_path, lib=library) for one in arguments))
    assert ended == code
    assert told in err
    if code == 1:
        assert not (tmp_path / "x").exists(), "what cannot be read makes no library"


def test_a_library_without_a_thesaurus_says_how_to_get_one(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "empty"
    Library.open(folder, create=True).close()
    for arguments in (("show", "jar"), ("search", "jar")):
        code, _, err = run(*arguments, "--library", folder)
        assert code == 1
        assert f"holds no thesaurus; `sherd thesaurus import builtin --library {folder}`" in err
    assert "holds no thesaurus" in run("check", "--library", folder)[1]
    code, out, _ = run("show", "jar", "--library", folder, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (1, "library_unusable")


def test_link_tells_what_a_text_means(library: Path, run: Run) -> None:
    links = asked(run, "link", "A bronze 圓鼎", "--library", library)["links"]
    assert [(one["uri"], one["words"], one["rule"]) for one in links] == [("urn:v:tripod", "圓鼎", "exact")]
    assert asked(run, "link", "圓鼎", "--library", library, "--facet", "none")["links"] == []
    code, out, _ = run("link", "饕餮紋")
    assert code == 0
    assert "饕餮紋  exact" in out
    assert "urn:sherd:taotie" in out
    assert "no concept is meant" in run("link", "qqqq")[1]


def test_link_asks_for_a_thesaurus_where_there_is_none(tmp_path: Path, run: Run) -> None:
    with Library.open(tmp_path / "empty", create=True):
        pass
    code, _, err = run("link", "ding", "--library", tmp_path / "empty")
    assert code == 1
    assert "sherd thesaurus import" in err
