"""How a number looks in a sheet: 12 under the format 0000 is "0012", 1987.1 under 0.00 is "1987.10".

Dates are given as ISO 8601, with the parts that the format shows: whoever reads "1987-10" need not guess the order.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

GENERAL = "General"
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-mm-dd", 15: "yyyy-mm-dd",
    16: "mm-dd", 17: "yyyy-mm", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
    27: "yyyy-mm", 28: "mm-dd", 29: "mm-dd", 30: "yyyy-mm-dd", 31: "yyyy-mm-dd", 32: "h:mm", 33: "h:mm:ss",
    36: "yyyy-mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "h:mm:ss", 46: "h:mm:ss",
    47: "h:mm:ss", 50: "yyyy-mm", 51: "mm-dd", 52: "yyyy-mm", 53: "mm-dd", 54: "mm-dd", 57: "yyyy-mm", 58: "mm-dd",
}  # fmt: skip
"""Formats that a workbook names by number only; 27 to 58 are those of Chinese and Japanese Excel."""

_TOKEN = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]|[\s\S]')
_MAX_DIGITS = 300
_ELAPSED = ("[h]", "[hh]", "[m]", "[mm]", "[s]", "[ss]")


def shown_number(value: float, form: str, *, since_1904: bool = False) -> str:
    """`value` as a person reads it under the number format `form`.

    A format that is not understood shows the number in full.
    """
    if form == GENERAL or form == "@" or not form:
        return plain_number(value)
    positive, *others = _sections(form)
    section = (
        others[0] if value < 0 and others and others[0] else others[1] if value == 0 and len(others) > 1 else positive
    )
    kinds = {token.lower() for token in section if len(token) == 1}
    if any(token.lower() in _ELAPSED for token in section) and value >= 0:
        minutes = round(value * 1_440)
        return f"{minutes // 60}:{minutes % 60:02d}"
    if kinds & set("ymdhs"):
        return _date(value, section, kinds, since_1904) or plain_number(value)
    if not kinds & set("0#?"):
        return plain_number(value)
    return _digits(abs(value) if value < 0 and others and others[0] else value, section) or plain_number(value)


def plain_number(value: float) -> str:
    """Whole numbers without a point, others with at most 15 digits, which is what a sheet keeps."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.15g}"


def _sections(form: str) -> list[list[str]]:
    sections: list[list[str]] = [[]]
    for token in _TOKEN.findall(form):
        if token == ";":
            sections.append([])
        else:
            sections[-1].append(token)
    return sections


def _date(value: float, section: list[str], kinds: set[str], since_1904: bool) -> str | None:
    if not 0 <= value < 2_958_466:  # 10000-01-01
        return None
    # Excel counts a 29 February 1900 that never was.
    start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 31) if value < 60 else datetime(1899, 12, 30)
    when = start + timedelta(seconds=round(value * 86_400))
    clock = f"{when:%H:%M:%S}" if "s" in kinds else f"{when:%H:%M}"
    if not kinds & set("yd"):
        # "m" alone is a month; beside hours or seconds it is minutes.
        return clock if kinds & set("hs") or value < 1 else f"{when:%Y-%m}"
    day = f"{when.year:04d}"
    if "m" in kinds or "d" in kinds:
        day += f"-{when.month:02d}"
    if "d" in kinds:
        day += f"-{when.day:02d}"
    return f"{day} {clock}" if "h" in kinds else day


def _digits(value: float, section: list[str]) -> str | None:
    """Fill the places of a format such as `"M"0000`, `0000-00`, `#,##0.00` or `0%` from right to left."""
    if any(token in ("E", "e", "/") for token in section):
        return None
    point = section.index(".") if "." in section else len(section)
    whole, decimals = section[:point], section[point + 1 :]
    number = Decimal(repr(abs(value))) * (100 if "%" in section else 1)
    places = sum(token in ("0", "#", "?") for token in decimals)
    number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if number < 10**15 else number
    left, _, right = f"{number:f}".partition(".")
    if len(left) > _MAX_DIGITS:
        return None
    return ("-" if value < 0 else "") + _whole(left.lstrip("0"), whole) + _decimals(right, decimals, point, section)


def _whole(digits: str, tokens: list[str]) -> str:
    slots = [place for place, token in enumerate(tokens) if token in ("0", "#", "?")]
    grouped = any(token == "," and slots and slots[0] < place < slots[-1] for place, token in enumerate(tokens))
    out: list[str] = []
    used = 0
    for place in reversed(range(len(tokens))):
        token = tokens[place]
        if token not in ("0", "#", "?"):
            out.append("" if token == "," else _literal(token))
            continue
        here = [digits[-1]] if digits else ["0"] if token == "0" else []
        digits = digits[:-1]
        if place == slots[0]:
            here += reversed(digits)
        for digit in here:
            if grouped and used and used % 3 == 0:
                out.append(",")
            out.append(digit)
            used += 1
    return "".join(reversed(out))


def _decimals(digits: str, tokens: list[str], point: int, section: list[str]) -> str:
    if point == len(section):
        return ""
    out, rest = [], digits
    for token in tokens:
        if token in ("0", "#", "?"):
            digit, rest = rest[:1] or "0", rest[1:]
            out.append("" if token != "0" and not (digit + rest).strip("0") else digit)
        else:
            out.append(_literal(token))
    text = "".join(out)
    return "." + text if text[:1].isdigit() else text


def _literal(token: str) -> str:
    if token.startswith('"'):
        return token.strip('"')
    if token.startswith("\\"):
        return token[1:]
    return "" if len(token) > 1 else token
