"""The changes that the specification knows, as pure functions: before + fragment -> after and delta (clause 5.6).

A store reads the state, calls `command.apply(before, now)` inside its transaction, and writes what comes back. A
`Problem` raised there fails that command alone.
"""

from kitamae.kernel.context.operations.append import Append
from kitamae.kernel.context.operations.attribute import DeleteAttribute, PartialAttribute, ReplaceAttribute
from kitamae.kernel.context.operations.command import Command, Effect, Operation, Touched
from kitamae.kernel.context.operations.create import Create, Replace, Upsert
from kitamae.kernel.context.operations.delete import Delete, Expire, Purge
from kitamae.kernel.context.operations.merge import Merge
from kitamae.kernel.context.operations.update import Update

__all__ = [
    "Append",
    "Command",
    "Create",
    "Delete",
    "DeleteAttribute",
    "Effect",
    "Expire",
    "Merge",
    "Operation",
    "PartialAttribute",
    "Purge",
    "Replace",
    "ReplaceAttribute",
    "Touched",
    "Update",
    "Upsert",
]
