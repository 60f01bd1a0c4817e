"""The commands that make and keep a library: their JSON forms, exit codes and error lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sherd.cli import main
from sherd.ingest.library import Library
from tests.ingest.museum import colour, paint

COUNT = 5


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


@pytest.fixture
def sherd(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Result(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    lines = []
    for n in range(COUNT):
        paint(folder / f"images/{n}.png", colour(n))
        lines.append({"id": f"r{n}", "image": f"images/{n}.png", "title": f"Relic {n}", "width": 24, "height": 24})
    (folder / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


@pytest.fixture
def library(tmp_path: Path, source: Path, sherd: Any) -> Path:
    folder = tmp_path / "lib"
    assert sherd("ingest", source, "--library", folder, "--model", "toy").code == 0
    return folder


def test_ingest_json_ends_with_its_counts(tmp_path: Path, source: Path, sherd: Any) -> None:
    result = sherd("ingest", source, "--library", tmp_path / "lib", "--model", "toy", "--json")
    assert result.code == 0
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert list(lines[-1]) == [
        "seen", "added", "updated", "unchanged", "rejected", "pictures", "seconds", "rejects_file",
    ]  # fmt: skip
    assert lines[-1] | {"seconds": 0} == {
        "seen": COUNT, "added": COUNT, "updated": 0, "unchanged": 0, "rejected": 0, "pictures": COUNT, "seconds": 0,
        "rejects_file": str(tmp_path / "lib/rejects.jsonl"),
    }  # fmt: skip
    assert Path(lines[-1]["rejects_file"]).is_file()
    assert [line["event"] for line in lines[:-1]] == ["started", "progress"]
    assert lines[1]["settled"] == lines[1]["total"] == COUNT
    assert lines[1]["seconds_left"] == 0
    assert result.err == ""


def test_ingest_tells_people_the_sum(library: Path, source: Path, sherd: Any) -> None:
    result = sherd("ingest", source, "--library", library)
    assert f"seen {COUNT} = added 0 + updated 0 + unchanged {COUNT} + rejected 0" in result.out
    assert [json.loads(line)["event"] for line in result.err.splitlines()] == ["started", "progress"]


def test_strict_exits_with_3_when_anything_is_rejected(library: Path, source: Path, sherd: Any) -> None:
    assert sherd("ingest", source, "--library", library, "--strict").code == 0
    (source / "images/2.png").write_bytes(b"x")
    assert sherd("ingest", source, "--library", library).code == 0
    result = sherd("ingest", source, "--library", library, "--strict", "--json")
    assert result.code == 3
    assert (result.last["rejected"], result.last["unchanged"]) == (1, COUNT - 1)


def test_the_encoder_of_a_library_needs_to_be_named_only_once(library: Path, source: Path, sherd: Any) -> None:
    assert sherd("ingest", source, "--library", library, "--json").last["unchanged"] == COUNT


@pytest.mark.parametrize("command", ["verify", "repair", "reindex"])
@pytest.mark.parametrize("as_option", [True, False])
def test_upkeep_of_a_sound_library(command: str, as_option: bool, library: Path, sherd: Any) -> None:
    result = sherd(command, *(["--library"] if as_option else []), library, "--json")
    assert result.code == 0
    if command == "reindex":
        assert (result.last["pictures"], result.last["model"]) == (COUNT, "toy")
    else:
        assert result.last["ok"] is True
        assert result.last["problems"] == []


def test_only_the_indexes_can_be_made_again(library: Path, sherd: Any) -> None:
    result = sherd("reindex", library, "--only-index", "--recall", "0.99", "--index", "hnsw", "--json")
    assert (result.code, result.last) == (0, {"indexes": {}})
    assert "every search is exact" in sherd("reindex", library, "--only-index").out
    assert sherd("reindex", library, "--recall", "7").code != 0
    assert sherd("reindex", library, "--only-index", "--index", "tree", "--json").code != 0
    assert sherd("reindex", library, "--only-index", "--model", "toy").code != 0


def test_verify_and_repair_say_what_they_find(library: Path, sherd: Any) -> None:
    shutil.rmtree(library / "thumbnails")
    result = sherd("verify", "--library", library, "--json")
    assert result.code == 1
    assert list(result.last) == ["ok", "checked", "problems"]
    assert result.last["ok"] is False
    assert [set(problem) for problem in result.last["problems"]] == [{"kind", "what", "where"}] * COUNT
    assert "thumbnail_missing" in sherd("verify", library).out
    done = sherd("repair", library, "--json")
    assert done.code == 0
    assert done.last == {"ok": True, "found": COUNT, "mended": COUNT, "problems": []}
    assert sherd("verify", library).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["verify", "--library", "{tmp}/none"], "library_unusable", "none"),
        (["verify", "--library", "{tmp}/src"], "library_unusable", "no Sherd library"),
        (["repair", "{tmp}/src"], "library_unusable", "src"),
        (["reindex", "{tmp}/src"], "library_unusable", "src"),
        (["ingest", "{tmp}/src", "--library", "{tmp}/src/images"], "library_unusable", "holds other files"),
        (["ingest", "{tmp}/none", "--library", "{tmp}/lib"], "source_unreadable", "none"),
        (["ingest", "{tmp}/src", "--library", "{tmp}/lib", "--model", "nobody"], "model_unavailable", "nobody"),
        (["ingest", "{tmp}/src", "--library", "{tmp}/l", "--columns", "{tmp}/c.toml"], "invalid_config", "c.toml"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], code: str, word: str, tmp_path: Path, source: Path, sherd: Any
) -> None:
    result = sherd(*(argument.format(tmp=tmp_path) for argument in arguments), "--json")
    assert result.code == 1
    assert result.last["error"]["code"] == code
    assert word in result.last["error"]["message"]
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["verify"], ["ingest", "x"], ["ingest", "x", "--library", "y", "--batch", "0"]])
def test_wrong_usage_exits_with_2(arguments: list[str], sherd: Any) -> None:
    assert sherd(*arguments).code == 2


def test_a_busy_library_is_told(library: Path, source: Path, sherd: Any) -> None:
    with Library.open(library) as held, held.writer():
        for command in (["ingest", source, "--library"], ["verify"], ["repair"], ["reindex"]):
            result = sherd(*command, library, "--json")
            assert result.code == 1
            assert result.last["error"]["code"] == "library_busy"
            assert "process" in result.last["error"]["message"]


def test_a_source_inside_which_the_library_lies_does_not_read_it(tmp_path: Path, sherd: Any) -> None:
    paint(tmp_path / "src/a.png", (9, 9, 9))
    for _ in range(2):
        result = sherd("ingest", tmp_path / "src", "--library", tmp_path / "src/lib", "--model", "toy", "--json")
        assert result.last["seen"] == 1


def test_a_spreadsheet_shows_its_columns_first_and_groups_its_photographs(tmp_path: Path, sherd: Any) -> None:
    for n in range(4):
        paint(tmp_path / f"src/{n}.png", colour(n))
    table = (
        "总登记号,藏品名称,照片1,照片2,备注\n0012,鼎,0.png,1.png,x\n1987.10,瓶,2.png,,\n1987.10,瓶,3,,\n7,,none.png,,\n"
    )
    (tmp_path / "src/metadata.csv").write_bytes(table.encode("gb18030"))
    arguments = ("ingest", tmp_path / "src", "--library", tmp_path / "lib", "--model", "toy", "--json")
    result = sherd(*arguments)
    assert json.loads(result.out.splitlines()[0]) == {
        "event": "started",
        "source": "spreadsheet",
        "columns": {"accession": ["总登记号"], "title": ["藏品名称"], "image": ["照片1", "照片2"]},
        "unused_columns": ["备注"],
    }
    assert [result.last[name] for name in ("seen", "added", "rejected", "pictures")] == [4, 3, 1, 4]
    with Library.open(tmp_path / "lib") as library:
        found = library.catalogue.get_many(["0012", "1987.10"])
        assert [[image.path for image in found[name].images] for name in ("0012", "1987.10")] == [
            ["0.png", "1.png"], ["2.png", "3.png"],
        ]  # fmt: skip
    again = sherd(*arguments)
    assert [again.last[name] for name in ("seen", "unchanged", "rejected", "pictures")] == [4, 3, 1, 4]


def test_a_mapping_overrides_the_columns(tmp_path: Path, sherd: Any) -> None:
    paint(tmp_path / "src/a.png", colour(1))
    (tmp_path / "src/list.csv").write_text("Nr,id,pic\nA-1,7,a.png\n", encoding="utf-8")
    (tmp_path / "c.toml").write_text('[columns]\naccession = "Nr"\nimage = "pic"\n', encoding="utf-8")
    options = ("--metadata", tmp_path / "src/list.csv", "--columns", tmp_path / "c.toml", "--model", "toy", "--json")
    assert sherd("ingest", tmp_path / "src", "--library", tmp_path / "lib", *options).last["added"] == 1
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.get_many(["A-1"])["A-1"].extra == {"id": "7"}
