"""The changes that the specification knows, as pure functions: before + fragment -> after and delta (clause 5.6).

A store reads the state, calls `command.apply(before, now)` inside its transaction, and writes what comes back. A
`Problem` raised there fails that command alone.
"""
