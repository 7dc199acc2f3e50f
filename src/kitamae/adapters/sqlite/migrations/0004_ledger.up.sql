-- What was put into the city's ledger, in the order of commits: append only. Salted commitments and public statements.
CREATE TABLE leaf (
    number INTEGER PRIMARY KEY,
    data   BLOB NOT NULL
) STRICT;

-- How far the log has come, a row for every step: with the leaf of this number it is of this size. Where a leaf stands
-- in the log follows from its place among the others of its step.
CREATE TABLE placed (
    number INTEGER PRIMARY KEY,
    size   INTEGER NOT NULL
) STRICT;
