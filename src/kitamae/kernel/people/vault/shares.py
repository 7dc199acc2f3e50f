"""The city's key in several hands: shares of SLIP-39 (Shamir's scheme), of which so many put the key together again.

A share is 33 English words with a checksum, written down on paper; fewer shares than agreed say nothing about the key.
SLIP-39 is published and other programs read it: the key can be put together without Kitamae. The scheme runs in plain
Python, at a ceremony, on a machine that is not reached from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 16  # what SLIP-39 can say


def split(key: CityKey, shares: int, threshold: int) -> list[str]:
    """So many shares, any `threshold` of which are enough. Raises BadRequest."""
    from shamir_mnemonic import generate_mnemonics

    if not 2 <= threshold <= shares <= MOST:
        raise BadRequest(
            f"expected 2 <= threshold <= shares <= {MOST}: one share that is enough would be a copy of the key"
        )
    made: list[str] = generate_mnemonics(1, [(threshold, shares)], key.secret)[0]
    return made


def combine(shares: Sequence[str]) -> CityKey:
    """Any so many of one split, in whatever order; more do no harm. Raises VaultClosed saying what is wrong, never a word of a share."""
    from shamir_mnemonic import MnemonicError, combine_mnemonics
    from shamir_mnemonic.share import Share

    read: dict[int, str] = {}
    splits: dict[int, list[int]] = {}
    enough = 0
    for number, text in enumerate(shares, start=1):
        words = " ".join(text.lower().split())
        try:
            share = Share.from_mnemonic(words)
        except MnemonicError:
            raise VaultClosed(
                f"share {number} is not as it was written down: a word is wrong, missing or too many"
            ) from None
        read[share.index] = words
        splits.setdefault(share.identifier, []).append(number)
        enough = share.member_threshold
    if len(splits) > 1:
        one, other, *_ = splits.values()
        raise VaultClosed(
            f"share {one[0]} and share {other[0]} are of different splits: use shares that were made together"
        )
    if len(read) < enough or not read:
        raise VaultClosed(f"{enough or 'some'} different shares are needed, these are {len(read)}")
    try:
        return CityKey.of(combine_mnemonics(list(read.values())[:enough]))
    except MnemonicError as error:
        raise VaultClosed("these shares do not make a key: one of them is of another split") from error
