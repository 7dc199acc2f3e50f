"""What can be wrong with keys and with what they protect.

VaultClosed     503  the vault cannot be opened, and says what to do
├── WrongKey    503  a city key that is not the one that wrapped these keys
├── KeyExposed  503  a key file that others on this machine can read
├── KeysMissing 503  personal data is there, its keys are not
└── ClockSetBack 503 the clock says an earlier time than what is in the vault already
Tampered        500  a ciphertext that is not what was stored there: truncated, changed, swapped, somebody else's
Erased          409  the key was destroyed meanwhile: begin again with a new one
Moved           409  a record says something else than whoever corrects it has seen
"""

from __future__ import annotations

from kitamae.kernel.problems import Conflict, Problem, Unavailable

_OURS = "https://kitamae.example/problems/"


class VaultClosed(Unavailable):
    """No personal data can be read or written until somebody does what the sentence says."""

    type = _OURS + "vault-closed"
    title = "個人データの金庫が開いていません"


class WrongKey(VaultClosed):
    """It opens nothing here."""

    type = _OURS + "wrong-city-key"
    title = "That is not the key of this city"


class KeyExposed(VaultClosed):
    """Whoever can read the file can read every person's data."""

    type = _OURS + "city-key-exposed"
    title = "Others can read the city's key"


class KeysMissing(VaultClosed):
    """keys.db is not there, or is another city's."""

    type = _OURS + "keys-missing"
    title = "The persons' keys are missing"


class ClockSetBack(VaultClosed):
    """Receipts must not bear a wrong time."""

    type = _OURS + "clock-set-back"
    title = "The clock was set back"


class Tampered(Problem):
    """What was stored is not what is there."""

    type = _OURS + "tampered"
    title = "Stored personal data does not match its key"


class Refused(Exception):
    """Inside a transaction: that version of a person's key was destroyed meanwhile, and what it sealed is not kept.

    `klass`: whose key it was; "": the one that is being written.
    """

    def __init__(self, person: str, version: int, klass: str = "") -> None:
        super().__init__("a key was destroyed meanwhile")
        self.person, self.version, self.klass = person, version, klass


class Erased(Conflict):
    """Somebody erased the person while this went on."""

    type = _OURS + "erased"
    title = "That person's key was destroyed"


class Moved(Conflict):
    """Somebody wrote it while this went on."""

    type = _OURS + "record-moved"
    title = "That record was changed meanwhile"
