-- Why a turn found less in the engine's cache than its conversation should have left there: null where it found it,
-- where there was nothing to find, and for turns that ended before this was told.

ALTER TABLE turn ADD COLUMN prefix_break TEXT
  CHECK (prefix_break IN ('epoch', 'eviction', 'render', 'upstream', 'unknown'));
