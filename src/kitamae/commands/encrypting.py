"""`kitamae encrypt` and `decrypt`: what another program dumps, for the holder of an identity of age alone, from pipe to pipe."""

from __future__ import annotations

import sys
from pathlib import Path

from kitamae.commands.speech import say
from kitamae.directory import sealing
from kitamae.kernel.problems import BadRequest
from kitamae.settings import Settings, listed


def encrypt(*, to: str | None = None) -> None:
    """Encrypt what comes in (a dump of pg_dump, a key file) and write it out in the format of age; nothing plain is kept.

    Parameters
    ----------
    to
        To whom: public keys of age (age1...), comma-separated; KITAMAE_BACKUP_TO unless told.

    """
    recipients = sealing.recipients(listed(Settings.chosen(backup_to=to).backup_to))
    if not recipients:
        raise BadRequest(say("nobody could read it: name a public key of age (--to, or KITAMAE_BACKUP_TO)"))
    sealing.seal_stream(sys.stdin.buffer, sys.stdout.buffer, recipients)
    sys.stdout.flush()


def decrypt(*, identity: Path) -> None:
    """Write out what was encrypted. What was cut off or changed ends with 1, and what follows that place is not written.

    Parameters
    ----------
    identity
        The file with the identity (AGE-SECRET-KEY-1...) that opens an encrypted backup.

    """
    found = sealing.identities(str(identity))
    sealing.open_stream(sys.stdin.buffer, sys.stdout.buffer, found, "stdin")
    sys.stdout.flush()
