"""Who acts for whom (代理): 法定代理人 (親権者, 成年後見人) entered at the counter, 任意代理人 appointed by the person himself.

records.py     what is kept: mandates, and offers that wait for the other one's word
majority.py    when a child is of age
standing.py    whether a mandate holds, now and in this transaction; what the policy hears of it
delegates.py   the door: appointed, accepted, entered, decided, ended, acted on

Whoever acts for another does so visibly (`Principal.acting`), within the mandate's scope, until its end; receipts name both. See
docs/decisions/0093.
"""

from kitamae.kernel.people.delegates.delegates import Delegates, Scope
from kitamae.kernel.people.delegates.records import Mandate

__all__ = ["Delegates", "Mandate", "Scope"]
