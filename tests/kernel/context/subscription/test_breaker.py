"""A host that does not answer is left alone, tried by one, and then used by all."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.subscription import breaker as breakers
from kitamae.kernel.context.subscription.breaker import Breaker, pause


@given(st.integers(1, 10_000), st.floats(0.01, 10), st.floats(10, 1000))
def test_pauses_grow_and_stay_below_the_longest(failures: int, base: float, most: float) -> None:
    assert 0.8 * min(most, base * 2.0 ** min(failures - 1, 30)) <= pause(failures, base, most) <= most


async def broken(base: float = 0.05) -> Breaker:
    breaker = Breaker(base, base)
    for _ in range(breakers.TOLERATED):
        async with breaker as began:
            breaker.silent(began)
    assert breaker.open
    return breaker


async def test_one_alone_tries_a_host_that_was_silent() -> None:
    breaker = await broken()
    inside = most = tries = 0
    up = False

    async def deliver() -> None:
        nonlocal inside, most, tries
        for _ in range(3):
            async with breaker as began:
                tries += 1
                inside += 1
                if not up:
                    most = max(most, inside)
                await asyncio.sleep(0.01)
                inside -= 1
                breaker.answered() if up else breaker.silent(began)

    tasks = [asyncio.create_task(deliver()) for _ in range(20)]
    await asyncio.sleep(0.3)
    assert most == 1
    assert 1 <= tries <= 10
    up = True
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert not breaker.open


async def test_an_answer_of_any_kind_closes_it() -> None:
    breaker = await broken()
    async with breaker:
        breaker.answered()
    assert not breaker.open


async def test_who_gives_up_waiting_leaves_its_place() -> None:
    breaker = await broken(base=60)

    async def wait() -> None:
        async with breaker:
            pytest.fail("it is open")

    for _ in range(breakers.AT_ONCE * 2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait(), 0.001)
    breaker.answered()
    async with asyncio.timeout(1), breaker:
        pass


async def test_no_host_gets_more_at_once_than_agreed() -> None:
    breaker = Breaker(1, 1)
    inside = most = 0

    async def deliver() -> None:
        nonlocal inside, most
        async with breaker:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1

    await asyncio.gather(*(deliver() for _ in range(50)))
    assert most == breakers.AT_ONCE


async def test_what_was_on_its_way_together_fails_together_and_counts_once() -> None:
    breaker = Breaker(60, 60)
    on_their_way = asyncio.Barrier(breakers.AT_ONCE)

    async def deliver() -> None:
        async with breaker as began:
            await on_their_way.wait()
            breaker.silent(began)

    await asyncio.gather(*(deliver() for _ in range(breakers.AT_ONCE)))
    assert not breaker.open
