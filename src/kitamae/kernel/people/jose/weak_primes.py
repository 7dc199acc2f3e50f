"""ROCA (CVE-2017-15361): RSA moduli of a smart card library whose primes are powers of 65537 modulo many small primes.

After Nemec and others, "The Return of Coppersmith's Attack" (2017), section 3: such a modulus is itself a power of
65537 modulo each of them, and one that was made well is so by chance once in 2^27 or less.
"""

from __future__ import annotations

from typing import Final


def _powers(prime: int) -> frozenset[int]:
    found, power = set(), 1
    while power not in found:
        found.add(power)
        power = power * 65537 % prime
    return frozenset(found)


def _odd_primes(most: int) -> list[int]:
    return [n for n in range(3, most, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


_MARKS: Final = {prime: powers for prime in _odd_primes(168) if len(powers := _powers(prime)) < prime - 1}


def has_weak_primes(modulus: int) -> bool:
    """Whether a modulus was made by that library."""
    return all(modulus % prime in powers for prime, powers in _MARKS.items())
