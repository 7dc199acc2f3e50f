CREATE INDEX instance_series ON instance (entity, attribute, t);
DROP INDEX instance_numbers;
ALTER TABLE instance RESET (autovacuum_vacuum_insert_scale_factor);
-- What is pressed already stays so: it is read as well.
ALTER TABLE entity ALTER COLUMN doc SET COMPRESSION default, ALTER COLUMN kv SET COMPRESSION default;
ALTER TABLE instance ALTER COLUMN doc SET COMPRESSION default;
ALTER TABLE change ALTER COLUMN delta SET COMPRESSION default;
ALTER TABLE owed ALTER COLUMN payload SET COMPRESSION default;
ALTER TABLE document ALTER COLUMN doc SET COMPRESSION default;
