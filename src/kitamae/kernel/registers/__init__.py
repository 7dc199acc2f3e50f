"""Public registers: what the city says about its services, their assessments, its sensors and its incidents.

`register` keeps entries: each change is one transaction of the entry, its NGSI-LD entity and a statement in the ledger.
`sensors`, `assessments`, `services` and `incidents` know what an entry of each register is.
"""

from kitamae.kernel.registers.entry import Changed, Entry
from kitamae.kernel.registers.register import Register

__all__ = ["Changed", "Entry", "Register"]
