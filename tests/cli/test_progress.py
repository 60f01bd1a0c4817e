"""On a terminal: the columns, a bar with rate and time left, and refusals that cannot move the cursor."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.ingest.museum import colour, paint

CLI = "import sys; from sherd.cli import main; main(sys.argv[1:])"


def on_a_terminal(*arguments: object) -> tuple[str, str]:
    """What a person sees: (stderr, which is a terminal, without its colours; stdout)."""
    ours, theirs = pty.openpty()
    seen = b""
    environment = {**os.environ, "COLUMNS": "160", "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", CLI, *map(str, arguments)]
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, env=environment) as child:
        os.close(theirs)
        try:
            while block := os.read(ours, 65_536):
                seen += block
        except OSError:  # Linux tells the end of a terminal in this way
            pass
        assert child.stdout is not None
        said = child.stdout.read().decode()
    os.close(ours)
    assert child.returncode == 0, seen
    return seen.decode("utf-8", "replace"), said


def test_a_person_sees_columns_progress_and_refusals(tmp_path: Path) -> None:
    for n in range(3):
        paint(tmp_path / f"src/{n}.png", colour(n))
    rows = "".join(f"{n},鼎,{n}.png\n" for n in range(3)) + "4,x,\x1b[2Jgone.png\n"
    (tmp_path / "src/metadata.csv").write_text(f"登记号,名称,照片\n{rows}", encoding="utf-8")
    seen, said = on_a_terminal("ingest", tmp_path / "src", "--library", tmp_path / "lib", "--model", "toy")
    for part in ("columns as they are understood", "accession  <-  登记号", "4/4", "/s, 1 rejected", "left"):
        assert part in seen
    assert "rejected metadata.csv row 5: path_invalid" in seen
    assert "\x1b[2J" not in seen
    assert re.match(r"seen 4 = added 3 \+ updated 0 \+ unchanged 0 \+ rejected 1; 3 pictures .*\n", said)
    assert "rejects.jsonl" in said


def test_many_refusals_do_not_flood_the_terminal(tmp_path: Path) -> None:
    paint(tmp_path / "src/a.png", colour(1))
    for n in range(30):
        (tmp_path / f"src/x{n}.png").write_bytes(b"x")
    seen, _ = on_a_terminal("ingest", tmp_path / "src", "--library", tmp_path / "lib", "--model", "toy")
    assert seen.count("unsupported_type") == 10
    assert "further ones are in rejects.jsonl" in seen
