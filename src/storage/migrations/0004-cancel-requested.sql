-- Somebody at another gateway wants the turn ended: the one that runs it looks for this mark, and ends it where its
-- answer is.

ALTER TABLE turn ADD COLUMN cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1));

CREATE INDEX turn_to_cancel ON turn (lease)
  WHERE cancel_requested = 1 AND status IN ('accepted', 'streaming');
