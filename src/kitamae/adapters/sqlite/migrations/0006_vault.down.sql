-- Personal data is never dropped on the way to an older version.
CREATE TABLE refused (
    rows INTEGER CONSTRAINT personal_data_would_be_lost_an_older_version_has_no_vault CHECK (rows = 0)
);
INSERT INTO refused SELECT (SELECT count(*) FROM vault_record) + (SELECT count(*) FROM vault_receipt);
DROP TABLE refused;
DROP TABLE vault_erased;
DROP TABLE vault_receipt;
DROP TABLE vault_record;
