"""The claim about the policy: decisions on 172 services and 10,000 consents, each asked of Cedar, none remembered."""

from __future__ import annotations

import random
import statistics
import time
from typing import Final

from benchmarks.harness import ROUNDS, SECONDS, Result
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Facts, Policy, Question

SERVICES: Final = 172
CONSENTS: Final = 10_000


def decided() -> Result:
    """In this process: what a request to a personal record asks before it is decrypted. Every answer is checked."""
    draw = random.Random(5)
    services = [f"service-{number}" for number in range(SERVICES)]
    agreed = {(f"resident-{number}", f"{draw.choice(services)}.letters") for number in range(CONSENTS)}
    facts = Facts(
        bases={f"{name}.letters": "consent" for name in services},
        without_papers=frozenset(services[:3]),
        consented=lambda about, purpose: (about, purpose) in agreed,
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
            given = policy.allows(Question(who, "read", f"person:{about}", "", purpose))
            wanted = count % 2 == 0 and service not in facts.without_papers
            if given is not wanted:
                raise SystemExit(f"{about}, {purpose}: {given}, not {wanted}")
            count, yes = count + 1, yes + given
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
