"""Capability links: one thing, one action, one place, one period, for somebody without an account (a keeper, a volunteer, a driver).

kinds.py     what kinds of link a city gives out, as its `city.toml` says
code.py      what stands in the address: a number, and the city's mark over the link's terms
records.py   what is kept, and what is told to the ledger
sent.py      what somebody with a link sends, checked
links.py     the door: made, ended, seen, used
problems.py  why a link does not work

The row is the truth, and the mark makes the row true: terms that were changed in the store, and codes that were thought up, both
fail. Whatever arrives late is checked as of its own time and as of now. See docs/decisions/0092.
"""

from kitamae.kernel.people.links.kinds import Also, Field, Kind
from kitamae.kernel.people.links.links import Links, Wish
from kitamae.kernel.people.links.records import Capability, Terms
from kitamae.kernel.people.links.sent import Done, Sent
from kitamae.kernel.people.links.using import Through, Work

__all__ = ["Also", "Capability", "Done", "Field", "Kind", "Links", "Sent", "Terms", "Through", "Wish", "Work"]
