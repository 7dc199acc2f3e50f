"""Whatever the description of the server allows, and what it does not: no 500, and no answer that it does not know."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from fuzzing import MANY, examples
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served_city import Served

from kitamae import openapi

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/rivers/events"
some = settings(
    max_examples=examples(2),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=not MANY,
    database=None,
)
broker = schemathesis.openapi.from_dict(openapi.document([]))


def nothing_breaks_or_surprises(path: str, method: str) -> Any:
    """The test of one operation. schemathesis calls the tests of all by one name, and pytest-xdist runs what has one name once."""

    @broker.include(path=path, method=method).parametrize()
    @some
    def test(case: Any, city: Served) -> None:
        case.call_and_validate(base_url=city.address, checks=CHECKS, timeout=60)

    return test


for found in broker.get_all_operations():
    one = found.ok()
    globals()[f"test_nothing_breaks_or_surprises_at_{one.method}_{one.path}"] = nothing_breaks_or_surprises(
        one.path, one.method.upper()
    )


def test_nothing_breaks_a_page_or_a_services_interface(city: Served) -> None:
    described = json.loads(city.ask("GET", "/openapi.json")[2])
    known = openapi.document([])["paths"]
    described["paths"] = {
        path: told for path, told in described["paths"].items() if path not in known and path != ENDLESS
    }
    assert {"/", "/sign-in", "/api/places/search", "/rivers/{municipality}/{code}"} <= described[
        "paths"
    ].keys()
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = found.ok()

        @some
        @given(operation.as_strategy())
        def tried(case: Any) -> None:
            case.call_and_validate(base_url=city.address, checks=CHECKS, timeout=60)

        tried()
