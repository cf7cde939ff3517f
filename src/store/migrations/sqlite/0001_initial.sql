-- 0001_initial.sql: the star that events are stored in (SQLite).
--
-- Conventions: every time is an integer, microseconds since 1970 UTC. Texts that are not there are NULL, never ''.
-- Enumerations are the numbers of audittrail.h; the view audit_trail spells them out. ASCII only.
--
-- An event is one row of audit_events; whatever repeats (who, on what, which action, which path) stands once in a
-- dimension table and is referred to by number. Numbers are never used twice (AUTOINCREMENT), because a number that
-- is given to someone else attributes one person's events to another.
--
-- Who only wants to read: SELECT * FROM audit_trail WHERE ...

-- One row about the database itself. dims_generation is raised whenever references are deleted, in the same
-- transaction; whoever remembers reference numbers must forget them when it changed.
CREATE TABLE audit_store (
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  schema_version  INTEGER NOT NULL,
  uuid            BLOB    NOT NULL CHECK (length(uuid) = 16),
  dims_generation INTEGER NOT NULL,
  created_at      INTEGER NOT NULL
);

-- One row per process that ever recorded here. last_seq is the fence that makes storage exactly-once: a batch is
-- stored only by the transaction that moves last_seq from just before the batch to its end. id_hash is the CRC32C of
-- uuid and part of every event's id.
CREATE TABLE audit_writers (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid       BLOB    NOT NULL UNIQUE CHECK (length(uuid) = 16),
  id_hash    INTEGER NOT NULL,
  last_seq   INTEGER NOT NULL,
  service    TEXT,
  host       TEXT,
  pid        INTEGER,
  version    TEXT,
  started_at INTEGER NOT NULL
);

-- Where the events of each writer and operation went (operation 0: the trail's own control records). stored and
-- dead_lettered grow in the transaction that stores the events; the others are the writer's own totals of what it
-- did not record, by reason.
CREATE TABLE audit_accounting (
  writer        INTEGER NOT NULL,
  operation     INTEGER NOT NULL,
  stored        INTEGER NOT NULL DEFAULT 0,
  dead_lettered INTEGER NOT NULL DEFAULT 0,
  level         INTEGER NOT NULL DEFAULT 0,
  excluded      INTEGER NOT NULL DEFAULT 0,
  sampled       INTEGER NOT NULL DEFAULT 0,
  rejected      INTEGER NOT NULL DEFAULT 0,
  dropped       INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (writer, operation)
) WITHOUT ROWID;

-- The dimensions. digest is the first 16 bytes of the SHA-256 over the row's parts in the order of the columns, each
-- as a 32-bit little-endian length and its bytes (absent: length 0; operation: one byte). It is what makes a row
-- unique: UNIQUE over the columns themselves would not, as NULL equals nothing.
CREATE TABLE audit_actors (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  digest      BLOB    NOT NULL UNIQUE CHECK (length(digest) = 16),
  user_id     TEXT    NOT NULL,
  user_email  TEXT,
  team_id     TEXT,
  auth_method TEXT,
  acting_as   TEXT,
  client_ip   TEXT,
  user_agent  TEXT
);
CREATE INDEX audit_actors_user_id ON audit_actors (user_id);
CREATE INDEX audit_actors_user_email ON audit_actors (user_email) WHERE user_email IS NOT NULL;
CREATE INDEX audit_actors_team_id ON audit_actors (team_id) WHERE team_id IS NOT NULL;

CREATE TABLE audit_resources (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 16),
  resource_type TEXT    NOT NULL,
  resource_id   TEXT,
  resource_name TEXT
);
CREATE INDEX audit_resources_type_id ON audit_resources (resource_type, resource_id);
CREATE INDEX audit_resources_id ON audit_resources (resource_id) WHERE resource_id IS NOT NULL;

CREATE TABLE audit_actions (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  digest    BLOB    NOT NULL UNIQUE CHECK (length(digest) = 16),
  action    TEXT    NOT NULL,
  operation INTEGER NOT NULL
);

CREATE TABLE audit_routes (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  digest         BLOB    NOT NULL UNIQUE CHECK (length(digest) = 16),
  request_method TEXT,
  request_path   TEXT
);

-- The fact: one row per event. level is the narrowest AUDIT_TRAIL_LEVEL that takes the operation; weight is
-- 1 / sampling probability; flags are the bits of enum trail_flag.
CREATE TABLE audit_events (
  id                  INTEGER PRIMARY KEY,
  timestamp           INTEGER NOT NULL,
  writer              INTEGER NOT NULL,
  seq                 INTEGER NOT NULL,
  actor               INTEGER NOT NULL,
  resource            INTEGER NOT NULL,
  action              INTEGER NOT NULL,
  route               INTEGER,
  operation           INTEGER NOT NULL,
  outcome             INTEGER NOT NULL,
  level               INTEGER NOT NULL,
  flags               INTEGER NOT NULL,
  data_classification INTEGER NOT NULL,
  requires_review     INTEGER NOT NULL,
  weight              REAL    NOT NULL,
  correlation_id      TEXT,
  request_id          TEXT,
  error_message       TEXT
);
-- The order in which events are shown and paged through; also how an event is found by its id.
CREATE INDEX audit_events_time ON audit_events (timestamp, writer, seq);
CREATE INDEX audit_events_actor ON audit_events (actor, timestamp);
CREATE INDEX audit_events_resource ON audit_events (resource, timestamp);
CREATE INDEX audit_events_correlation ON audit_events (correlation_id) WHERE correlation_id IS NOT NULL;

