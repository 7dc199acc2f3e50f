"""The NGSI-LD core @context 1.9 (ETSI GS CIM 009 V1.9.1, annex B) as a table of ours.

One line of words per way of writing the value; `a=b` where the term's name differs from the name in the vocabulary.
`document()` writes the table out as the JSON-LD document that the broker serves under every core URL. Earlier
versions are served as this one: their terms are all here with the same meaning, save a few of 1.0 and two of
1.3 and 1.4 that their editors corrected (docs/decisions/0010-own-json-ld-subset.md names them).
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

NGSI_LD: Final = "https://uri.etsi.org/ngsi-ld/"
GEOJSON: Final = "https://purl.org/geojson/vocab#"
SCOPE: Final = NGSI_LD + "scope"
"""What the scope is called where it has a history (clause 4.18)."""
DEFAULT_VOCAB: Final = NGSI_LD + "default-context/"
V2_ID: Final = "urn:ngsi-v2:"
"""What stands before an NGSIv2 id that is no URI, so that NGSI-LD can name the entity too."""


def v2_id(id: str) -> str:
    """The id as NGSIv2 knows it."""
    return unquote(id[len(V2_ID) :]) if id.startswith(V2_ID) else id


CORE_URL: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
"""The core context that answers name."""

CORE_URLS: Final = frozenset(
    f"{scheme}://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
    for scheme in ("https", "http")
    for version in ("", *(f"-v1.{minor}" for minor in range(10)))
)
"""Every address that means the core context: all versions to 1.9, and the one that always meant the newest."""

_ELSEWHERE: Final = {
    "ngsi-ld": NGSI_LD,
    "geojson": GEOJSON,
    "id": "@id",
    "type": "@type",
    "description": "http://purl.org/dc/terms/description",
    "langString": "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
    "title": "http://purl.org/dc/terms/title",
}

_TABLE: Final[tuple[tuple[str, str, str, str], ...]] = (
    # vocabulary, "@type" or "@container", its value, terms
    (
        "ngsi-ld",
        "",
        "",
        """
        Attribute AttributeList ContextSourceIdentity ContextSourceNotification
        ContextSourceRegistration Date DateTime EntityMap EntityType EntityTypeInfo EntityTypeList
        ExecutionResultDetails GeoProperty JsonProperty LanguageProperty ListProperty
        ListRelationship Notification Property Relationship Snapshot SnapshotNotification
        Subscription TemporalProperty Time VocabProperty accept aggrMethods aggrParams
        aggrPeriodDuration attributeCount attributeDetails attrs cacheDuration collation
        containedBy=isContainedBy contextSourceAlias contextSourceInfo contextSourceUptime cooldown
        csf data detail endpoint entities entity entityCount entityMapLifetime=hasEntityMapLifetime
        error errors expandValues format geoQ geoproperty georel idPattern information isActive join
        joinLevel=hasJoinLevel jsonKeys jsonldContext key=hasKey lang lastN linkedMaps localOnly
        location management managementInterval mode ngsildConformance notUpdated notification
        notificationTrigger notifierInfo observationInterval observationSpace omit operationSpace
        operations ordering pick previousValue=hasPreviousValue q reason receiverInfo refreshRate
        registrationId registrationName resultStatus scope scopeQ showChanges snapshotId
        snapshotLifetime snapshotPriority snapshotStatus splitEntities=hasSplitEntities status
        subscriptionName sysAttrs temporalQ throttling timeInterval timeout timeproperty timerel
        timesFailed timesSent triggerReason unchanged unitCode updated uri value=hasValue
        """,
    ),
    (
        "geojson",
        "",
        "",
        """
        Feature FeatureCollection GeometryCollection LineString MultiLineString MultiPoint
        MultiPolygon Point Polygon geometry properties
        """,
    ),
    (
        "ngsi-ld",
        "@type",
        "@vocab",
        """
        attributeList attributeName attributeNames attributeTypes attributes
        objectType=hasObjectType previousVocab=hasPreviousVocab propertyNames relationshipNames
        typeList typeName typeNames valueType=hasValueType vocab=hasVocab watchedAttributes
        """,
    ),
    (
        "ngsi-ld",
        "@type",
        "@id",
        """
        datasetId entityId instanceId object=hasObject previousObject=hasPreviousObject
        subscriptionId success tenant
        """,
    ),
    (
        "ngsi-ld",
        "@type",
        "DateTime",
        """
        contextSourceTimeAt createdAt deletedAt endAt endTimeAt expiresAt lastFailure
        lastNotification lastSuccess lastUsedAt modifiedAt notifiedAt observedAt startAt timeAt
        """,
    ),
    (
        "ngsi-ld",
        "@type",
        "@json",
        "contextSourceExtras json=hasJSON previousJson=hasPreviousJson problemDetails",
    ),
    (
        "ngsi-ld",
        "@container",
        "@list",
        """
        avg distinctCount entityList jsons languageMaps=hasLanguageMaps max min
        objectList=hasObjectList objectLists=hasObjectLists objects=hasObjects orderBy
        previousObjectList=hasPreviousObjectList previousValueList=hasPreviousValueList
        snapshotQueries snapshotQueriesDetails snapshotTemporalQueries
        snapshotTemporalQueriesDetails stddev sum sumsq totalCount valueList=hasValueList
        valueLists=hasValueLists values=hasValues vocabs=hasVocabs
        """,
    ),
    ("geojson", "@container", "@list", "bbox coordinates"),
    ("geojson", "@container", "@set", "features"),
    ("ngsi-ld", "@container", "@index", "dataset=hasDataset entityMap=hasEntityMap"),
    (
        "ngsi-ld",
        "@container",
        "@language",
        "languageMap=hasLanguageMap previousLanguageMap=hasPreviousLanguageMap",
    ),
)

_PROOF: Final[dict[str, Any]] = {
    "@id": "ngsi-ld:ngsildproof",
    "@context": [
        {
            "entityIdSealed": "ngsi-ld:entityIdSealed",
            "entityTypeSealed": {"@id": "ngsi-ld:entityTypeSealed", "@type": "@vocab"},
        },
        "https://w3id.org/security/data-integrity/v2",
    ],
}
OF_PROOF: Final = frozenset(_PROOF["@context"][0])
"""Names that mean members within `ngsildproof`, and that no term says elsewhere."""
"""The one term with a context of its own, for the members of a Data Integrity proof."""


def document() -> dict[str, Any]:
    """`{"@context": {...}}` as ETSI publishes it."""
    terms: dict[str, Any] = {"@version": 1.1, "@protected": True, **_ELSEWHERE, "ngsildproof": _PROOF}
    for vocabulary, how, of, words in _TABLE:
        for word in words.split():
            term, _, name = word.partition("=")
            iri = f"{vocabulary}:{name or term}"
            terms[term] = {"@id": iri, how: of} if how else iri
    return {"@context": {**terms, "@vocab": DEFAULT_VOCAB}}
