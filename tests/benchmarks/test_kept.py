"""docs/bench.md: what one run measures takes nothing away of what others did."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.kept import STORES, commit, put
from hypothesis import given
from hypothesis import strategies as st

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bench.md"
SECTIONS = [(run, store) for run in ("whole", "guarded", "million", "congestion") for store in STORES]


@given(st.lists(st.tuples(st.sampled_from(SECTIONS), st.text("ab |\n", min_size=1))))
def test_a_section_is_what_was_measured_last_and_every_other_stays(
    runs: list[tuple[tuple[str, str], str]],
) -> None:
    page, last = "", {}
    for section, body in runs:
        page = put(page, *section, body)
        last[section] = body.strip()
    for (run, store), body in last.items():
        assert page.count(f"<!-- measured: {run}, {store} -->\n{body}\n<!-- end -->\n") == 1
    assert page.count("<!-- measured:") == len(last)


def test_the_page_keeps_all_that_people_wrote_and_the_other_tables() -> None:
    page = PAGE.read_text("utf-8")
    for section in (
        ("whole", "sqlite"),
        ("whole", "postgresql"),
        ("guarded", "sqlite"),
        ("million", "sqlite"),
    ):
        begin = f"<!-- measured: {section[0]}, {section[1]} -->\n"
        before, _, after = page.partition(begin)
        assert (
            put(page, *section, "| new |")
            == f"{before}{begin}| new |\n{after[after.index('<!-- end -->') :]}"
        )


def test_a_marker_without_its_end_takes_nothing_with_it() -> None:
    page = put(put("", "whole", "sqlite", "a"), "whole", "postgresql", "b").replace("<!-- end -->\n", "", 1)
    with pytest.raises(ValueError, match="whole, sqlite"):
        put(page, "whole", "sqlite", "c")


def test_the_commit_is_said() -> None:
    assert len(commit()) in (0, 7, 8)
