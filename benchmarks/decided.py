"""The claim about the policy: decisions on 172 services and 10,000 consents, each asked of Cedar, none remembered."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Any, Final, cast

from benchmarks.harness import ROUNDS, SECONDS, Result
from kitamae.kernel.context import clock
from kitamae.kernel.people.consent import Agreement, Consents, Notice
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Facts, Policy, Question
from kitamae.kernel.people.vault import Purpose, Purposes

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Store

SERVICES: Final = 172
CONSENTS: Final = 10_000


class _NoStore:
    """Nothing is written here."""

    def on_documents(self, heard: Any) -> None:
        """Nobody is heard of."""


def _given(notice: Notice) -> Agreement:
    until = clock.text(clock.now() + 86_400_000_000)
    return {
        "state": "given", "version": notice.version, "language": notice.language,
        "at": clock.text(clock.now()), "until": until, "by": "", "events": 1,
    }  # fmt: skip


def decided() -> Result:
    """In this process: what a request to a personal record asks before it is decrypted. Every answer is checked."""
    draw = random.Random(5)
    services = [f"service-{number}" for number in range(SERVICES)]
    agreed = {(f"resident-{number}", f"{draw.choice(services)}.letters") for number in range(CONSENTS)}
    words = {"ja": "お知らせ"}
    purposes = [
        Purpose(f"{name}.letters", "consent", frozenset({"email"}), 365, title=words, use=words, by=words)
        for name in services
    ]
    consents = Consents(cast("Store", _NoStore()), Purposes(purposes), clock.now)
    given = {one.name: _given(cast("Notice", Notice.of(one, "ja"))) for one in purposes}
    for person, purpose in agreed:
        consents._remember(person, {purpose: given[purpose]})
    facts = Facts(
        bases={one.name: one.basis for one in purposes},
        without_papers=frozenset(services[:3]),
        consented=consents.agreed,
    )
    policy = Policy(facts=facts)
    duties = frozenset(("", f"purpose:{name}.letters") for name in services)
    listed = sorted(agreed)
    rates, spent = [], []
    for _ in range(ROUNDS):
        count, yes, began, cpu = 0, 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - began < SECONDS:
            about, purpose = listed[draw.randrange(CONSENTS)]
            if count % 2:
                about = "resident-unknown"
            service = purpose.partition(".")[0]
            who = Principal(f"staff-{count}", "staff", assurance=2, session="s", duties=duties)
            yes_or_no = policy.allows(Question(who, "read", f"person:{about}", "", purpose))
            wanted = count % 2 == 0 and service not in facts.without_papers
            if yes_or_no is not wanted:
                raise SystemExit(f"{about}, {purpose}: {yes_or_no}, not {wanted}")
            count, yes = count + 1, yes + yes_or_no
        seconds = time.perf_counter() - began
        rates.append(count / seconds)
        spent.append((time.process_time() - cpu) / count * 1e6)
    return Result(
        f"policy decision, {SERVICES} services, {CONSENTS:,} consents (none remembered, every answer checked)",
        statistics.median(rates),
        statistics.median(spent),
        10_000,
        spread=(min(rates), max(rates)),
    )
