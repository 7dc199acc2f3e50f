"""The body of an NGSIv2 registration <-> the document of an NGSI-LD one, which both dialects keep.

NGSI-LD calls such a source auxiliary: it fills in what is not here, and writes go to it only for what is not here. `v2` in
the document says what the other dialect has no word for: the service path, the forwarding mode, the status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kitamae.kernel.context import clock
from kitamae.kernel.context.registration.validate import TYPE
from kitamae.kernel.context.v2.names import LONGEST, demand_free, field, inner_id, outer_id
from kitamae.kernel.context.v2.times import instant, milliseconds, stamp
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.subscription.model import Record
    from kitamae.kernel.context.v2.names import Words

MODES: Final = ("all", "query", "update", "none")
_MEMBERS: Final = frozenset(
    ("description", "dataProvided", "provider", "expires", "status", "forwardingInformation", "id")
)
_DESCRIPTION: Final = 1024
_ANY: Final = ".*"
_QUERIES: Final = frozenset(("queryEntity", "queryBatch", "retrieveEntity"))
_UPDATES: Final = frozenset(("updateAttrs", "updateEntity"))


def document(given: Json, id: str, path: str, words: Words) -> dict[str, Json]:
    """`id`: as it is inside; `path`: the service path. Raises BadRequest."""
    body = _object(given, "registration", _MEMBERS)
    provider = _object(body.get("provider"), "provider", frozenset(("http", "supportedForwardingMode")))
    mode = provider.get("supportedForwardingMode", MODES[0])
    if mode not in MODES:
        raise BadRequest(f"supportedForwardingMode: expected one of {', '.join(MODES)}, got {mode!r:.40}")
    status = body.get("status", "active")
    if status not in ("active", "inactive"):
        raise BadRequest(f"status: expected active or inactive, got {status!r:.40}")
    doc: dict[str, Json] = {
        "id": id,
        "type": TYPE,
        "information": [_information(body.get("dataProvided"), words)],
        "mode": "auxiliary",
        "endpoint": _url(provider.get("http")),
        "v2": {"path": path, "mode": mode, "status": status},
    }
    if body.get("description") is not None:
        doc["description"] = _description(body["description"])
    if body.get("expires"):
        doc["expiresAt"] = clock.text(instant(body["expires"], "expires"))
    return doc


def _object(given: Json, where: str, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(given, dict) or not given:
        raise BadRequest(f"/{where}/ must be a JSON object that is not empty")
    for name in given.keys() - known:
        if given[name] not in (None, False):
            raise BadRequest(f"/{where}/: {name!r:.80} is not a member that is offered here")
    return given


def _description(given: Json) -> str:
    if not isinstance(given, str) or len(given) > _DESCRIPTION:
        raise BadRequest(f"description: expected a text of {_DESCRIPTION} characters at most")
    demand_free(given, "description")
    return given


def _url(http: Json) -> str:
    url = _object(http, "http", frozenset(("url",))).get("url")
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
    except ValueError:
        good = False
    if not good:
        raise BadRequest(f"url: expected an http or https address, got {url!r:.120}")
    demand_free(url, "url")
    return str(url)


def _information(given: Json, words: Words) -> dict[str, Json]:
    data = _object(given, "dataProvided", frozenset(("entities", "attrs")))
    entities, attrs = data.get("entities"), data.get("attrs") or []
    if not isinstance(entities, list) or not entities:
        raise BadRequest("/entities/ must be an array that is not empty")
    if not isinstance(attrs, list):
        raise BadRequest("the field /attrs/ must be a JSON array")
    found: dict[str, Json] = {"entities": [_entity(one, words) for one in entities]}
    if attrs:
        found["propertyNames"] = [words.expand(field(name, "attrs")) for name in attrs]
    return found


def _entity(given: Json, words: Words) -> dict[str, Json]:
    one = _object(given, "entities", frozenset(("id", "idPattern", "type")))
    if ("id" in one) is ("idPattern" in one):
        raise BadRequest("/entities/: expected one of id and idPattern in each")
    if one.get("idPattern", _ANY) != _ANY:
        raise BadRequest(f"/entities/: idPattern: only {_ANY} is offered, as in Orion")
    found: dict[str, Json] = {"type": []}
    if one.get("type") is not None:
        found["type"] = words.expand(field(one["type"], "entities: type"))
    if "id" in one:
        found["id"] = inner_id(field(one["id"], "entities: id"))
    return found


def shown(registration: Registration, words: Words, record: Record | None) -> dict[str, Json] | None:
    """For a client; None for what NGSIv2 cannot say: several informations, entities of several types, patterns."""
    doc = registration.doc
    if len(doc["information"]) != 1 or not doc["information"][0].get("entities"):
        return None
    entities = [_entity_shown(one, words) for one in doc["information"][0]["entities"]]
    if None in entities:
        return None
    data: dict[str, Json] = {"entities": entities}
    if names := registration.information[0].attrs:
        data["attrs"] = sorted(map(words.compact, names))
    own = doc.get("v2", {})
    answer: dict[str, Json] = {"id": outer_id(registration.id)}
    if "description" in doc:
        answer["description"] = doc["description"]
    answer["dataProvided"] = data
    answer["provider"] = {
        "http": {"url": doc["endpoint"]},
        "supportedForwardingMode": own.get("mode", _mode(registration)),
        "legacyForwarding": False,
    }
    answer["status"] = own.get("status", "active")
    if registration.expires_at is not None:
        answer["expires"] = stamp(registration.expires_at)
    if record is not None and record.times_sent:
        answer["forwardingInformation"] = _forwarded(record)
    return answer


def _entity_shown(one: dict[str, Any], words: Words) -> dict[str, Json] | None:
    types = one["type"] if isinstance(one["type"], list) else [one["type"]]
    if len(types) > 1 or one.get("idPattern", _ANY) != _ANY or len(outer_id(one.get("id", ""))) > LONGEST:
        return None
    found: dict[str, Json] = {"id": outer_id(one["id"])} if "id" in one else {"idPattern": _ANY}
    return {**found, **({"type": words.compact(types[0])} if types else {})}


def _mode(registration: Registration) -> str:
    """Of a source that was registered over NGSI-LD."""
    asks, tells = (not registration.operations.isdisjoint(some) for some in (_QUERIES, _UPDATES))
    return "all" if asks and tells else "query" if asks else "update" if tells else "none"


def _forwarded(record: Record) -> dict[str, Json]:
    told: dict[str, Json] = {"timesSent": record.times_sent}
    for name, moment in (
        ("lastForwarding", record.last_notification),
        ("lastSuccess", record.last_success),
        ("lastFailure", record.last_failure),
    ):
        if moment is not None:
            told[name] = milliseconds(moment)
    return told
