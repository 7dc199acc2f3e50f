"""What the town hall owes somebody to be told: written in the transaction of what it tells, sent afterwards (`kitamae.kit.notices`).

`notice` by number:               `Notice`, kept five years after it was told
`notice-due` by number:           `Due`, while it waits for a channel
`notice-told` by number:          {state, how, letter, by, why, at} since it was told or went on paper: no restore of an older state makes
                                  it otherwise (`ended.py`); the newer one of two holds
`notices` by a person's reference: the numbers of his notices, in order

A notice says that there is something to read and where, never what: that stands where it always stood, with its receipt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Reader, Store, Transaction

KIND: Final = "notice"
DUE: Final = "notice-due"
TOLD: Final = "notice-told"
OF: Final = "notices"

About = Literal["case", "flag", "consent", "breach"]
State = Literal["waiting", "sent", "paper", "posted", "rehearsed"]
_AGAIN: Final = ("state", "how", "letter", "by", "why")
OVER: Final[frozenset[State]] = frozenset({"sent", "posted", "rehearsed"})
"""States in which the town hall owes nothing any more."""


class What(NamedTuple):
    """What is told. `ref`: the number of the case, the name of the purpose, the number of the breach, or "". `step`: of a case, and
    `which` one it was, from 0 on.
    """

    about: About
    ref: str = ""
    step: str = ""
    which: int = 0


class Notice(TypedDict):
    """`at`: when it was written; `after`: before then it is neither sent nor shown ("": at once). `how`: by which channel it went, and
    `done`, when. `why`: of one on paper, why no channel took it. `letter`: the number that the letter bears. `by`: who posted it.
    `looks`: numbers of the person's receipts on which it rests.
    """

    person: str
    about: About
    ref: str
    step: str
    which: int
    at: str
    after: str
    state: State
    how: str
    why: str
    letter: str
    printed: str
    done: str
    by: str
    looks: list[int]


class Due(TypedDict):
    """`next`: not before, microseconds UTC; `tries` that failed; `letter`: while it is being handed over, the number of that letter."""

    person: str
    next: int
    tries: int
    letter: str


async def owe(
    tx: Transaction, person: str, what: What, at: int, after: int = 0, looks: Sequence[int] = ()
) -> str:
    """The number of a new notice; it commits with what it tells. `at`: now, `after`: not before, both microseconds UTC. `looks`: as in
    `Notice`.
    """
    drawn = secret.spoken(10)
    number = f"{drawn[:5]}-{drawn[5:]}"
    made = Notice(
        person=person, about=what.about, ref=what.ref, step=what.step, which=what.which,
        at=clock.text(at), after=clock.text(after) if after else "",
        state="waiting", how="", why="", letter="", printed="", done="", by="", looks=list(looks),
    )  # fmt: skip
    await put(tx, number, made)
    await put_due(tx, number, Due(person=person, next=max(at, after), tries=0, letter=""))
    numbers: Any = await tx.get(TENANT, OF, person) or []
    await tx.put(TENANT, OF, person, [*numbers, number])
    return number


async def one(store: Reader, number: str) -> Notice | None:
    """None: there is none of that number."""
    return cast("Notice | None", await store.get(TENANT, KIND, number))


async def due(store: Reader, number: str) -> Due | None:
    """None: it waits for no channel."""
    return cast("Due | None", await store.get(TENANT, DUE, number))


async def put(tx: Transaction, number: str, notice: Notice) -> None:
    """As it stands from now on."""
    await tx.put(TENANT, KIND, number, dict(notice))


async def postpone(
    tx: Transaction, person: str, at: int, shown_from: Callable[[Sequence[int]], Awaitable[int]]
) -> None:
    """Some look at this person is withheld for longer or shorter: what would tell of it, and was not told, waits as long; also on the list
    of letters, while nobody has printed it. `at`: now; `shown_from(looks)`: when the first is shown, 0: at once. Microseconds UTC.
    """
    numbers: Any = await tx.get(TENANT, OF, person) or []
    for number in numbers:
        notice, waits = await one(tx, number), await due(tx, number)
        if notice is None or not notice.get("looks") or (waits is not None and waits["letter"]):
            continue
        if waits is None and (notice["state"] != "paper" or notice["printed"]):
            continue
        later = await shown_from(notice["looks"])
        after = clock.text(later) if later else ""
        if after == notice["after"]:
            continue
        await put(tx, number, {**notice, "after": after})
        if waits is not None:
            await put_due(tx, number, {**waits, "next": max(later, at)})


async def told(tx: Transaction, number: str, notice: Notice) -> None:
    """It is over: no restore of an older state makes it be sent again (`ended.py`). On which looks it rested nobody needs any more, and
    after an erasure nothing says whose they were.
    """
    await put(tx, number, {**notice, "looks": []})
    await tx.drop(TENANT, DUE, number)
    await tx.put(TENANT, TOLD, number, {name: notice[name] for name in _AGAIN} | {"at": notice["done"]})


async def on_paper(tx: Transaction, number: str, notice: Notice, at: int) -> None:
    """It may have arrived, or must be told again, and goes on paper: no restore of an older state hands it to a channel again, or has it as
    told. `at`: now, microseconds UTC.
    """
    await put(tx, number, notice)
    await tx.put(TENANT, TOLD, number, {name: notice[name] for name in _AGAIN} | {"at": clock.text(at)})


async def restored(store: Store) -> int:
    """Those that a restored state knows otherwise than they have been since: as it was noted; how many."""
    known = {number: cast("Any", doc) for _, number, doc in await store.documents(TENANT, TOLD)}
    every_one = await every(store)
    back = [
        number for number, kept in known.items()
        if (then := every_one.get(number)) is not None and _since(then, kept) != then
    ]  # fmt: skip

    async def work(tx: Transaction) -> int:
        done = 0
        for number in back:
            then, kept = await one(tx, number), cast("Any", await tx.get(TENANT, TOLD, number))
            if then is not None and kept is not None and then != (now := _since(then, kept)):
                await put(tx, number, now)
                await tx.drop(TENANT, DUE, number)
                done += 1
        return done

    return await store.transact(work) if back else 0


def _since(then: Notice, kept: Mapping[str, Any]) -> Notice:
    again = {name: kept.get(name, "") for name in _AGAIN}
    return cast("Notice", {**then, **again, "done": kept["at"] if kept["state"] in OVER else ""})


async def put_due(tx: Transaction, number: str, waits: Due) -> None:
    """From now on it waits so."""
    await tx.put(TENANT, DUE, number, dict(waits))


async def all_due(store: Store) -> dict[str, Due]:
    """What waits for a channel, by number."""
    return {number: cast("Due", doc) for _, number, doc in await store.documents(TENANT, DUE)}


async def every(store: Store) -> dict[str, Notice]:
    """By number."""
    return {number: cast("Notice", doc) for _, number, doc in await store.documents(TENANT, KIND)}


def held_back(notice: Notice, at: int) -> bool:
    """Nobody may hear of it at that moment, microseconds UTC."""
    return bool(notice["after"]) and clock.micros(notice["after"]) > at


async def of(store: Reader, person: str, at: int) -> dict[str, Notice]:
    """Those of one person that he may know of at that moment (microseconds UTC), newest first."""
    numbers: Any = await store.get(TENANT, OF, person) or []
    found = {number: await one(store, number) for number in reversed(numbers)}
    return {
        number: notice for number, notice in found.items() if notice is not None and not held_back(notice, at)
    }


async def drop(tx: Transaction, number: str, notice: Mapping[str, Any]) -> None:
    """Forget it."""
    await tx.drop(TENANT, KIND, number)
    await tx.drop(TENANT, DUE, number)
    await tx.drop(TENANT, TOLD, number)
    left: Sequence[str] = [
        other for other in cast("Any", await tx.get(TENANT, OF, notice["person"])) or [] if other != number
    ]
    if left:
        await tx.put(TENANT, OF, notice["person"], list(left))
    else:
        await tx.drop(TENANT, OF, notice["person"])