-- What about one event in ten carries, verbatim as it was recorded. event is audit_events.id.
CREATE TABLE audit_payloads (
  event            INTEGER PRIMARY KEY,
  old_values       TEXT,
  new_values       TEXT,
  changes          TEXT,
  context          TEXT,
  delegation_chain TEXT
);

-- The ledger: one row per transaction that moved a writer on. first_seq to last_seq without a hole between one
-- row of a writer and its next; event_count is smaller than the range when numbers were lost or dead-lettered.
CREATE TABLE audit_batches (
  id            INTEGER PRIMARY KEY,
  writer        INTEGER NOT NULL,
  first_seq     INTEGER NOT NULL,
  last_seq      INTEGER NOT NULL,
  event_count   INTEGER NOT NULL,
  min_timestamp INTEGER,
  max_timestamp INTEGER,
  recorded_at   INTEGER NOT NULL
);

-- Events that this database refused: the event as JSON, and why.
CREATE TABLE audit_dead_letters (
  writer      INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  error       TEXT,
  event       TEXT,
  PRIMARY KEY (writer, seq)
);

-- One row per event with every field by its name. id is computed: 48 bits of milliseconds, then, around the version
-- (7) and variant (binary 10) of a UUID, 32 bits of id_hash and 42 bits of seq. Restrict by timestamp_us rather than
-- by timestamp: it is the one that an index helps.
CREATE VIEW audit_trail AS
SELECT
  substr(printf('%012x', e.timestamp / 1000), 1, 8) || '-' || substr(printf('%012x', e.timestamp / 1000), 9, 4)
    || printf('-7%03x-%04x-%012x', w.id_hash >> 20, 32768 | ((w.id_hash & 1048575) >> 6),
              ((w.id_hash & 63) << 42) | (e.seq & 4398046511103)) AS id,
  strftime('%Y-%m-%dT%H:%M:%S', e.timestamp / 1000000, 'unixepoch') || printf('.%06dZ', e.timestamp % 1000000)
    AS timestamp,
  e.correlation_id,
  e.request_id,
  a.action,
  r.resource_type,
  r.resource_id,
  r.resource_name,
  u.user_id,
  u.user_email,
  u.team_id,
  u.client_ip,
  u.user_agent,
  h.request_path,
  h.request_method,
  p.old_values,
  p.new_values,
  p.changes,
  CASE e.data_classification WHEN 1 THEN 'public' WHEN 2 THEN 'internal' WHEN 3 THEN 'confidential'
    WHEN 4 THEN 'restricted' END AS data_classification,
  e.requires_review,
  e.outcome = 0 AS success,
  e.error_message,
  p.context,
  u.auth_method,
  u.acting_as,
  p.delegation_chain,
  CASE e.operation WHEN 1 THEN 'create' WHEN 2 THEN 'read' WHEN 3 THEN 'update' WHEN 4 THEN 'delete'
    WHEN 5 THEN 'execute' WHEN 6 THEN 'access' WHEN 7 THEN 'export' WHEN 8 THEN 'import' WHEN 9 THEN 'auth'
    WHEN 10 THEN 'admin' WHEN 11 THEN 'audit' WHEN 12 THEN 'other' END AS operation,
  CASE e.outcome WHEN 0 THEN 'success' WHEN 1 THEN 'failure' WHEN 2 THEN 'denied' WHEN 3 THEN 'partial'
    WHEN 4 THEN 'unknown' END AS outcome,
  CASE e.level WHEN 1 THEN 'all' WHEN 2 THEN 'writes_only' WHEN 3 THEN 'mutations_only' WHEN 4 THEN 'deletes_only'
    WHEN 5 THEN 'failures_only' END AS level,
  e.flags,
  e.weight,
  w.service,
  substr(lower(hex(w.uuid)), 1, 8) || '-' || substr(lower(hex(w.uuid)), 9, 4) || '-'
    || substr(lower(hex(w.uuid)), 13, 4) || '-' || substr(lower(hex(w.uuid)), 17, 4) || '-'
    || substr(lower(hex(w.uuid)), 21) AS writer,
  e.seq,
  e.timestamp AS timestamp_us
FROM audit_events e
JOIN audit_writers w ON w.id = e.writer
JOIN audit_actors u ON u.id = e.actor
JOIN audit_resources r ON r.id = e.resource
JOIN audit_actions a ON a.id = e.action
LEFT JOIN audit_routes h ON h.id = e.route
LEFT JOIN audit_payloads p ON p.event = e.id;
