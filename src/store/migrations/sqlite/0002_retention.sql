-- 0002_retention.sql: what clean-ups did, and the two ways into the ledger that they and their readers need.
--
-- Conventions as in 0001_initial.sql.

-- One row per run of the clean-up, the newest last; the row is there from its start, so that several processes do not
-- clean up at once. cut_off: events before it were deleted. boot and boot_at (microseconds since that boot) are what a
-- clock that jumped is found out with. finished_at is NULL while a run goes on, and stays NULL when its process died.
-- refused: why nothing was deleted.
CREATE TABLE audit_cleanups (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at         INTEGER NOT NULL,
  finished_at        INTEGER,
  cut_off            INTEGER NOT NULL,
  service            TEXT,
  host               TEXT,
  pid                INTEGER,
  boot               BLOB,
  boot_at            INTEGER,
  events_deleted     INTEGER NOT NULL DEFAULT 0,
  batches            INTEGER NOT NULL DEFAULT 0,
  partitions_dropped INTEGER NOT NULL DEFAULT 0,
  references_deleted INTEGER NOT NULL DEFAULT 0,
  ledger_deleted     INTEGER NOT NULL DEFAULT 0,
  writers_deleted    INTEGER NOT NULL DEFAULT 0,
  duration           INTEGER NOT NULL DEFAULT 0,
  refused            TEXT
);

-- A writer's batches in order, and the newest of all: one row per batch, so they cost an event next to nothing.
CREATE INDEX audit_batches_writer ON audit_batches (writer, last_seq);
CREATE INDEX audit_batches_recorded ON audit_batches (recorded_at);
