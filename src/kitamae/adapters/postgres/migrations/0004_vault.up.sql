-- Records about persons, sealed with keys that are not in this schema.
CREATE TABLE vault_record (
    tenant   text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    person   text COLLATE "C" NOT NULL,    -- opaque reference
    klass    text COLLATE "C" NOT NULL,    -- retention class: with the person it names the key,
    version  integer NOT NULL,             -- and this is the key's version
    kind     text COLLATE "C" NOT NULL,
    created  bigint NOT NULL,              -- microseconds since 1970, UTC
    modified bigint NOT NULL,
    due      bigint NOT NULL,              -- when its retention ends
    fields   bytea NOT NULL,               -- JSON: field -> base64 of form, nonce, ciphertext, tag
    PRIMARY KEY (tenant, id)
);
CREATE INDEX vault_record_person ON vault_record (person, tenant, id);
CREATE INDEX vault_record_class ON vault_record (person, klass, version);
CREATE INDEX vault_record_due ON vault_record (due);

-- Who looked. The number is that of the receipt's leaf. Where the person's keys of receipts are destroyed, person and
-- sealed are NULL: when somebody looked and why stays.
CREATE TABLE vault_receipt (
    number  bigint PRIMARY KEY,
    tenant  text COLLATE "C" NOT NULL,
    person  text COLLATE "C",
    at      bigint NOT NULL,
    who     text COLLATE "C" NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    basis   text COLLATE "C" NOT NULL,
    session text COLLATE "C" NOT NULL,     -- '' unless one looked at one's own data
    version integer NOT NULL,
    sealed  bytea                          -- the fields and the salt of the leaf
);
CREATE INDEX vault_receipt_person ON vault_receipt (person, tenant, number) WHERE person IS NOT NULL;
CREATE INDEX vault_receipt_session ON vault_receipt (person, session) WHERE session <> '';
CREATE INDEX vault_receipt_at ON vault_receipt (at);

-- Keys up to that version are destroyed: nothing that they sealed may be written any more.
CREATE TABLE vault_erased (
    person text COLLATE "C" NOT NULL,
    klass  text COLLATE "C" NOT NULL,
    upto   integer NOT NULL,
    PRIMARY KEY (person, klass)
);
