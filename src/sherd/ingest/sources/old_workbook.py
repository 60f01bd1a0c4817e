"""Excel's old binary workbooks (.xls), read in a process of their own: the reader lays a sheet out in memory whole,
and a hostile one must not take the job's memory with it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

from sherd.errors import RejectedItem, SourceError

MEMORY_LIMIT_BYTES = 4 * 1024**3
TIME_LIMIT_S = 120.0
MAX_OUTPUT_BYTES = 1024**3


def read_old_workbook(path: Path) -> Generator[tuple[int, list[str] | RejectedItem], None, None]:
    """(row number, cells) of the first visible sheet that has any; rows without content are left out.

    Raises:
        SourceError: the file is no workbook, or takes too long or too much memory.
    """
    paths = os.pathsep.join(one for one in sys.path if one)
    with tempfile.TemporaryFile() as rows, tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "sherd.ingest.sources.old_workbook", os.fspath(path.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=rows,
                stderr=said,
                timeout=TIME_LIMIT_S,
                env={**os.environ, "PYTHONPATH": paths, "POLARS_MAX_THREADS": "1"},
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"{path}: reading the workbook took longer than {TIME_LIMIT_S:g} s") from error
        if done.returncode:
            said.seek(0)
            lines = said.read(10_000).decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1][:300] if lines and done.returncode == 2 else f"the reader ended with {done.returncode}"
            raise SourceError(f"{path}: cannot be read as a workbook: {reason}; save it as .xlsx")
        rows.seek(0)
        for line in rows:
            number, cells = json.loads(line)
            yield number, cells


def main() -> None:
    with suppress(ValueError, OSError):  # macOS knows no limit of memory
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES))
    import fastexcel

    try:
        workbook = fastexcel.read_excel(sys.argv[1])
        for name in workbook.sheet_names:
            sheet = workbook.load_sheet(name, header_row=None, dtypes="string")
            if sheet.visible == "visible" and sheet.height:
                break
        else:
            return
        for number, row in enumerate(sheet.to_polars().iter_rows(), 1):
            if any(row):
                print(json.dumps([number, [(cell or "").removesuffix(" 00:00:00") for cell in row]]))
    except fastexcel.FastExcelError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
