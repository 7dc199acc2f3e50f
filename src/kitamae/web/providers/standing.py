"""What both sides see of a contract: who agreed to it, and the desk that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.kernel.people.providers import digest, latest
from kitamae.kernel.people.providers.records import add, nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.people.providers import Contract, Counts, Providers
    from kitamae.kernel.people.providers.meter import Row


async def standing(providers: Providers, contract: Contract) -> dict[str, Any]:
    """For a page: `contract`, `last` its newest version, `held` the one in force or None, `stands` in a word, `digest` of the newest,
    `keys` [(key, whether it is good)], `today` counts, `month` (YYYY-MM) and its `days` [(day, counts)], `statements` [(one, paid since or "")].
    """
    id, last, held = contract["id"], latest(contract), providers.contracts.held(contract)
    month = f"{providers.today:%Y-%m}"
    return {
        "contract": contract,
        "last": last,
        "held": held,
        "stands": providers.contracts.stands(contract),
        "digest": digest(last),
        "keys": [(key, providers.keys.good(key)) for key in await providers.keys.of(id)],
        "today": await providers.meter.today(id, held),
        "month": month,
        "days": _days(await providers.meter.month(id, month)),
        "statements": [
            (one, await providers.statements.paid(one)) for one in await providers.statements.of(id)
        ],
    }


def _days(rows: Sequence[Row]) -> list[tuple[str, Counts]]:
    """All keys together, newest day first."""
    found: dict[str, Counts] = {}
    for row in rows:
        found[row.day] = add(found.get(row.day, nothing()), row.counts)
    return sorted(found.items(), reverse=True)
