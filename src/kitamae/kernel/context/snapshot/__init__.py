"""Snapshots (4.3.7, 5.2.41, 5.16): the results of queries, frozen in a place of their own that operations can be sent to.

What is in a snapshot lies in the store under a tenant that no header can name, so every operation on entities and their
history works on it as on a city. The snapshot's own document lies with the tenant that it was made for.

model      the document: what a client may say of a snapshot, how it is shown, and conditions on it
registry   made, found, changed, filled, deleted
notices    who is told that one is filled
"""
