-- What was taken back or ended, of ways in and duties, and must stay so: carried into whatever state is restored.
CREATE TABLE ended (
    kind  text COLLATE "C" NOT NULL,
    id    text COLLATE "C" NOT NULL,
    until bigint NOT NULL,                 -- microseconds since 1970, UTC: until then a restore could bring it back; 0: for ever
    doc   bytea NOT NULL,                  -- JSON
    PRIMARY KEY (kind, id)
);
