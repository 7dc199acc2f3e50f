"""Every resource of the API with its methods: the table of contents of clause 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.api import (
    batch,
    consumption,
    contexts,
    discovery,
    entity_maps,
    history,
    history_provision,
    identity,
    mapped_history,
    parameters,
    provision,
    purge,
    registration_subscriptions,
    registrations,
    relayed,
    snapshots,
    subscriptions,
)
from kitamae.kernel.context.api.application import Application
from kitamae.kernel.context.api.routing import Route, Table
from kitamae.kernel.context.subscription import relays

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

_WRITE: Final = ("write", "entity:*")
_SUBSCRIBE: Final = ("subscribe", "subscription")
_CONTEXT: Final = ("write", "context")
_SNAPSHOT: Final = ("write", "snapshot")
_FEDERATE: Final = ("operate", "registration")

ROUTES: Final = (
    # 6.4 entities
    Route("POST", "entities", provision.create, parameters.CREATE, True, _WRITE),
    Route("GET", "entities", consumption.query, parameters.QUERY),
    Route("DELETE", "entities", purge.purge, parameters.PURGE, needs=_WRITE),
    # 6.5 entities/{entityId}
    Route("GET", "entities/{id}", consumption.retrieve, parameters.RETRIEVE),
    Route("PUT", "entities/{id}", provision.replace, parameters.WRITE, needs=_WRITE),
    Route("PATCH", "entities/{id}", provision.merge, parameters.MERGE, needs=_WRITE),
    Route("DELETE", "entities/{id}", provision.delete, parameters.WRITE, needs=_WRITE),
    # 6.6, 6.7 their attributes
    Route("POST", "entities/{id}/attrs", provision.append, parameters.APPEND, needs=_WRITE),
    Route("PATCH", "entities/{id}/attrs", provision.update, parameters.WRITE, needs=_WRITE),
    Route("PATCH", "entities/{id}/attrs/{name}", provision.partial, parameters.WRITE, needs=_WRITE),
    Route("PUT", "entities/{id}/attrs/{name}", provision.replace_attribute, parameters.WRITE, needs=_WRITE),
    Route(
        "DELETE",
        "entities/{id}/attrs/{name}",
        provision.delete_attribute,
        parameters.DELETE_ATTRIBUTE,
        needs=_WRITE,
    ),
    # 6.10, 6.11 subscriptions
    Route("POST", "subscriptions", subscriptions.create, parameters.CREATE, True, _SUBSCRIBE),
    Route("GET", "subscriptions", subscriptions.listing, parameters.LIST, needs=_SUBSCRIBE),
    Route("GET", "subscriptions/{id}", subscriptions.retrieve, parameters.OPTIONS, needs=_SUBSCRIBE),
    Route("PATCH", "subscriptions/{id}", subscriptions.update, parameters.LOCAL, needs=_SUBSCRIBE),
    Route("DELETE", "subscriptions/{id}", subscriptions.delete, parameters.LOCAL, needs=_SUBSCRIBE),
    # what copies of them at other sources tell us
    Route("POST", relays.PATH.strip("/"), relayed.notified),
    # 6.8, 6.9 registrations of context sources
    Route("POST", "csourceRegistrations", registrations.create, parameters.CREATE, True, _FEDERATE),
    Route("GET", "csourceRegistrations", registrations.query, parameters.REGISTRATIONS, needs=_FEDERATE),
    Route("GET", "csourceRegistrations/{id}", registrations.retrieve, parameters.OPTIONS, needs=_FEDERATE),
    Route("PATCH", "csourceRegistrations/{id}", registrations.update, parameters.LOCAL, needs=_FEDERATE),
    Route("DELETE", "csourceRegistrations/{id}", registrations.delete, parameters.LOCAL, needs=_FEDERATE),
    # 6.12, 6.13 subscriptions to them
    Route(
        "POST",
        "csourceSubscriptions",
        registration_subscriptions.create,
        parameters.CREATE,
        True,
        _FEDERATE,
    ),
    Route(
        "GET",
        "csourceSubscriptions",
        registration_subscriptions.listing,
        parameters.LIST,
        needs=_FEDERATE,
    ),
    Route(
        "GET",
        "csourceSubscriptions/{id}",
        registration_subscriptions.retrieve,
        parameters.OPTIONS,
        needs=_FEDERATE,
    ),
    Route(
        "PATCH",
        "csourceSubscriptions/{id}",
        registration_subscriptions.update,
        parameters.LOCAL,
        needs=_FEDERATE,
    ),
    Route(
        "DELETE",
        "csourceSubscriptions/{id}",
        registration_subscriptions.delete,
        parameters.LOCAL,
        needs=_FEDERATE,
    ),
    # 6.14-6.17, 6.31 batches, 6.23 query by POST
    Route("POST", "entityOperations/create", batch.create, parameters.BATCH, True, _WRITE),
    Route("POST", "entityOperations/upsert", batch.upsert, parameters.BATCH, True, _WRITE),
    Route("POST", "entityOperations/update", batch.update, parameters.BATCH, needs=_WRITE),
    Route("POST", "entityOperations/merge", batch.merge, parameters.BATCH_MERGE, needs=_WRITE),
    Route("POST", "entityOperations/delete", batch.delete, parameters.LOCAL, needs=_WRITE),
    Route("POST", "entityOperations/query", consumption.query_by_post, parameters.QUERY_BY_POST),
    # 6.18-6.22, 6.24 history
    Route("POST", "temporal/entities", history_provision.create, parameters.CREATE, True, _WRITE),
    Route("GET", "temporal/entities", history.query, parameters.TEMPORAL_QUERY),
    Route("GET", "temporal/entities/{id}", history.retrieve, parameters.TEMPORAL_RETRIEVE),
    Route("DELETE", "temporal/entities/{id}", history_provision.delete, parameters.LOCAL, needs=_WRITE),
    Route("POST", "temporal/entities/{id}/attrs", history_provision.append, parameters.LOCAL, needs=_WRITE),
    Route(
        "DELETE",
        "temporal/entities/{id}/attrs/{name}",
        history_provision.delete_attribute,
        parameters.TEMPORAL_DELETE_ATTRIBUTE,
        needs=_WRITE,
    ),
    Route(
        "PATCH",
        "temporal/entities/{id}/attrs/{name}/{instance}",
        history_provision.update_instance,
        parameters.LOCAL,
        needs=_WRITE,
    ),
    Route(
        "DELETE",
        "temporal/entities/{id}/attrs/{name}/{instance}",
        history_provision.delete_instance,
        parameters.LOCAL,
        needs=_WRITE,
    ),
    Route("POST", "temporal/entityOperations/query", history.query_by_post, parameters.QUERY_BY_POST),
    # 6.32, 6.34 entity maps
    Route("GET", "entityMaps", entity_maps.create, parameters.QUERY),
    Route("POST", "entityMaps", entity_maps.create_by_post, parameters.QUERY_BY_POST),
    Route("GET", "entityMaps/{id}", entity_maps.retrieve),
    Route("PATCH", "entityMaps/{id}", entity_maps.update),
    Route("DELETE", "entityMaps/{id}", entity_maps.delete),
    Route("GET", "temporal/entityMaps", mapped_history.create, parameters.TEMPORAL_QUERY),
    Route("POST", "temporal/entityMaps", mapped_history.create_by_post, parameters.QUERY_BY_POST),
    # 6.36-6.38 snapshots
    Route("POST", "snapshots", snapshots.create, needs=_SNAPSHOT),
    Route("DELETE", "snapshots", snapshots.purge, parameters.PURGE_SNAPSHOTS, needs=_SNAPSHOT),
    Route("GET", "snapshots/{id}", snapshots.retrieve),
    Route("PATCH", "snapshots/{id}", snapshots.update, needs=_SNAPSHOT),
    Route("DELETE", "snapshots/{id}", snapshots.delete, needs=_SNAPSHOT),
    Route("POST", "snapshots/{id}/clone", snapshots.clone, needs=_SNAPSHOT),
    # 6.25-6.28 discovery
    Route("GET", "types", discovery.types, parameters.DETAILS),
    Route("GET", "types/{name}", discovery.type_information, parameters.LOCAL),
    Route("GET", "attributes", discovery.attributes, parameters.DETAILS),
    Route("GET", "attributes/{name}", discovery.attribute_information, parameters.LOCAL),
    # 6.29, 6.30 @contexts
    Route("POST", "jsonldContexts", contexts.add, parameters.NONE, True, _CONTEXT),
    Route("GET", "jsonldContexts", contexts.listing, parameters.CONTEXTS, founds=True),
    Route("GET", "jsonldContexts/{id}", contexts.serve, parameters.CONTEXT),
    Route("DELETE", "jsonldContexts/{id}", contexts.delete, parameters.CONTEXT_DELETE, needs=_CONTEXT),
    # 6.33 who this is
    Route("GET", "info/sourceIdentity", identity.source, parameters.NONE, founds=True),
)

_TABLE: Final = Table(ROUTES)


def routes(broker: Broker) -> Application:
    """The ASGI application that answers for this broker."""
    return Application(broker, _TABLE)
