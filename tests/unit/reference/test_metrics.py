from __future__ import annotations

from agroal.metrics.table import FAMILIES, PROCESS
from agroal.reference.markdown import escape, markdown
from agroal.reference.metrics import TYPES, page
from agroal.reference.page import sentence

PAGE = markdown("Metrics", page())


def test_each_metric_has_a_row_with_its_type_its_labels_and_what_it_means() -> None:
    for family in FAMILIES:
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `agroal_{family.name}` |")]
        _, _, kind, labels, meaning, _ = row.split("|", 5)
        assert kind.strip() == TYPES.get(family.kind, family.kind.value)
        assert labels.strip() == ", ".join(f"`{label}`" for label in family.labels)
        assert meaning.replace("`", "").strip() == escape(sentence(family.doc).replace("`", ""))


def test_so_has_what_is_known_of_the_process() -> None:
    for name, kind, _ in PROCESS:
        assert f"| `{name}` | {kind} |" in PAGE


def test_how_many_series_there_can_be_is_said() -> None:
    assert "the first 100 others" in PAGE
    assert "added up as `other`" in PAGE
