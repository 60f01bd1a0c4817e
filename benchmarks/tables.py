"""Fill the tables of docs/results.md, docs/performance.md and the model card from the reports (`make results`).

`--check` only says if they are right.
"""

from __future__ import annotations

import argparse
import re
import sys

import arms_tables
import model_tables
import performance_tables
from provenance import MODELS, ROOT

PAGES = (ROOT / "docs" / "results.md", ROOT / "docs" / "performance.md", MODELS / "README.md")
TABLES = arms_tables.TABLES | model_tables.TABLES | performance_tables.TABLES


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
