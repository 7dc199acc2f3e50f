-- What a change wrote stands in its history only: `history` is the number of the first instance that it left, and `delta`
-- a JSON list that says of each of them, in their order, the verb, or what it was before it was deleted.
-- `history` NULL: a change of before, whose delta says all.
ALTER TABLE change ADD COLUMN history INTEGER;
