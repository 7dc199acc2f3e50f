-- What is published stands in the log's files and is taken back from there; what is not would be lost.
CREATE TABLE refused (
    leaves INTEGER CONSTRAINT leaves_of_the_ledger_that_are_not_published_yet_would_be_lost CHECK (leaves = 0)
);
INSERT INTO refused SELECT count(*) FROM leaf WHERE number > coalesce((SELECT max(number) FROM placed), 0);
DROP TABLE refused;
DROP TABLE placed;
DROP TABLE leaf;
