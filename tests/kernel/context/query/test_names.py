"""Names in `q`, as real contexts have them."""

from __future__ import annotations

import json

import pytest

from kitamae.kernel.context.jsonld import CORE, compile_context
from kitamae.kernel.context.query import parse
from kitamae.kernel.context.query.tree import Compare
from kitamae.kernel.problems import BadRequest


def test_every_name_of_the_recommended_data_sets_can_be_asked_for_save_those_in_ascii_brackets(shared):
    path = shared / "data" / "open-data-standard" / "cio" / "datamodels.context-ngsi.jsonld"
    source = json.loads(path.read_text())["@context"]
    ctx = compile_context(source, {})
    refused = set()
    for name in set(source) - {"id", "type"}:
        try:
            node = parse.q(f'{name}=="有";{name}', ctx.expand).terms[0]
        except BadRequest:
            refused.add(name)
        else:
            assert isinstance(node, Compare)
            assert node.path.names == (ctx.expand(name),)
    assert refused == {"料金(基本)", "料金(詳細)"}


@pytest.mark.parametrize("name", ["0-4歳の女性", "男性トイレ数（洋式）", "a-b", "9Vehicle"])
def test_without_a_context_that_defines_it_such_a_name_is_refused(name):
    with pytest.raises(BadRequest, match="cannot be a name"):
        parse.q(f"{name}==5", CORE.expand)
