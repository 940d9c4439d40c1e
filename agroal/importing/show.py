"""The report of an import: for people as text, as a Markdown page beside the files, and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from agroal.importing.findings import Finding, Findings, Outcome
from agroal.management.neutral import neutral

_INTRODUCTIONS = {
    Outcome.HUMAN: "Please look at each of these before you start the daemon.",
    Outcome.WITHOUT: "agroal has no such thing; what can be done instead is said.",
    Outcome.CHANGED: "The same purpose, in another place or with another value.",
    Outcome.TAKEN: "As it was.",
    Outcome.NEEDLESS: "Nothing has to be done about these.",
}


def as_text(findings: Findings) -> Iterator[str]:
    """A line for each finding; what needs somebody comes first."""
    for outcome, found in _groups(findings):
        yield f"{outcome} ({len(found)})"
        for finding in found:
            became = f" → {finding.became}" if finding.became else ""
            yield neutral(f"  {finding.place}: {finding.what}{became}")
            if finding.says:
                yield neutral(f"      {finding.says}")
        yield ""


def as_markdown(findings: Findings, source: Path, files: Sequence[str]) -> str:
    lines = [f"# Import of {_cell(str(source))}", "", "Written:", "", *(f"- `{file}`" for file in files), ""]
    for outcome, found in _groups(findings):
        lines += [f"## {str(outcome).capitalize()}", "", _INTRODUCTIONS[outcome], ""]
        lines += ["| where | was | is | to know |", "|---|---|---|---|"]
        lines += [_row(finding) for finding in found]
        lines.append("")
    lines += [
        "## Next",
        "",
        "1. The files of users belong to whoever imported them: give them, and the master key, to agroal's user.",
        "2. `agroal --check -D` this directory: what is in force, and from which line.",
        "3. `agroal doctor -D` this directory: whether PostgreSQL agrees with it.",
        "4. Start it beside the old pool on another port, try, and change over.",
    ]
    return "\n".join(lines) + "\n"


def as_facts(findings: Findings) -> list[dict[str, str]]:
    return [
        {
            "outcome": finding.outcome.name.lower(),
            "place": str(finding.place),
            "what": finding.what,
            "became": finding.became,
            "says": finding.says,
        }
        for finding in findings.all
    ]


def _groups(findings: Findings) -> Iterator[tuple[Outcome, list[Finding]]]:
    for outcome in Outcome:
        if found := list(findings.of(outcome)):
            yield outcome, found


def _row(finding: Finding) -> str:
    return f"| {_cell(str(finding.place))} | {_cell(finding.what)} | {_cell(finding.became)} | {_cell(finding.says)} |"


def _cell(text: str) -> str:
    """Nothing in it ends the cell, the line or the table."""
    return "".join(f"\\{char}" if char in "\\|<>*[]" else char for char in neutral(text))
