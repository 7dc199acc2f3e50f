"""Who agreed to what: given, withdrawn, ended, given anew, each with an entry in the ledger.

notice.py     what a person is told before he agrees, and which version of it that is
agreement.py  what is kept of it where the policy looks: by opaque reference, without a word about the person
consents.py   the door: `Consents`. Agree, withdraw; what the policy and the vault ask
record.py     the record for the person: ISO/IEC TS 27560's structure in the terms of the Data Privacy Vocabulary
"""

from kitamae.kernel.people.consent.agreement import Agreement, State
from kitamae.kernel.people.consent.consents import Changed, Consents
from kitamae.kernel.people.consent.notice import Notice
from kitamae.kernel.people.consent.record import record

__all__ = ["Agreement", "Changed", "Consents", "Notice", "State", "record"]
