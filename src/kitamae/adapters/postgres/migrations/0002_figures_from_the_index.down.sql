CREATE INDEX instance_series ON instance (entity, attribute, t);
DROP INDEX instance_numbers;
ALTER TABLE instance RESET (autovacuum_vacuum_insert_scale_factor);
