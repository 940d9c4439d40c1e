from __future__ import annotations

from xml.etree import ElementTree

from tests.bench.figures import summarise
from tests.bench.plot import charts
from tests.unit.bench.samples import ROUNDS, sample, tail

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> tuple[list[str], list[ElementTree.Element]]:
    """The words of a picture, and its bars (the first rectangle is the paper)."""
    picture = ElementTree.fromstring(text)
    words = [element.text or "" for element in picture.iter(f"{SVG}text")]
    return words, list(picture.iter(f"{SVG}rect"))[1:]


def test_every_peer_with_a_cpu_time_has_a_bar() -> None:
    words, bars = drawn(charts(summarise(ROUNDS), "two cores"))
    assert len(bars) == 2
    assert {"two cores", "select", "agroal", "pgbouncer"} <= set(words)
    assert "direct" not in words


def test_a_bar_is_as_long_as_its_median_and_the_line_spans_the_rounds() -> None:
    text = charts(summarise(ROUNDS), "")
    _, (agroal, pgbouncer) = drawn(text)
    assert float(agroal.attrib["width"]) == 2 * float(pgbouncer.attrib["width"])  # medians of 20 and 10
    (line, _) = ElementTree.fromstring(text).iter(f"{SVG}path")
    begin, end = (float(word) for word in line.attrib["d"].removeprefix("M").replace("H", " ").split()[::2])
    left, width = float(agroal.attrib["x"]), float(agroal.attrib["width"])
    assert begin < left + width < end


def test_each_workload_has_a_scale_of_its_own() -> None:
    slow = [sample(peer, 1, 1000 * cpu, workload="copy") for peer, cpu in (("agroal", 20.0), ("pgbouncer", 33.0))]
    _, bars = drawn(charts(summarise([*ROUNDS, *slow]), ""))
    assert max(float(bar.attrib["width"]) for bar in bars) == float(bars[3].attrib["width"])


def test_the_ratio_stands_at_the_bar_of_everyone_but_the_reference() -> None:
    words, _ = drawn(charts(summarise(ROUNDS), ""))
    assert "20.0 µs   1.50 × pgbouncer" in words
    assert "10.0 µs" in words


def test_a_name_can_not_break_the_picture() -> None:
    words, _ = drawn(charts(summarise([sample("agroal", 1, 5.0, workload="<&>")]), "a < b"))
    assert {"<&>", "a < b"} <= set(words)


def test_nothing_measured_is_an_empty_picture() -> None:
    assert drawn(charts(summarise([sample("direct", 1, None)]), ""))[1] == []


def test_tails_are_drawn_below_with_their_own_ratio() -> None:
    tails = [tail("agroal", 1, 10.0, 13.0), tail("pgbouncer", 1, 10.0, 26.0)]
    words, bars = drawn(charts(summarise(tails), ""))
    assert len(bars) == 4
    assert {"13.00 ms   0.50 × pgbouncer", "26.00 ms"} <= set(words)
    assert float(bars[2].attrib["y"]) > float(bars[1].attrib["y"])
