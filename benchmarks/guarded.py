"""The claim about trust: the broker's own figures where every request carries a token and asks the policy, beside those with --open."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from benchmarks import claims
from benchmarks.harness import Result, server

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


def guarded() -> list[Result]:
    """On two servers of their own, one after the other: the target is 0.7 of what the open one did just before."""
    done = []
    for closed in (False, True):
        with server(guarded=closed) as one:
            claims.prepare(one)
            done.append([claim(one) for claim in CLAIMS])
    return [
        replace(
            now,
            work=f"with a token and the policy: {now.work}",
            target=was.rate * SHARE,
            note=f"open: {was.rate:,.0f}{was.unit}; {now.rate / was.rate:.2f} of it",
        )
        for was, now in zip(*done, strict=True)
    ]
