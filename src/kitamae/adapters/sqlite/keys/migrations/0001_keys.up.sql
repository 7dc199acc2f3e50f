-- Data keys, wrapped by a key of the city (AES-KWP). person '': the city's own, of its blind indexes.
CREATE TABLE data_key (
    person  TEXT NOT NULL,
    klass   TEXT NOT NULL,
    version INTEGER NOT NULL,
    made    INTEGER NOT NULL,              -- microseconds since 1970, UTC
    city    TEXT NOT NULL,                 -- the id of the key that wrapped it
    key     BLOB NOT NULL,
    PRIMARY KEY (person, klass, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX data_key_city ON data_key (city);
CREATE INDEX data_key_made ON data_key (made);

-- Where a value is found: a keyed hash of it, and whose record holds it.
CREATE TABLE tag (
    tenant TEXT NOT NULL,
    field  TEXT NOT NULL,
    tag    BLOB NOT NULL,
    person TEXT NOT NULL,
    klass  TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, field, tag, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_person ON tag (person, klass);
CREATE INDEX tag_record ON tag (tenant, record);

-- What was destroyed and must stay so: carried over by every restore.
CREATE TABLE erased (
    person TEXT NOT NULL,
    klass  TEXT NOT NULL,
    upto   INTEGER NOT NULL,               -- the highest version
    at     INTEGER NOT NULL,               -- microseconds since 1970, UTC
    until  INTEGER NOT NULL,               -- until then a backup may hold the key
    PRIMARY KEY (person, klass)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_at ON erased (at);

CREATE TABLE mark (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO mark (name, value) VALUES ('latest', 0), ('rotating', 0);
