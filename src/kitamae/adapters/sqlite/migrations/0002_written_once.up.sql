-- What a change wrote stands in its history only: `history` is the number of its first instance, and `delta` has no
-- `after` any more. NULL: a change of before, whose delta says all.
ALTER TABLE change ADD COLUMN history INTEGER;
