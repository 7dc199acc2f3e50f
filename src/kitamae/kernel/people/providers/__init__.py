"""Providers (提供者): companies, groups, public bodies and volunteers who build on the city, under a contract, with keys of their own.

providers.py   the one door, `Providers`: applied, accepted, ended; its parts are
  .members     members.py     who belongs to a provider: invited with a link that works once, left
  .contracts   contracts.py   prepared, confirmed by a second person, accepted by the provider, changed by a new version, ended
  .keys        keys.py        a contract's tokens, each for one purpose: made, rotated with an overlap, revoked
  .meter       meter.py       requests against the quota, and what was used, by key and day
  .statements  statements.py  利用明細: a month that was closed, further ones that correct it, paid or not
subscribed.py  notifications to providers, counted; ended with their keys
terms.py       what a contract says, checked      force.py    whether it is in force, and what a key may do then
quota.py       a minute and a day; RateLimit fields   fees.py   money: integers of yen, one rounding rule
records.py     what is kept                       corporate.py  法人番号

For a provider's own pages (`who` is a signed-in member; each raises NotFound where the provider is not his):

    providers.apply(who, Application(...))            -> Provider, state `applied`
    providers.mine(who)                               -> his providers, newest first
    providers.own(who, number)                        -> one of them
    providers.members.invite(who, number)             -> code for a link, shown once; works once, seven days
    providers.members.invited(code)                   -> the provider that this code leads to
    providers.members.join(who, code) / .leave(who, number)
    providers.contracts.of(number)                    -> its contracts; `latest(contract)` is the version to show,
                                                         `stands(contract)` where it stands
    providers.contracts.accept(who, id, digest(version)) / .decline(who, id, why)
    providers.keys.of(contract)                       -> its keys, with `good(key)`
    providers.keys.make(who, contract, purpose, label, writes=False) -> (secret, key); purpose "" is open data
    providers.keys.rotate(who, key, days) / .revoke(who, key)
    providers.meter.today(contract)                   -> Today: used and allowed, a minute and a day
    providers.meter.month(contract, "2026-11")        -> rows by day and key
    providers.statements.of(contract)                 -> statements; `.paid(statement)`
    providers.names(refs)                             -> of references in receipts: whose keys they are
    providers.report(who, number, {...})              -> the incident desk's number
    providers.in_force()                              -> the public register: (provider, contract, version)
    providers.terms                                   -> what may stand in a contract: services, purposes, types, plans

See docs/decisions/0098.
"""

from kitamae.kernel.people.providers.contracts import digest, latest
from kitamae.kernel.people.providers.fees import Plan
from kitamae.kernel.people.providers.meter import Today
from kitamae.kernel.people.providers.providers import Application, Providers
from kitamae.kernel.people.providers.records import Contract, Counts, Key, Provider, Statement, Version
from kitamae.kernel.people.providers.terms import Terms, Wish

__all__ = [
    "Application", "Contract", "Counts", "Key", "Plan", "Provider", "Providers", "Statement", "Terms", "Today", "Version",
    "Wish", "digest", "latest",
]  # fmt: skip
