-- The ledger of conversations and turns. The unique indexes are what settles every race; the reasons for the
-- tables are in docs/decisions. All foreign keys are immediate: a deferred one would show only at COMMIT, where
-- one bad command would take its whole batch down.

CREATE TABLE instance (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  opened_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  probes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  user_id TEXT,
  title TEXT,
  -- A model's suggestion gives way to a person's title, never the other way round.
  title_by TEXT NOT NULL DEFAULT 'message' CHECK (title_by IN ('message', 'model', 'person')),
  head TEXT,
  epoch TEXT NOT NULL,
  rev INTEGER NOT NULL DEFAULT 1,
  metadata TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX conversation_by_use ON conversation (owner, user_id, last_used_at DESC, id DESC);

CREATE TABLE epoch (
  conversation TEXT NOT NULL REFERENCES conversation (id),
  id TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  profile TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;

-- A copy of a conversation's path has the same node ids, so that a node is known by both. epoch is that of the turn
-- which made it: what a conversation goes on with from there. wire is a BLOB because it is a contract about bytes: no text encoding, no JSON function may ever touch it.
CREATE TABLE node (
  conversation TEXT NOT NULL REFERENCES conversation (id),
  id TEXT NOT NULL,
  parent TEXT,
  epoch TEXT NOT NULL,
  depth INTEGER NOT NULL,
  role TEXT NOT NULL,
  wire BLOB NOT NULL,
  extra TEXT,
  prefix_hash TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (conversation, id),
  FOREIGN KEY (conversation, epoch) REFERENCES epoch (conversation, id),
  FOREIGN KEY (conversation, parent) REFERENCES node (conversation, id)
) STRICT;

CREATE INDEX node_by_parent ON node (conversation, parent);

CREATE TABLE blob (
  sha256 TEXT PRIMARY KEY,
  mime TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE node_blob (
  conversation TEXT NOT NULL,
  node TEXT NOT NULL,
  position INTEGER NOT NULL,
  sha256 TEXT NOT NULL REFERENCES blob (sha256),
  PRIMARY KEY (conversation, node, position),
  FOREIGN KEY (conversation, node) REFERENCES node (conversation, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_blob_by_blob ON node_blob (sha256);

CREATE TABLE turn (
  id TEXT PRIMARY KEY,
  conversation TEXT NOT NULL REFERENCES conversation (id),
  owner TEXT NOT NULL,
  epoch TEXT NOT NULL,
  parent_node TEXT,
  input_node TEXT NOT NULL,
  output_node TEXT,
  status TEXT NOT NULL CHECK (status IN ('accepted', 'streaming', 'completed', 'failed', 'cancelled')),
  idempotency_key TEXT,
  request_fingerprint TEXT NOT NULL,
  upstream TEXT,
  upstream_model TEXT,
  finish_reason TEXT,
  error_code TEXT,
  prompt_tokens INTEGER,
  completion_tokens INTEGER,
  cached_tokens INTEGER,
  expected_cached_tokens INTEGER,
  ttft_ms REAL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  lease TEXT NOT NULL,
  FOREIGN KEY (conversation, epoch) REFERENCES epoch (conversation, id),
  FOREIGN KEY (conversation, parent_node) REFERENCES node (conversation, id),
  FOREIGN KEY (conversation, input_node) REFERENCES node (conversation, id),
  FOREIGN KEY (conversation, output_node) REFERENCES node (conversation, id)
) STRICT;

CREATE INDEX turn_by_conversation ON turn (conversation, output_node);
CREATE UNIQUE INDEX turn_active ON turn (conversation) WHERE status IN ('accepted', 'streaming');
CREATE UNIQUE INDEX turn_idempotent ON turn (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE turn_event (
  turn TEXT NOT NULL REFERENCES turn (id),
  seq INTEGER NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (turn, seq)
) STRICT, WITHOUT ROWID;

-- The messages that a search looks at: those of the current path, entered when the head moves.
CREATE TABLE search_entry (
  conversation TEXT NOT NULL,
  node TEXT NOT NULL,
  PRIMARY KEY (conversation, node),
  FOREIGN KEY (conversation, node) REFERENCES node (conversation, id)
) STRICT, WITHOUT ROWID;

-- Which three-character pieces occur anywhere in a conversation: rules most of them out without reading a text.
-- Keyed by conversation, so that adding a message touches a few neighbouring pages, a search reads nobody else's,
-- and removing a conversation is one range. FTS5 with secure-delete took 6 ms a message to remove; this takes 10 us.
CREATE TABLE search_gram (
  conversation INTEGER NOT NULL,
  gram TEXT NOT NULL,
  PRIMARY KEY (conversation, gram)
) STRICT, WITHOUT ROWID;
