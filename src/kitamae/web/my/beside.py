"""What is held about a person as documents of the store, for the file that he takes along, and by name what is not in it, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.duties.records import EMERGENCY, TRANSFER
from kitamae.kernel.people.duties.steps import KIND as DUTIES
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.requests import requests
from kitamae.web.concern import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.people.duties.transfer import Transfer
    from kitamae.kernel.people.person import Principal
    from kitamae.web.my.ground import Ground

TAKEN: Final[Mapping[str, str]] = {
    "person": "account",
    "session": "sessions",
    "recovery": "account",
    "passkey": "passkeys",
    "consent": "partners",
    "mandate": "mandates",
    "flag": "flags",
    "notice": "notices",
    "withheld": "shownLater",
    "case": "cases",
    "city-provider": "providers",
    "agreement": "consents",
    "subscriber": "areaNotices",
    "duties": "duties",
    "transfer": "transfers",
    "emergency": "emergencies",
}
"""Kind of document in which a person's reference stands -> under which name the file says what it says of him."""


async def beside(ground: Ground, who: Principal) -> dict[str, list[dict[str, Any]]]:
    """By the name that it has in the file; each of these is little."""
    store, ref = ground.store, who.ref
    sessions: list[Any] = [doc for _, _, doc in await store.documents(TENANT, "session")]
    by_area = await ground.subscribers.at("mail", ref)
    held = await notices.of(store, ref, clock.now())
    kept = await requests.of(store, ref)
    return {
        "account": await _account(ground, ref),
        "sessions": [_less(one, "person") for one in sessions if one["person"] == ref],
        "partners": await _partners(ground, ref),
        "mandates": [{**one, "state": state} for one, state in await ground.delegates.of(ref)],
        "flags": [told(one) for one in await ground.flags.mine(who)],
        "passkeys": [{"id": id, **one} for id, one in await ground.passkeys.of(ref)],
        "notices": [
            {"number": number, **_less(one, "person", "by", "looks")} for number, one in held.items()
        ],
        "areaNotices": [{"by": by_area.by, **by_area.choice.kept()}] if by_area else [],
        "cases": [{"number": number, **_less(one, "person")} for number, one in kept],
        "providers": [_less(one, "members", "ledger") for one in await ground.providers.mine(who)],
        **(await _of_staff(ground, ref) if who.role == "staff" else {}),
    }


async def _account(ground: Ground, ref: str) -> list[dict[str, Any]]:
    """None where there is nothing but the card. `named`: when somebody wrote his name; `letIn`: when a colleague let him in."""
    kept: Any = await ground.store.get(TENANT, "person", ref)
    if kept is None:
        return []
    let: Any = await ground.store.get(TENANT, "recovery", ref)
    more = {"named": kept["named"]["told"]["at"]} if "named" in kept else {}
    return [_less(kept, "named") | more | ({"letIn": _less(let, "ledger")} if let else {})]


async def _partners(ground: Ground, ref: str) -> list[dict[str, Any]]:
    """`client` is the partner's id, `name` what it is called, `subject` how it calls him."""
    found = []
    agreed: list[Any] = [doc for _, _, doc in await ground.store.documents(TENANT, "consent")]
    for doc in agreed:
        if doc["person"] == ref:
            client: Any = await ground.store.get(TENANT, "client", doc["client"])
            found.append({"name": client["name"] if client else "", **_less(doc, "person")})
    return found


async def _of_staff(ground: Ground, ref: str) -> dict[str, list[dict[str, Any]]]:
    """Of changes of duties his part alone: colleagues stand in them too."""
    store = ground.store
    duties: Any = await store.get(TENANT, DUTIES, ref) or {"steps": []}
    taken: Any = await store.get(TENANT, EMERGENCY, ref) or {"taken": []}
    transfers = []
    for _, id, doc in await store.documents(TENANT, TRANSFER):
        one = cast("Transfer", doc)
        steps = [step for step in one["steps"] if step["person"] == ref]
        if steps or one["by"] == ref:
            own = _less(one, "ledger", "sections")
            transfers.append({"id": id, **own, "steps": steps, "section": one["sections"].get(ref, [])})
    return {
        "duties": [_less(step, "person") for step in duties["steps"]],
        "transfers": transfers,
        "emergencies": [_less(one, "ledger") for one in taken["taken"]],
    }


def _less(doc: Any, *without: str) -> dict[str, Any]:
    return {name: value for name, value in doc.items() if name not in without}
