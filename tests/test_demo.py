"""The demo, small and with the toy encoder."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from sherd import demo
from sherd.encoder.toy import ToyEncoder
from sherd.errors import InvalidArgument, ModelUnavailable
from sherd.relics import resolve_spec
from sherd.search.asked import Asked


def small(out: Path, stream: io.StringIO | None = None) -> list[Asked]:
    return demo.run_demo(
        out,
        encoder=ToyEncoder(),
        cultures=resolve_spec("ritual_bronze"),
        relics_per_culture=6,
        size_px=96,
        stream=stream or io.StringIO(),
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Asked], str]:
    out, stream = tmp_path_factory.mktemp("demo"), io.StringIO()
    return out, small(out, stream), stream.getvalue()


def test_it_leaves_a_museum_a_library_a_sheet_and_two_reports(shown: tuple[Path, list[Asked], str]) -> None:
    out, _, told = shown
    names = {path.name for path in out.iterdir()}
    assert names == {demo.MARK, "museum", "library", "contact_sheet.png", "report.html", "report.zh.html"}
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.format == "PNG"
    assert "Search report" in (out / "report.html").read_text("utf-8")
    assert "检索报告" in (out / "report.zh.html").read_text("utf-8")
    for name in ("contact_sheet.png", "report.html", "report.zh.html", "museum", "library"):
        assert str(out / name) in told


def test_five_questions_of_five_kinds_are_answered(shown: tuple[Path, list[Asked], str]) -> None:
    _, answers, told = shown
    first, second, third, fourth, fifth = (one.query for one in answers)
    assert first.text is not None
    assert first.text.isascii()
    assert second.text is not None
    assert not second.text.isascii()
    assert third.minus
    assert third.where
    assert fourth.image is not None
    assert fourth.box is None
    assert fifth.image is not None
    assert fifth.box is not None
    assert [len(one.answer.hits) for n, one in enumerate(answers) if n != 2] == [demo.HITS] * 4
    assert answers[3].image is not None
    assert Path(answers[3].image).name in answers[3].answer.hits[0].image
    assert told.count("sherd search ") == 6
    assert "--not" in told
    assert "--box" in told


def test_the_box_is_one_of_the_records_own(shown: tuple[Path, list[Asked], str]) -> None:
    out, answers, _ = shown
    records = [json.loads(line) for line in (out / "museum/records.jsonl").read_text("utf-8").splitlines()]
    record = next(r for r in records if str(out / "museum" / r["image"]) == answers[4].image)
    box = answers[4].query.box
    assert box is not None
    known = [[side / 96 for side in region["bbox"]] for region in record["regions"]]
    assert any([box.x, box.y, box.w, box.h] == pytest.approx(sides, abs=2e-3) for sides in known)
    assert all(record["title"] and record["id"].startswith("SM-") for record in records)


def test_it_runs_again_where_it_ran_before(shown: tuple[Path, list[Asked], str]) -> None:
    out, before, _ = shown
    (out / "library/thumbnails").rename(out / "library/lost")
    again = small(out)
    assert [one.answer.hits for one in again] == [one.answer.hits for one in before]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "museum").mkdir()
    (tmp_path / "museum/precious.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="--out"):
        small(tmp_path)
    assert (tmp_path / "museum/precious.txt").read_text() == "mine"
    with pytest.raises(InvalidArgument, match="--out"):
        small(tmp_path / "museum/precious.txt")


def test_an_error_is_one_line_and_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(name: str) -> None:
        raise ModelUnavailable(f"{name}: image.onnx missing;\na model folder holds more")

    monkeypatch.setattr(demo, "load_encoder", absent)
    assert demo.main(["--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == "sherd: builtin: image.onnx missing; a model folder holds more\n"
    assert not (tmp_path / "out").exists()
