-- A text stood in its document and beside it, where nobody ever read it.
ALTER TABLE instance DROP COLUMN txt;
