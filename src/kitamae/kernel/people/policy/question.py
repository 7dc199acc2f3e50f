"""What the policy is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kitamae.kernel.people.person import Principal

Action = Literal["read", "use", "write", "delete", "subscribe", "operate"]
"""Who may write may delete. What is of a type that nobody declares any more may only be deleted. `use`: send a form that is
meant for everybody.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """May `who` do `action` to `what`? `what` is `entity:<expanded type>`, `attribute:<expanded type> <expanded attribute>`, `page:<address>`, `subscription`, `registration`,
    `context`, `snapshot`, `system:<part>`, `desk:<duty>` for work that is one duty's of the town hall (`desk:privacy`), or
    `person:<reference>` for what is held about somebody; `tenant` is where.

    `service`: whose page it is; "" for the city's own. `purpose`: what a person's data is wanted for, as a manifest declares it, or
    `own` about oneself. `thing`: the id of the entity that is written, told where the caller may write single things only
    (`Principal.narrow`): then one decision is not everybody's.
    """

    who: Principal
    action: Action
    what: str
    tenant: str = ""
    purpose: str = ""
    service: str = ""
    thing: str = ""
