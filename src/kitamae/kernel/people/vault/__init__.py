"""The vault: what is held about persons. Encrypted per person and retention class, read for a purpose, receipted.

vault.py     the door: `Vault`                  seal.py      AES-GCM bound to a place
reading.py   the one way to a plaintext         citykey.py   the city's key; keyplace.py: where it is kept; hsm.py: PKCS#11
writing.py   records in                         keyring.py   persons' keys, wrapped by it
erasing.py   keys destroyed, retention          keystore.py  what a store of keys does (keys.db)
erasing_for.py  the same by somebody else       former.py    what stood there before a correction
correcting.py   fields of a record, as two have ordered it (ordered.py)
resealing.py new keys while all is served       rows.py      what the state does, in its transaction
classes.py   purposes, bases, retention         index.py, variants.py   found by name, without storing a name
outside.py   who looked at whom, and what two persons have in common, without opening anything
receipt.py   who looked, and its commitment     shares.py    the city's key in several hands
withholding.py  looks that a person hears of later

Nothing else may decrypt: tests/architecture holds it.
"""

from kitamae.kernel.people.vault.classes import CONSENTS, OWN, Basis, Purpose, Purposes
from kitamae.kernel.people.vault.correcting import Edit, gone
from kitamae.kernel.people.vault.erasing import Erasing
from kitamae.kernel.people.vault.ordered import Ordered
from kitamae.kernel.people.vault.reading import Asked, Record
from kitamae.kernel.people.vault.receipt import Receipt
from kitamae.kernel.people.vault.rows import Look
from kitamae.kernel.people.vault.vault import Vault

__all__ = [
    "CONSENTS",
    "OWN",
    "Asked",
    "Basis",
    "Edit",
    "Erasing",
    "Look",
    "Ordered",
    "Purpose",
    "Purposes",
    "Receipt",
    "Record",
    "Vault",
    "gone",
]
