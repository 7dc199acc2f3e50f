"""After the load: what was acknowledged, what history has, what every subscriber received. Nothing may be missing."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from faults.load import DELETED
from faults.stream import relayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.load import Ledger
    from faults.receivers import Receiver, Value
    from faults.server import Server

PATIENCE = 120.0
"""Seconds until everything owed must have been taken; pauses between attempts are part of it."""


@dataclass
class Verdict:
    """One line of the table; `wrong` is empty when nothing was lost and nothing was out of order."""

    fault: str
    kept: int = 0
    unknown: int = 0
    refused: int = 0
    history: int = 0
    owed: int = 0
    received: int = 0
    duplicates: int = 0
    relayed: int = 0
    note: str = ""
    wrong: list[str] = field(default_factory=list)


async def judge(
    fault: str,
    servers: Sequence[Server],
    ledger: Ledger,
    receivers: Sequence[Receiver],
    nats: str,
    *,
    by_time: bool = True,
) -> Verdict:
    """Wait until nothing is owed, then compare. `by_time`: the order of history is the order of writing."""
    verdict = Verdict(
        fault,
        ledger.count("kept"),
        ledger.count("unknown"),
        ledger.count("refused"),
        wrong=[*ledger.wrong],
    )
    histories: dict[str, list[Value]] = {}
    async with aiohttp.ClientSession(servers[0].address) as session:
        left = await _settled(session)
        if left:
            verdict.wrong.append(f"{left} notifications are still owed")
        verdict.duplicates = sum(one.duplicates for one in receivers)
        arrived = [(one, one.series()) for one in receivers]
        for entity, told in ledger.told.items():
            history = histories[entity] = await _history(session, entity)
            verdict.history += len(history)
            verdict.wrong += _kept(entity, told, history)
            verdict.wrong += _ordered(f"history of {entity}", history, ledger) if by_time else []
            deletions = Counter(ledger.deleted.get(entity, ()))
            gone = history.count(DELETED)
            if not deletions["kept"] <= gone <= deletions["kept"] + deletions["unknown"]:
                verdict.wrong.append(
                    f"{entity}: {gone} deletions in history, {deletions['kept']} acknowledged"
                )
            for one, series in arrived:
                if entity.split(":")[2] in one.types:
                    got = series.get(entity, [])
                    verdict.owed += len(history)
                    verdict.received += len(got)
                    verdict.wrong += _same(f"{one.name}: {entity}", history, got, ledger, by_time=by_time)
            verdict.wrong += await _present(session, entity, history, by_time=by_time)
    stream, disorder = await relayed(nats, histories.keys(), verdict.history)
    verdict.wrong += [f"the stream: {disorder} out of order"] if disorder else []
    for entity, history in histories.items():
        got = stream.get(entity, [])
        verdict.relayed += len(got)
        verdict.wrong += _same(f"the stream: {entity}", history, got, ledger, by_time=by_time)
    return verdict


def _kept(entity: str, told: dict[int, str], history: Sequence[Value]) -> list[str]:
    """What was acknowledged is there once, what was refused is not."""
    there = Counter(history)
    wrong = [
        f"{entity}: {n} was acknowledged and is not in history"
        for n, t in told.items()
        if t == "kept" and not there[n]
    ]
    wrong += [
        f"{entity}: {n} was refused and is in history" for n, t in told.items() if t == "refused" and there[n]
    ]
    wrong += [
        f"{entity}: {n} is in history {times} times"
        for n, times in there.items()
        if times > 1 and n != DELETED
    ]
    return wrong + [f"{entity}: nobody wrote {n}" for n in there if n != DELETED and n not in told]


def _ordered(what: str, values: Sequence[Value], ledger: Ledger) -> list[str]:
    """For each writer, its numbers rise."""
    last: dict[str, int] = {}
    wrong = []
    for value in values:
        if isinstance(value, int):
            writer = ledger.writers[value]
            if value < last.get(writer, 0):
                wrong.append(f"{what}: {value} after {last[writer]} of the same writer")
            last[writer] = value
    return wrong


def _same(
    what: str, history: Sequence[Value], got: Sequence[Value], ledger: Ledger, *, by_time: bool
) -> list[str]:
    missing, more = Counter(history) - Counter(got), Counter(got) - Counter(history)
    wrong = [f"{what}: {sum(missing.values())} missing: {[*missing][:5]}"] if missing else []
    wrong += [f"{what}: {sum(more.values())} that are not in history: {[*more][:5]}"] if more else []
    if not wrong and by_time and [*history] != [*got]:
        wrong.append(f"{what}: not in the order of history")
    return wrong + _ordered(what, got, ledger)


async def _settled(session: aiohttp.ClientSession) -> int:
    """How many are owed at the end of our patience."""
    left = 1
    try:
        async with asyncio.timeout(PATIENCE):
            while left:
                async with session.get("/metrics") as answer:
                    lines = (await answer.text()).splitlines()
                left = int(
                    float(
                        next(one for one in lines if one.startswith("kitamae_notifications_owed ")).split()[1]
                    )
                )
                if left:
                    await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    return left


async def _history(session: aiohttp.ClientSession, entity: str) -> list[Value]:
    """The values of `n`, by the time when they were written."""
    async with session.get(
        f"/ngsi-ld/v1/temporal/entities/{entity}",
        params={"attrs": "n", "options": "temporalValues", "lastN": "100000", "timeproperty": "modifiedAt"},
    ) as answer:
        if answer.status == 404:
            return []
        found: Any = await answer.json(content_type=None)
    return [value for value, _ in found["n"]["values"]]


async def _present(
    session: aiohttp.ClientSession, entity: str, history: Sequence[Value], *, by_time: bool
) -> list[str]:
    """The entity has the last value of its history, or is gone."""
    async with session.get(f"/ngsi-ld/v1/entities/{entity}", params={"options": "keyValues"}) as answer:
        found = await answer.json(content_type=None)
        now = found["n"] if answer.status == 200 else DELETED
    last = history[-1] if history else DELETED
    return [f"{entity}: is {now}, history ends with {last}"] if by_time and now != last else []
