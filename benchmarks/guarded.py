"""The claim about trust: the broker's own figures where every request carries a token and asks the policy, beside those with --open; and
what it costs to leave something out of every answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from benchmarks import claims
from benchmarks.aggregated import aggregated
from benchmarks.harness import Result, server
from benchmarks.notified import notified

SHARE: Final = 0.7
CLAIMS: Final = (
    claims.get_entity,
    claims.query_hot,
    claims.near,
    claims.history,
    claims.patch_attribute,
    claims.batch_upsert,
    claims.batch_readings,
)


ALONE: Final = (aggregated, notified)
"""On servers of their own."""
LIMITED: Final = """
[[classes]]
type = "PublicFacility"
attributes = { "openingHours" = "limited" }
"""
"""An attribute of every entity that is asked for: it is taken out of each answer for a token that does not name the type."""


def guarded() -> list[Result]:
    """On servers of their own, one after the other: the target is 0.7 of what the open one did just before; a delay's is
    the claim's own.
    """
    done = []
    for closed in (False, True):
        with server(guarded=closed) as one:
            claims.prepare(one)
            done.append([claim(one) for claim in CLAIMS])
        done[-1] += [alone(guarded=closed) for alone in ALONE]
    with server(guarded=True, declares=LIMITED) as one:
        claims.prepare(one)
        limited = claims.get_entity(one)
    return [
        *(_beside(now, was, "with a token and the policy") for was, now in zip(*done, strict=True)),
        _beside(limited, done[0][0], "with a token, the policy and an attribute that it does not show"),
    ]


def _beside(now: Result, was: Result, how: str) -> Result:
    share = now.rate / was.rate if was.rate else 1.0
    shown = f"{was.rate:.2f}" if now.ceiling else f"{was.rate:,.0f}"
    return replace(
        now,
        work=f"{how}: {now.work}",
        target=now.target if now.ceiling else was.rate * SHARE,
        note=f"open: {shown}{was.unit}; {share:.2f} of it",
    )
