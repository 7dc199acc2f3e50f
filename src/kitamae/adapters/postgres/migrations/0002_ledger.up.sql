-- What was put into the city's ledger: append only. Salted commitments and public statements.
CREATE TABLE leaf (
    number bigint PRIMARY KEY,
    data   bytea NOT NULL
);

-- How far the log has come, a row for every step: with the leaf of this number it is of this size. Where a leaf stands
-- in the log follows from its place among the others of its step.
CREATE TABLE placed (
    number bigint PRIMARY KEY,
    size   bigint NOT NULL
);
