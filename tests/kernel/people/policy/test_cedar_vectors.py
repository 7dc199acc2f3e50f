"""Cedar's own integration tests, through the engine that production asks (shared/data/vectors/cedar)."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.people.policy.cedar import Engine

CASES = 62_546

Read = Callable[[str], str]


def from_folder(folder: Path) -> Iterator[tuple[str, dict[str, Any], Read]]:
    for path in sorted((folder / "tests").rglob("*.json")):
        name = str(path.relative_to(folder))
        yield name, json.loads(path.read_text("utf-8")), lambda name: (folder / name).read_text("utf-8")


def from_archive(path: Path) -> Iterator[tuple[str, dict[str, Any], Read]]:
    with tarfile.open(path) as archive:
        texts = {
            one.name: content.read().decode()
            for one in archive
            if (content := archive.extractfile(one)) is not None
        }
    for name in sorted(texts):
        if name.endswith(".json") and not name.endswith(".entities.json"):
            yield name, json.loads(texts[name]), texts.__getitem__


def test_every_decision_of_cedars_own_tests_is_ours(shared: Path) -> None:
    place = shared / "data" / "vectors" / "cedar"
    asked, wrong = 0, []
    for source in (from_folder(place), from_archive(place / "corpus-tests.tar.gz")):
        for name, case, read in source:
            typed = case["shouldValidate"]
            engine = Engine(read(case["policies"]), read(case["schema"]) if typed else None)
            entities = read(case["entities"])
            for request in case["requests"]:
                asked += 1
                principal, action, resource = (
                    (request[part]["type"], request[part]["id"])
                    for part in ("principal", "action", "resource")
                )
                decision = engine.decide(
                    principal, action, resource, request["context"], entities, checked=typed
                )
                expected = request["decision"] == "allow", set(request["reason"]), len(request["errors"])
                got = decision.allowed, set(decision.because), len(decision.errors)
                if got != expected:
                    wrong.append(f"{name}: {request['description']}: {got}, not {expected}")
    assert not wrong, f"{len(wrong)} of {asked}: {wrong[:5]}"
    assert asked == CASES


@pytest.mark.parametrize("text", ["permit", "permit (principal, action, resource) when { nonsense", "\x00"])
def test_a_text_that_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Engine(text)
