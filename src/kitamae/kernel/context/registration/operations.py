"""Names of the operations that a Context Source offers, and of groups of them (clause 4.20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_TYPES: Final = frozenset(
    [
        "retrieveEntityTypes",
        "retrieveEntityTypeDetails",
        "retrieveEntityTypeInfo",
        "retrieveAttrTypes",
        "retrieveAttrTypeDetails",
        "retrieveAttrTypeInfo",
    ]
)
_MAPS: Final = frozenset(
    ["createEntityMapQueryEntity", "retrieveEntityMap", "updateEntityMap", "deleteEntityMap"]
)
_SUBSCRIBE: Final = frozenset(
    [
        "createSubscription",
        "updateSubscription",
        "retrieveSubscription",
        "querySubscription",
        "deleteSubscription",
    ]
)
CONSUMPTION: Final = _TYPES | frozenset(
    [
        "retrieveEntity",
        "queryEntity",
        "queryBatch",
        "retrieveTemporal",
        "queryTemporal",
        "queryBatchTemporal",
        "createEntityMapQueryEntity",
        "createEntityMapQueryTemporal",
        "retrieveEntityMap",
        "updateEntityMap",
        "deleteEntityMap",
        "retrieveContextSourceIdentity",
        "retrieveSnapshotStatus",
    ]
)
"""Those that only ask: all that an auxiliary registration may offer beside subscriptions."""
_PROVISION: Final = frozenset(
    [
        "createEntity",
        "updateEntity",
        "appendAttrs",
        "updateAttrs",
        "deleteAttrs",
        "deleteEntity",
        "mergeEntity",
        "replaceEntity",
        "replaceAttrs",
        "purgeEntity",
        "createBatch",
        "upsertBatch",
        "updateBatch",
        "deleteBatch",
        "mergeBatch",
        "upsertTemporal",
        "appendAttrsTemporal",
        "deleteAttrsTemporal",
        "updateAttrInstanceTemporal",
        "deleteAttrInstanceTemporal",
        "deleteTemporal",
        "createSnapshot",
        "cloneSnapshot",
        "updateSnapshot",
        "deleteSnapshot",
        "purgeSnapshots",
    ]
)
KNOWN: Final = CONSUMPTION | _SUBSCRIBE | _PROVISION
GROUPS: Final[dict[str, frozenset[str]]] = {
    "federationOps": _TYPES
    | _SUBSCRIBE
    | _MAPS
    | {"retrieveEntity", "queryEntity", "queryBatch", "retrieveContextSourceIdentity"},
    "associationOps": _TYPES
    | _SUBSCRIBE
    | {"retrieveEntity", "queryEntity", "queryBatch", "retrieveContextSourceIdentity"},
    "updateOps": frozenset({"updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"}),
    "retrieveOps": frozenset({"retrieveEntity", "queryEntity"}),
    "redirectionOps": _TYPES
    | _MAPS
    | frozenset(
        [
            "retrieveContextSourceIdentity",
            "createEntity",
            "updateEntity",
            "appendAttrs",
            "updateAttrs",
            "deleteAttrs",
            "deleteEntity",
            "mergeEntity",
            "purgeEntity",
            "replaceEntity",
            "replaceAttrs",
            "retrieveEntity",
            "queryEntity",
        ]
    ),
}
QUERIES: Final = frozenset({"retrieveEntity", "queryEntity", "queryBatch"})
"""By which entities are read."""
USUAL: Final = ("federationOps",)
"""What a registration offers that does not say."""


def single(names: Iterable[str]) -> frozenset[str]:
    """The operations that these names, groups among them, mean."""
    found: set[str] = set()
    for name in names:
        found |= GROUPS.get(name, {name})
    return frozenset(found)
