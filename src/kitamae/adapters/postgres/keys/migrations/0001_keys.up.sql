-- Data keys, wrapped by a key of the city (AES-KWP). person '': the city's own, of its blind indexes.
CREATE TABLE data_key (
    person  text COLLATE "C" NOT NULL,
    klass   text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    made    bigint NOT NULL,               -- microseconds since 1970, UTC
    city    text COLLATE "C" NOT NULL,     -- the id of the key that wrapped it
    key     bytea NOT NULL,
    PRIMARY KEY (person, klass, version)
);
CREATE INDEX data_key_city ON data_key (city);
CREATE INDEX data_key_made ON data_key (made);

-- Where a value is found: a keyed hash of it, and whose record holds it.
CREATE TABLE tag (
    tenant text COLLATE "C" NOT NULL,
    field  text COLLATE "C" NOT NULL,
    tag    bytea NOT NULL,
    person text COLLATE "C" NOT NULL,
    klass  text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, field, tag, record)
);
CREATE INDEX tag_person ON tag (person, klass);
CREATE INDEX tag_record ON tag (tenant, record);

-- What was destroyed and must stay so.
CREATE TABLE erased (
    person text COLLATE "C" NOT NULL,
    klass  text COLLATE "C" NOT NULL,
    upto   integer NOT NULL,               -- the highest version
    at     bigint NOT NULL,                -- microseconds since 1970, UTC
    until  bigint NOT NULL,                -- until then a backup may hold the key
    PRIMARY KEY (person, klass)
);
CREATE INDEX erased_at ON erased (at);

CREATE TABLE mark (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO mark (name, value) VALUES ('latest', 0), ('rotating', 0);
