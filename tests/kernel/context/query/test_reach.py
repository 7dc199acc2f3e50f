"""How wide and how deep a query reaches."""

from __future__ import annotations

import pytest

from kitamae.kernel.context.query import parse, reach


@pytest.mark.parametrize(
    ("text", "attributes", "depth"),
    [
        ("a>1;(b|!c.d)", {"a", "b", "c"}, 0),
        ('modifiedAt>"2026-01-01T00:00:00Z"', set(), 0),
        ("a{b}|c{T:d{e}}==1", {"a", "c"}, 2),
    ],
)
def test_a_query_tells_its_attributes_and_how_many_links_it_follows(
    text: str, attributes: set[str], depth: int
) -> None:
    node = parse.q(text, str)
    assert reach.attributes(node) == attributes
    assert reach.depth(node) == depth
