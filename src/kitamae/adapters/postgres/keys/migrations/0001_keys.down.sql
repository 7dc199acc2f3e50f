-- Without its keys nobody's data can be read: there is no version before this one to go back to.
CREATE TABLE refused (
    keys bigint CONSTRAINT the_keys_of_persons_would_be_lost CHECK (keys = 0)
);
INSERT INTO refused SELECT count(*) FROM data_key;
DROP TABLE refused;
DROP TABLE mark;
DROP TABLE erased;
DROP TABLE tag;
DROP TABLE data_key;
