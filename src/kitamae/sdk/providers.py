"""`[providers]` of a city's profile: the fee plans of providers (docs/operate/providers.md), where the sandbox is, whom to ask.

[[providers.plans]]
id = "standard"
name = { ja = "…", ja_Hira = "…", en = "…", zh = "…", ko = "…" }
base = 0                  # サービス利用料: yen a month without tax
prorated = true           # of a month in which the contract holds only for some days, that part
free = 0                  # requests a month that are free
per_thousand = 0          # yen for 1,000 requests above them
counts = ["read", "write"]  # what is counted: also "notification"
tax = 10                  # consumption tax, percent
council = { company = 0, group = 0, public = 0, volunteer = 0 }  # 協議会負担金: yen a year
council_parts = 1         # paid in so many equal parts: 1, 2, 3, 4, 6 or 12
council_from = 4          # the month of the first
council_taxed = false     # whether consumption tax is on it
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kitamae.kernel.people.providers import Plan
from kitamae.sdk.manifest import Words

_STRICT = ConfigDict(extra="forbid", frozen=True)
_Yen = Annotated[int, Field(ge=0, le=1_000_000_000)]


class FeePlan(BaseModel):
    """See `kernel.people.providers.fees.Plan`. The tax and what it is on are the city's to say: there is no default."""

    model_config = _STRICT
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    name: Words
    base: _Yen = 0
    prorated: bool = True
    free: Annotated[int, Field(ge=0)] = 0
    per_thousand: _Yen = 0
    counts: tuple[Literal["read", "write", "notification"], ...] = ("read", "write")
    tax: Annotated[int, Field(ge=0, le=100)]
    council: dict[Literal["company", "group", "public", "volunteer"], _Yen] = {}
    council_parts: Literal[1, 2, 3, 4, 6, 12] = 1
    council_from: Annotated[int, Field(ge=1, le=12)] = 4
    council_taxed: bool | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.council and self.council_taxed is None:
            raise ValueError(f"{self.id}: council_taxed: say whether consumption tax is on 協議会負担金")
        return self

    def plan(self) -> Plan:
        """As the kernel has it."""
        return Plan(
            self.id,
            dict(self.name.items()),
            self.base,
            self.free,
            self.per_thousand,
            self.counts,
            self.prorated,
            self.tax,
            dict(self.council.items()),
            self.council_parts,
            self.council_from,
            bool(self.council_taxed),
        )


class Providing(BaseModel):
    """`sandbox`: the address of a city with invented people, beside the real one; "": there is none. `docs`: where the program's
    documentation can be read; "": in its source alone. `office`, `address`, `phone`, `email`: whom developers ask; "": not said.
    """

    model_config = _STRICT
    plans: tuple[FeePlan, ...] = ()
    sandbox: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    docs: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    office: str = ""
    address: str = ""
    phone: str = ""
    email: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if len({one.id for one in self.plans}) < len(self.plans):
            raise ValueError("plans: each needs an id of its own")
        return self
