"""Listeners hear what they follow, folded together, and nothing after they left."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.store import Change
from kitamae.sdk.changes import Changes


def change(entity: str, kind: str = "x:Gauge", tenant: str = "") -> Change:
    return Change(1, tenant, entity, "", "updated", 0, "", [kind], [])


async def test_a_listener_hears_only_the_types_it_follows() -> None:
    changes = Changes(lambda name: "x:" + name)
    with changes.follow("Gauge") as following:
        changes.heard([change("a"), change("b", "x:Toilet"), change("c", tenant="other"), change("d")])
        assert await following.next() == ["a", "d"]


async def test_what_comes_while_a_listener_is_busy_is_folded_together() -> None:
    changes = Changes(str)
    with changes.follow() as following:
        for _ in range(1000):
            changes.heard([change("a"), change("b")])
        assert await following.next() == ["a", "b"]


async def test_a_listener_waits_until_something_happens() -> None:
    changes = Changes(str)
    with changes.follow() as following:
        waiting = asyncio.ensure_future(following.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        changes.heard([change("late")])
        assert await waiting == ["late"]


async def test_who_left_is_not_told() -> None:
    changes = Changes(str)
    with changes.follow() as following:
        pass
    changes.heard([change("a")])
    assert not changes._following
    assert not following._waiting


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=4), max_size=20))
def test_every_entity_that_changed_is_heard_at_least_once(commits: list[list[str]]) -> None:
    async def listen() -> set[str]:
        changes, heard = Changes(str), set()
        with changes.follow() as following:
            for number, commit in enumerate(commits):
                changes.heard([change(entity) for entity in commit])
                if number % 3 == 0 and commit:
                    heard |= set(await following.next())
            changes.heard([change("end")])
            heard |= set(await following.next())
        return heard

    assert asyncio.run(listen()) == {entity for commit in commits for entity in commit} | {"end"}
