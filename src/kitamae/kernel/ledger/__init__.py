"""The tamper-evident log: C2SP tlog-tiles, tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-proof.

What it proves: that an entry is in the log, at its place, since the witnesses saw it; that nothing in the log was changed,
taken out or put in between afterwards; that everybody is shown the same log, as far as witnesses are honest.
What it does not prove: that an entry is true, that everything that happened was entered, or who somebody is.

`Transaction.log` puts an entry into the transaction of what it attests; `log` publishes it; what is about a person goes
in as a `commitment` only. The tree itself is in `merkle`, `tiles` and `edge`; what is signed in `note`, `checkpoint`,
`cosignature` and `proof`; `verify` reads a whole log from its files alone; `witness` cosigns for neighbouring cities.
"""
