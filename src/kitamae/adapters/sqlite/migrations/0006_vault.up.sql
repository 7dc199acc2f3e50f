-- Records about persons, sealed with keys that are not in this file.
CREATE TABLE vault_record (
    key      INTEGER PRIMARY KEY,
    tenant   TEXT NOT NULL,
    id       TEXT NOT NULL,
    person   TEXT NOT NULL,                -- opaque reference
    klass    TEXT NOT NULL,                -- retention class: with the person it names the key,
    version  INTEGER NOT NULL,             -- and this is the key's version
    kind     TEXT NOT NULL,
    created  INTEGER NOT NULL,             -- microseconds since 1970, UTC
    modified INTEGER NOT NULL,
    due      INTEGER NOT NULL,             -- when its retention ends
    fields   BLOB NOT NULL,                -- JSON: field -> base64 of form, nonce, ciphertext, tag
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX vault_record_person ON vault_record (person, tenant, id);
CREATE INDEX vault_record_class ON vault_record (person, klass, version);
CREATE INDEX vault_record_due ON vault_record (due);

-- Who looked. The number is that of the receipt's leaf. Where the person's keys of receipts are destroyed, person and
-- sealed are NULL: when somebody looked and why stays.
CREATE TABLE vault_receipt (
    number  INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL,
    person  TEXT,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    purpose TEXT NOT NULL,
    basis   TEXT NOT NULL,
    session TEXT NOT NULL,                 -- '' unless one looked at one's own data
    version INTEGER NOT NULL,
    sealed  BLOB                           -- the fields and the salt of the leaf
) STRICT;
CREATE INDEX vault_receipt_person ON vault_receipt (person, tenant, number) WHERE person IS NOT NULL;
CREATE INDEX vault_receipt_session ON vault_receipt (person, session) WHERE session <> '';
CREATE INDEX vault_receipt_at ON vault_receipt (at);

-- Keys up to that version are destroyed: nothing that they sealed may be written any more.
CREATE TABLE vault_erased (
    person TEXT NOT NULL,
    klass  TEXT NOT NULL,
    upto   INTEGER NOT NULL,
    PRIMARY KEY (person, klass)
) STRICT, WITHOUT ROWID;
