"""Renders the Helm chart: a program, because what renders it brings a runtime of its own into the process.

    python rendering.py CHART < cases

`cases` is a list of values in JSON; written is what Helm's linter says, and for each case the text of its templates, or
the error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import helm_python


def render(chart: helm_python.Chart, values: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"templates": chart.render(values, name="shop", namespace="prod")}
    except helm_python.HelmError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    with helm_python.Chart.load(sys.argv[1]) as chart:
        rendered = [render(chart, values) for values in json.load(sys.stdin)]
    json.dump({"lint": helm_python.lint(sys.argv[1])["messages"], "cases": rendered}, sys.stdout)
