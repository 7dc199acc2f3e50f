-- Numbers (key, version, seq, owed.number) come from the transaction that wrote them: see numbers.py.
-- Text that is compared is compared by code point (COLLATE "C"), as Python and the kernel's `match` do it.
-- Documents are bytea: JSON text may hold what PostgreSQL's own text may not.

-- Every entity that ever was: one that is gone keeps its row, and so its key and its history.
CREATE TABLE entity (
    tenant   text COLLATE "C" NOT NULL,
    key      bigint NOT NULL,              -- the order of creation
    id       text COLLATE "C" NOT NULL,
    variant  text COLLATE "C" NOT NULL,    -- not empty only where NGSIv2 knows two entities of one id
    version  bigint NOT NULL,              -- change.seq of the last write
    created  bigint NOT NULL,              -- microseconds since 1970, UTC
    modified bigint NOT NULL,
    expires  bigint,                       -- when it, or the first of its attribute instances, expires
    plain    boolean NOT NULL,             -- every attribute has one instance, so kv says all that q asks
    gone     boolean NOT NULL,             -- only history knows it
    kv       jsonb NOT NULL,               -- expanded attribute name -> value of its first instance
    doc      bytea NOT NULL,               -- JSON: the entity in the kernel's internal form
    PRIMARY KEY (tenant, key),
    UNIQUE (tenant, id, variant)
) WITH (fillfactor = 70);                  -- room for the next version on the same page: no index is touched then

-- Where kv does not say all: a query on kv adds these and lets query.match decide.
CREATE INDEX entity_not_plain ON entity (tenant, key) WHERE NOT plain;
CREATE INDEX entity_expires ON entity (expires) WHERE expires IS NOT NULL;
CREATE INDEX entity_gone ON entity (tenant, id) WHERE gone;

CREATE TABLE entity_type (
    tenant text COLLATE "C" NOT NULL,
    type   text COLLATE "C" NOT NULL,      -- expanded
    entity bigint NOT NULL,
    PRIMARY KEY (tenant, type, entity)
);

CREATE TABLE entity_scope (
    tenant text COLLATE "C" NOT NULL,
    scope  text COLLATE "C" NOT NULL,      -- /a/b
    entity bigint NOT NULL,
    PRIMARY KEY (tenant, scope, entity)
);

-- The box of each instance of each GeoProperty (a point where it is one), WGS84; rewritten only when a place changes.
CREATE TABLE place (
    tenant text COLLATE "C" NOT NULL,
    entity bigint NOT NULL,
    name   text COLLATE "C" NOT NULL,      -- expanded GeoProperty
    shape  geometry(Geometry, 4326) NOT NULL
);
CREATE INDEX place_entity ON place (tenant, entity);
CREATE INDEX place_shape ON place USING gist (shape);

-- The names that history and hot speak of, each written once: an attribute and its dataset ('': the default instance).
CREATE TABLE attribute (
    key     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text COLLATE "C" NOT NULL,     -- expanded
    dataset text COLLATE "C" NOT NULL,
    hot     boolean NOT NULL DEFAULT false,
    UNIQUE (name, dataset)
);

-- Values of hot attributes. A table and not an index on kv: with such an index every write would touch every index.
CREATE TABLE hot (
    tenant    text COLLATE "C" NOT NULL,
    attribute integer NOT NULL,
    value     jsonb NOT NULL,              -- a scalar, its text cut at 100 letters; [] for any array or object
    entity    bigint NOT NULL,
    PRIMARY KEY (tenant, attribute, value, entity)
);

-- How many entities there are of each shape, so that discovery never reads the entities: rows are added, never
-- changed, so that workers do not wait for each other, and folded together now and then.
CREATE TABLE census (
    tenant text COLLATE "C" NOT NULL,
    shape  bytea NOT NULL,                 -- JSON: [types, [[name, kind ...] ...]]
    n      bigint NOT NULL
);
CREATE INDEX census_tenant ON census (tenant);

CREATE TABLE tenant (
    name text COLLATE "C" PRIMARY KEY
);

-- The order of writes: append only. `delta` may expire or be erased (NULL), the row may not.
CREATE TABLE change (
    seq     bigint PRIMARY KEY,
    tenant  text COLLATE "C" NOT NULL,
    entity  text COLLATE "C" NOT NULL,
    variant text COLLATE "C" NOT NULL,
    verb    text NOT NULL,                 -- created, updated, deleted
    at      bigint NOT NULL,
    actor   text NOT NULL,
    types   bytea NOT NULL,                -- JSON list, expanded
    key     bigint NOT NULL,               -- entity.key; 0: the change came from another store
    delta   bytea                          -- JSON list of [name, verb, attribute, t, before]: what was written stands
);                                         -- in the instance of that place only, what was deleted here. Key 0: of
                                           -- [name, verb, after, before], so it says all itself

-- History, in the order of writing.
CREATE TABLE instance (
    tenant      text COLLATE "C" NOT NULL,
    entity      bigint NOT NULL,           -- entity.key
    attribute   integer NOT NULL,
    part        integer NOT NULL,          -- which of those that the same change left
    t           bigint NOT NULL,           -- observedAt, or modifiedAt where nothing was observed
    seq         bigint NOT NULL,           -- of the change that left it
    created_at  bigint NOT NULL,
    modified_at bigint NOT NULL,
    deleted_at  bigint,
    num         double precision,          -- a Property's value where it is a number
    observed    boolean NOT NULL,          -- t is observedAt
    whole       boolean NOT NULL,          -- num is an integer
    doc         bytea NOT NULL             -- JSON: the attribute in the internal form; without an id where it is derived
);
CREATE INDEX instance_series ON instance (entity, attribute, t);
CREATE INDEX instance_deleted ON instance (entity, attribute, deleted_at) WHERE deleted_at IS NOT NULL;

-- Notifications that somebody must still receive.
CREATE TABLE owed (
    number  bigint PRIMARY KEY,
    tenant  text COLLATE "C" NOT NULL,
    queue   text COLLATE "C" NOT NULL,
    share   smallint NOT NULL,             -- of the queues; a share is served by one worker at a time
    seq     bigint NOT NULL,
    at      bigint NOT NULL,
    payload bytea NOT NULL
);
CREATE INDEX owed_queue ON owed (queue, number);

-- What is not an entity: subscriptions, stored contexts, sessions. `number` is the order of creation.
CREATE TABLE document (
    kind   text COLLATE "C" NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    id     text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    doc    bytea NOT NULL,
    PRIMARY KEY (kind, tenant, id)
);

-- What other workers must hear of before they write again: documents that were kept or dropped, by mark 'epoch'.
CREATE TABLE document_change (
    epoch  bigint NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    id     text COLLATE "C" NOT NULL
);
CREATE INDEX document_change_epoch ON document_change (epoch);

-- The store's own numbers.
CREATE TABLE mark (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO mark (name, value) VALUES ('base', 0), ('epoch', 0);
