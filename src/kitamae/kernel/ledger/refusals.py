"""Why something of a log is not believed.

BadRequest
└── Malformed               not what the specification says: nothing was looked at further
Unprocessable
└── NotProved               well formed, and it does not hold
    └── NotSigned           by none of the keys that are trusted, or a trusted key's signature is wrong

Who sends them is told so; nothing of it is kept.
"""

from __future__ import annotations

from kitamae.kernel.problems import BadRequest, Unprocessable


class Malformed(BadRequest):
    """Bytes that are no note, checkpoint, tile or proof."""

    title = "That is not in the form of a transparency log"


class NotProved(Unprocessable):
    """What is said does not follow from what is shown."""

    title = "The proof does not hold"


class NotSigned(NotProved):
    """A text that nobody who is trusted has signed."""

    title = "The signature is not one that is trusted"
