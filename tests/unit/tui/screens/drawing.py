"""What an SVG of the screen says, without how Rich happens to write one: its text, and the colours of each cell.

    legend      a #d6dde4 on #1f262e bold
    cells       aaaa..bb

A letter stands for each cell, `.` for a blank on the background of the screen. So a frame is a few kilobytes, and a
difference is seen line by line.
"""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from string import ascii_letters, digits

from rich.cells import cell_len

_WIDTH, _HEIGHT, _TOP = 12.2, 24.4, 1.5
"""Of a cell, and above the first one, in an SVG of Rich."""
_RULE = re.compile(r"\.terminal-\d+-(r\d+) \{ ([^}]*) \}")
_TEXT = re.compile(r'<text class="terminal-\d+-(r\d+)" x="([\d.]+)" [^>]*-line-(\d+)\)">([^<]*)</text>')
_RECTANGLE = re.compile(r'<rect fill="(#\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="24.65"')
_BLANK = "\N{NO-BREAK SPACE}"
_NAMES = ascii_letters + digits


def text_of(svg: str, size: tuple[int, int]) -> str:
    """The lines, without the room at their ends."""
    lines = [[" "] * size[0] for _ in range(size[1])]
    for _, column, row, text in _texts(svg):
        for one in text.replace(_BLANK, " "):
            if cell_len(one):
                lines[row][column : column + cell_len(one)] = [one] + [""] * (cell_len(one) - 1)
            column += cell_len(one)
    return "\n".join("".join(line).rstrip() for line in lines)


def colours_of(svg: str, size: tuple[int, int]) -> str:
    """The legend, and a letter for each cell."""
    inks = {name: _words(rule) for name, rule in _RULE.findall(svg)}
    grounds = _grounds(svg, size)
    [(usual, _)] = Counter(ground for row in grounds for ground in row).most_common(1)
    cells = [["" if ground == usual else f"on {ground}" for ground in row] for row in grounds]
    for name, column, row, text in _texts(svg):
        for one in text:
            for at in range(column, column + cell_len(one)):
                ground = "" if grounds[row][at] == usual else f" on {grounds[row][at]}"
                blank = one in (" ", _BLANK) and "underline" not in inks[name]
                cells[row][at] = ground.strip() if blank else inks[name] + ground
            column += cell_len(one)
    names = dict(zip(sorted({cell for row in cells for cell in row} - {""}), _NAMES, strict=False))
    legend = [f"{letter} {ink}" for ink, letter in names.items()]
    drawn = ["".join(names.get(cell, ".") for cell in row).rstrip(".") for row in cells]
    return "\n".join([f"on {usual}", *legend, "", *drawn]) + "\n"


def _texts(svg: str) -> list[tuple[str, int, int, str]]:
    found = ((name, float(x), int(row), unescape(text)) for name, x, row, text in _TEXT.findall(svg))
    return [(name, round(x / _WIDTH), row, text) for name, x, row, text in found]


def _grounds(svg: str, size: tuple[int, int]) -> list[list[str]]:
    grounds = [[""] * size[0] for _ in range(size[1])]
    for colour, x, y, width in _RECTANGLE.findall(svg):
        row, start, end = round((float(y) - _TOP) / _HEIGHT), float(x) / _WIDTH, (float(x) + float(width)) / _WIDTH
        for at in range(round(start), round(end)):
            grounds[row][at] = colour
    return grounds


def _words(rule: str) -> str:
    """`fill: #d6dde4;font-weight: bold` as `#d6dde4 bold`."""
    return " ".join(part.partition(":")[2].strip() for part in rule.rstrip("; ").split(";"))
