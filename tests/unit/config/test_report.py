from __future__ import annotations

from pathlib import Path

import pytest

from agroal.config.report import Report, read_bytes, read_text


def complaint(path: Path, origin: str = "because of -c") -> str:
    report = Report("it.conf")
    assert read_text(path, origin, report) is None
    [problem] = report.problems
    return str(problem)


def test_text_is_read_and_a_byte_order_mark_dropped(tmp_path: Path, report: Report) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfgr\xc3\xbc\xc3\x9fe\r\n")
    assert read_text(tmp_path / "f", "", report) == "grüße\r\n"
    assert report.problems == []


def test_a_missing_file_tells_why_it_was_looked_for(tmp_path: Path) -> None:
    assert complaint(tmp_path / "f") == "it.conf: no such file (because of -c)"
    assert complaint(tmp_path / "f", "") == "it.conf: no such file"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "d" / "f") == f"it.conf: there is no directory {tmp_path / 'd'} (because of -c)"


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    assert complaint(tmp_path) == "it.conf: is a directory; expected a file (because of -c)"


def test_a_device_is_not_read() -> None:
    assert complaint(Path("/dev/null")) == "it.conf: is not a regular file; expected a file (because of -c)"


def test_a_file_that_cannot_be_read_says_what_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert complaint(tmp_path / "loop") == "it.conf: can't be read: Too many levels of symbolic links (because of -c)"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\nb\0c\n", "it.conf:2: contains a NUL byte; expected text"),
        (b"a\r\n\nb \xe9\n", "it.conf:3: byte 0xe9 is not UTF-8; expected text in UTF-8"),
        (b"\xef\xbb\xbfa\n\xff", "it.conf:2: byte 0xff is not UTF-8; expected text in UTF-8"),
        (b"\xff\xfea\0", "it.conf:1: contains a NUL byte; expected text"),
    ],
)
def test_bytes_that_are_no_text_are_found_with_their_line(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "f").write_bytes(data)
    assert complaint(tmp_path / "f") == message


def test_bytes_are_read_as_they_are(tmp_path: Path, report: Report) -> None:
    (tmp_path / "f").write_bytes(b"\0\xff")
    assert read_bytes(tmp_path / "f", "", report) == b"\0\xff"
