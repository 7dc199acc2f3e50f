-- An older Kitamae does not know the files: it goes back only where there are none.
CREATE TABLE refused (
    files INTEGER CONSTRAINT closed_months_stand_in_files_that_an_older_version_cannot_read CHECK (files = 0)
);
INSERT INTO refused SELECT count(*) FROM month WHERE file IS NOT NULL;
DROP TABLE refused;
DELETE FROM mark WHERE name = 'instance';
DROP TABLE forgotten;
DROP TABLE tombstone;
DROP TABLE compacted;
DROP TABLE month;
