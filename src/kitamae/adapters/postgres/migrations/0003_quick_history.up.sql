-- Numbers are read from the index of a series without touching its rows: figures over a year need nothing else. The
-- index can only be read alone where vacuum has been, so it comes when one in fifty rows is new, not one in five.
CREATE INDEX instance_numbers ON instance (entity, attribute, t) INCLUDE (num, observed, whole);
DROP INDEX instance_series;
ALTER TABLE instance SET (autovacuum_vacuum_insert_scale_factor = 0.02);

-- Documents of some kB are pressed with a tenth of the work, where this server has been built with it.
DO $$
BEGIN
    IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
        ALTER TABLE entity ALTER COLUMN doc SET COMPRESSION lz4;
        ALTER TABLE entity ALTER COLUMN kv SET COMPRESSION lz4;
        ALTER TABLE instance ALTER COLUMN doc SET COMPRESSION lz4;
        ALTER TABLE change ALTER COLUMN delta SET COMPRESSION lz4;
        ALTER TABLE owed ALTER COLUMN payload SET COMPRESSION lz4;
        ALTER TABLE document ALTER COLUMN doc SET COMPRESSION lz4;
    END IF;
END $$;
