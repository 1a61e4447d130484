-- The reply that a turn's failure was told in, so that a repetition of the request gets the same one. The frame that
-- clients see has neither. Both are null for turns that ended before, and where the code says all.

ALTER TABLE turn ADD COLUMN error_status INTEGER;
ALTER TABLE turn ADD COLUMN error_retry_after_ms REAL;
