from __future__ import annotations

import pytest

from agroal.pipeline import outfit
from agroal.pipeline.outfit import FIXED, Wardrobe, changes, wanted

BASE = {"TimeZone": "UTC", "application_name": "agroal", "DateStyle": "ISO, MDY", "server_version": "16.1"}


class TestWardrobe:
    def test_the_same_settings_are_the_same_outfit(self) -> None:
        wardrobe = Wardrobe()
        one = wardrobe.outfit(BASE, {"work_mem": "1MB"})
        assert wardrobe.outfit(dict(reversed(BASE.items())), {"work_mem": "1MB"}) is one
        assert wardrobe.outfit(BASE, {}) is not one
        assert wardrobe.outfit({**BASE, "TimeZone": "Mars"}, {"work_mem": "1MB"}) is not one

    def test_what_is_not_for_a_client_to_set_is_no_part_of_it(self) -> None:
        wardrobe = Wardrobe()
        one = wardrobe.outfit(BASE, {})
        assert wardrobe.outfit({**BASE, "server_version": "17.0"}, {}) is one
        assert not FIXED & one.reported.keys()

    def test_a_text_means_the_same_under_another_application_name_only(self) -> None:
        wardrobe = Wardrobe()
        one = wardrobe.outfit(BASE, {})
        assert wardrobe.outfit({**BASE, "application_name": "psql"}, {}).dialect == one.dialect
        assert wardrobe.outfit({**BASE, "DateStyle": "German"}, {}).dialect != one.dialect
        assert wardrobe.outfit(BASE, {"search_path": "a"}).dialect != one.dialect

    def test_what_came_of_a_startup_packet_is_remembered(self) -> None:
        wardrobe = Wardrobe()
        assert wardrobe.known("asked") is None
        fitted = wardrobe.fitted("asked", wardrobe.outfit(BASE, {}), BASE)
        assert wardrobe.known("asked") is fitted
        assert fitted.parameters == BASE

    def test_not_of_any_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outfit, "MOST", 2)
        wardrobe = Wardrobe()
        first = wardrobe.outfit({"TimeZone": "0"}, {})
        for number in range(3):
            wardrobe.fitted(number, wardrobe.outfit({"TimeZone": str(number)}, {}), {})
        assert wardrobe.known(0) is None
        assert wardrobe.known(2) is not None
        assert wardrobe.outfit({"TimeZone": "0"}, {}) is not first


def test_what_a_startup_packet_asks_for_is_put_over_what_a_server_reports() -> None:
    reported, others = wanted({"timezone": "Mars", "Work_Mem": "1MB"}, BASE)
    assert reported == {"TimeZone": "Mars", "application_name": "agroal", "DateStyle": "ISO, MDY"}
    assert others == {"work_mem": "1MB"}


@pytest.mark.parametrize(
    ("reported", "others", "worn", "expected"),
    [
        ({"TimeZone": "UTC"}, {}, {}, []),
        ({"TimeZone": "Mars"}, {}, {}, [("TimeZone", "Mars")]),
        ({"IntervalStyle": "iso"}, {}, {}, [("IntervalStyle", "iso")]),
        ({}, {"work_mem": "1MB"}, {}, [("work_mem", "1MB")]),
        ({}, {"work_mem": "1MB"}, {"work_mem": "1MB"}, []),
        ({}, {"work_mem": "2MB"}, {"work_mem": "1MB"}, [("work_mem", "2MB")]),
        ({}, {}, {"work_mem": "1MB"}, [("work_mem", None)]),
    ],
)
def test_only_what_differs_is_set(
    reported: dict[str, str], others: dict[str, str], worn: dict[str, str], expected: list[tuple[str, str | None]]
) -> None:
    assert list(changes(reported, others, BASE, worn)) == expected
