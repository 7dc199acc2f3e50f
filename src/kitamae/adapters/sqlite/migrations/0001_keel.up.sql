-- The present: one row per entity; everything else about it hangs on its key.
CREATE TABLE entity (
    key      INTEGER PRIMARY KEY,          -- the order of creation
    tenant   TEXT NOT NULL,
    id       TEXT NOT NULL,
    variant  TEXT NOT NULL DEFAULT '',     -- not empty only where NGSIv2 knows two entities of one id
    version  INTEGER NOT NULL,             -- change.seq of the last write
    created  INTEGER NOT NULL,             -- microseconds since 1970, UTC
    modified INTEGER NOT NULL,
    expires  INTEGER,                      -- when it, or the first of its attribute instances, expires
    plain    INTEGER NOT NULL,             -- 1: every attribute has one instance, so kv says all that q asks
    kv       BLOB NOT NULL,                -- JSONB: expanded attribute name -> value of its first instance
    doc      BLOB NOT NULL,                -- JSON: the entity in the kernel's internal form
    UNIQUE (tenant, id, variant)
) STRICT;

-- Where kv does not say all: a query on kv adds these and lets query.match decide.
CREATE INDEX entity_not_plain ON entity (tenant) WHERE plain = 0;

CREATE INDEX entity_expires ON entity (expires) WHERE expires IS NOT NULL;

CREATE TABLE entity_type (
    tenant TEXT NOT NULL,
    type   TEXT NOT NULL,                  -- expanded
    entity INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE entity_scope (
    tenant TEXT NOT NULL,
    scope  TEXT NOT NULL,                  -- /a/b
    entity INTEGER NOT NULL,
    PRIMARY KEY (tenant, scope, entity)
) STRICT, WITHOUT ROWID;

-- Geometry, one row per instance of a GeoProperty; rewritten only when the place itself changes.
CREATE TABLE place (
    key    INTEGER PRIMARY KEY,
    entity INTEGER NOT NULL,
    name   TEXT NOT NULL                   -- expanded GeoProperty
) STRICT;
CREATE INDEX place_entity ON place (entity);

-- Its bounding box, WGS84 degrees; 32-bit, rounded outwards: a superset of the exact answer.
CREATE VIRTUAL TABLE place_box USING rtree (key, west, east, south, north);

-- How many entities there are of each shape, so that discovery never reads the entities.
-- type '': whatever the type; name '': the entity itself; kind '': whatever the kind.
CREATE TABLE census (
    tenant TEXT NOT NULL,
    type   TEXT NOT NULL,
    name   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, name, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The order of writes: append only. `delta` may expire or be erased (NULL), the row may not.
CREATE TABLE change (
    seq     INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL,
    entity  TEXT NOT NULL,
    variant TEXT NOT NULL,
    verb    TEXT NOT NULL,                 -- created, updated, deleted
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    types   TEXT NOT NULL,                 -- JSON list, expanded
    delta   BLOB                           -- JSON list of [name, verb, after, before]
) STRICT;

-- The names that history speaks of, each written once: an attribute and its dataset ('' is the default instance).
CREATE TABLE attribute (
    key     INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,                 -- expanded
    dataset TEXT NOT NULL,
    UNIQUE (name, dataset)
) STRICT;

-- History, in the order of writing.
CREATE TABLE instance (
    number      INTEGER PRIMARY KEY,
    entity      INTEGER NOT NULL,          -- entity.key or past.key
    attribute   INTEGER NOT NULL,
    t           INTEGER NOT NULL,          -- observedAt, or modifiedAt where nothing was observed
    observed    INTEGER NOT NULL,          -- 1: t is observedAt
    seq         INTEGER NOT NULL,          -- of the change that left it
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    deleted_at  INTEGER,
    num         ANY,                       -- a Property's value where it is a number (INTEGER or REAL)
    txt         TEXT,                      -- and where it is text
    doc         BLOB NOT NULL              -- JSON: the attribute in the internal form, with its instanceId
) STRICT;

-- One series (entity, attribute) after the other in the order of time. Thin, since every write adds to it somewhere
-- else; numbers are read from here without touching the rows.
CREATE INDEX instance_series ON instance (entity, attribute, t, observed, num);
CREATE INDEX instance_deleted ON instance (entity, attribute, deleted_at) WHERE deleted_at IS NOT NULL;

-- Entities that only history knows: deleted ones, and those that the temporal API alone has told of.
-- One that is created again takes its key back, so that its history stays its own.
CREATE TABLE past (
    key     INTEGER PRIMARY KEY,           -- never that of a living entity
    tenant  TEXT NOT NULL,
    id      TEXT NOT NULL,
    variant TEXT NOT NULL,
    version INTEGER NOT NULL,
    doc     BLOB NOT NULL,
    UNIQUE (tenant, id, variant)
) STRICT;

-- Notifications that somebody must still receive. A number is never used twice.
CREATE TABLE owed (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant  TEXT NOT NULL,
    queue   TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX owed_queue ON owed (queue, number);

-- What is not an entity: subscriptions, stored contexts, sessions. `number` is the order of creation.
CREATE TABLE document (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    doc    BLOB NOT NULL,
    UNIQUE (kind, tenant, id)
) STRICT;

-- The store's own numbers.
CREATE TABLE mark (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO mark (name, value) VALUES ('seq', 0);
