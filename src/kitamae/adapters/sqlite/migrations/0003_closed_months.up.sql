-- Closed months whose history stands in files. A row here comes before the file is written: from then on what is deleted
-- of that month is noted too. What stands both in the file and in `instance` counts once, as it is in `instance`.
CREATE TABLE month (
    name    TEXT PRIMARY KEY,              -- 2025-03, UTC
    low     INTEGER NOT NULL,              -- from there,
    high    INTEGER NOT NULL,              -- to before there, microseconds since 1970
    file    TEXT,                          -- in history/; NULL: there is none yet
    leaving INTEGER NOT NULL               -- 1: a file is being written, or rows that it holds may still be in `instance`
) STRICT, WITHOUT ROWID;

-- Which series have rows in which file.
CREATE TABLE compacted (
    entity    INTEGER NOT NULL,
    attribute INTEGER NOT NULL,
    month     TEXT NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (entity, attribute, month)
) STRICT, WITHOUT ROWID;

-- Instances that a file may hold and that are deleted: until the file is written anew.
CREATE TABLE tombstone (
    number INTEGER PRIMARY KEY,
    month  TEXT NOT NULL
) STRICT;
CREATE INDEX tombstone_month ON tombstone (month);

-- Entities whose history in a file is forgotten, up to an instance's number: a later entity may get the same key.
CREATE TABLE forgotten (
    month  TEXT NOT NULL,
    entity INTEGER NOT NULL,
    upto   INTEGER NOT NULL,
    PRIMARY KEY (month, entity)
) STRICT, WITHOUT ROWID;

INSERT INTO mark (name, value) VALUES ('instance', 0);
