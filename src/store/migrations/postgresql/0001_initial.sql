-- 0001_initial.sql: the star that events are stored in (PostgreSQL 15 and later).
--
-- Everything stands in the schema audittrail. Texts that are not there are NULL, never ''. Enumerations are the
-- numbers of audittrail.h; the view audit_trail spells them out. ASCII only.
--
-- An event is one row of audit_events; whatever repeats (who, on what, which action, which path) stands once in a
-- dimension table and is referred to by number. Numbers are never used twice, because a number that is given to
-- someone else attributes one person's events to another.
--
-- Who only wants to read: SELECT * FROM audittrail.audit_trail WHERE ...

CREATE SCHEMA IF NOT EXISTS audittrail;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA audittrail;

-- One row about the database itself. dims_generation is raised whenever references are deleted, in the same
-- transaction; whoever remembers reference numbers must forget them when it changed. keep_days: what no clean-up may
-- delete, whatever a writer's AUDIT_TRAIL_RETENTION_DAYS says; only the owner can change it.
CREATE TABLE audittrail.audit_store (
  id              integer     PRIMARY KEY CHECK (id = 1),
  schema_version  integer     NOT NULL,
  uuid            uuid        NOT NULL,
  dims_generation bigint      NOT NULL,
  created_at      timestamptz NOT NULL,
  keep_days       integer     NOT NULL DEFAULT 1 CHECK (keep_days >= 1)
);
INSERT INTO audittrail.audit_store VALUES (1, 0, gen_random_uuid(), 1, now());

-- One row per process that ever recorded here. last_seq is the fence that makes storage exactly-once: a batch is
-- stored only by the transaction that moves last_seq from just before the batch to its end. id_hash is the CRC32C of
-- uuid and part of every event's id. It changes with every batch, so there is room for it on the page.
CREATE TABLE audittrail.audit_writers (
  id         integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid       uuid        NOT NULL UNIQUE,
  id_hash    bigint      NOT NULL,
  last_seq   bigint      NOT NULL,
  service    text,
  host       text,
  pid        bigint,
  version    text,
  started_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Where the events of each writer and operation went (operation 0: the trail's own control records). stored and
-- dead_lettered grow in the transaction that stores the events; the others are the writer's own totals of what it
-- did not record, by reason. Writer 0: those that are gone.
CREATE TABLE audittrail.audit_accounting (
  writer        integer NOT NULL,
  operation     integer NOT NULL,
  stored        bigint  NOT NULL DEFAULT 0,
  dead_lettered bigint  NOT NULL DEFAULT 0,
  level         bigint  NOT NULL DEFAULT 0,
  excluded      bigint  NOT NULL DEFAULT 0,
  sampled       bigint  NOT NULL DEFAULT 0,
  rejected      bigint  NOT NULL DEFAULT 0,
  dropped       bigint  NOT NULL DEFAULT 0,
  PRIMARY KEY (writer, operation)
) WITH (fillfactor = 50);

-- The dimensions. digest is the first 16 bytes of the SHA-256 over the row's parts in the order of the columns, each
-- as a 32-bit little-endian length and its bytes (absent: length 0; operation: one byte). It is what makes a row
-- unique: UNIQUE over the columns themselves would not, as NULL equals nothing, and a long user agent is no index key.
CREATE TABLE audittrail.audit_actors (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest      uuid   NOT NULL UNIQUE,
  user_id     text   NOT NULL,
  user_email  text,
  team_id     text,
  auth_method text,
  acting_as   text,
  client_ip   text,
  user_agent  text
);
CREATE INDEX audit_actors_user_id ON audittrail.audit_actors (user_id);
CREATE INDEX audit_actors_user_email ON audittrail.audit_actors (user_email) WHERE user_email IS NOT NULL;
CREATE INDEX audit_actors_team_id ON audittrail.audit_actors (team_id) WHERE team_id IS NOT NULL;

CREATE TABLE audittrail.audit_resources (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest        uuid   NOT NULL UNIQUE,
  resource_type text   NOT NULL,
  resource_id   text,
  resource_name text
);
CREATE INDEX audit_resources_type_id ON audittrail.audit_resources (resource_type, resource_id);
CREATE INDEX audit_resources_id ON audittrail.audit_resources (resource_id) WHERE resource_id IS NOT NULL;

CREATE TABLE audittrail.audit_actions (
  id        bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest    uuid     NOT NULL UNIQUE,
  action    text     NOT NULL,
  operation smallint NOT NULL
);

CREATE TABLE audittrail.audit_routes (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest         uuid   NOT NULL UNIQUE,
  request_method text,
  request_path   text
);

-- The fact: one row per event, in a partition per UTC day. weight is 1 / sampling probability, NULL: 1. flags are the
-- bits of enum trail_flag, NULL: none. The columns stand in the order in which they take the least room. The
-- payload, from old_values on, is verbatim as it was recorded; about one event in ten has any.
CREATE TABLE audittrail.audit_events (
  timestamp           timestamptz NOT NULL,
  seq                 bigint      NOT NULL,
  actor               bigint      NOT NULL,
  resource            bigint      NOT NULL,
  action              bigint      NOT NULL,
  route               bigint,
  writer              integer     NOT NULL,
  weight              real,
  flags               integer,
  operation           smallint    NOT NULL,
  outcome             smallint    NOT NULL,
  data_classification smallint    NOT NULL,
  requires_review     boolean     NOT NULL,
  correlation_id      text,
  request_id          text,
  error_message       text,
  old_values          text,
  new_values          text,
  changes             text,
  context             text,
  delegation_chain    text
) PARTITION BY RANGE (timestamp);
CREATE INDEX audit_events_time ON audittrail.audit_events (timestamp);
-- Twelve bits of a hash of the correlation id find it among the rows of a day that share them, one in 4,096: so
--     WHERE hashtext(correlation_id) & 4095 = hashtext('x') & 4095 AND correlation_id = 'x'
-- uses the index, and the second condition alone reads every day. (docs/adr/0008: what else was measured.)
CREATE INDEX audit_events_who_what ON audittrail.audit_events
  USING gin (actor, resource, (hashtext(correlation_id) & 4095)) WITH (fastupdate = on, gin_pending_list_limit = 4096);

-- Events that no day takes: older than the retention period, or more than two days ahead. There is no default
-- partition, because a row in it would block the creation of its day.
CREATE TABLE audittrail.audit_events_stray (LIKE audittrail.audit_events INCLUDING ALL);

-- The days there are, by the catalogue itself.
CREATE VIEW audittrail.audit_days AS
SELECT to_date(right(c.relname::text, 8), 'YYYYMMDD') AS day, c.relname::text AS partition
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'audittrail.audit_events'::regclass;

-- Make the days from first to last that are missing; returns how many. A day beyond the day after tomorrow, or more
-- than ten years back, is refused: a clock or a caller that is wrong must not fill the catalogue.
CREATE FUNCTION audittrail.audit_create_days(first date, last date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  today   date := (now() AT TIME ZONE 'UTC')::date;
  day     date;
  name    text;
  created integer := 0;
BEGIN
  IF first < today - 3660 OR last > today + 2 OR first > last THEN
    RAISE EXCEPTION 'days % to % cannot be made: from % to % they can', first, last, today - 3660, today + 2
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(1096045132, 3);
  FOR day IN SELECT generate_series(first, last, interval '1 day')::date LOOP
    name := 'audit_events_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(format('audittrail.%I', name)) IS NOT NULL;
    EXECUTE format('CREATE TABLE audittrail.%I (LIKE audittrail.audit_events INCLUDING DEFAULTS)', name);
    EXECUTE format('ALTER TABLE audittrail.audit_events ATTACH PARTITION audittrail.%I FOR VALUES FROM (%L) TO (%L)',
                   name, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    created := created + 1;
  END LOOP;
  RETURN created;
END $$;
REVOKE ALL ON FUNCTION audittrail.audit_create_days(date, date) FROM PUBLIC;

-- The ledger: one row per transaction that moved a writer on. first_seq to last_seq without a hole between one
-- row of a writer and its next; event_count is smaller than the range when numbers were lost or dead-lettered.
CREATE TABLE audittrail.audit_batches (
  id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  writer        integer     NOT NULL,
  first_seq     bigint      NOT NULL,
  last_seq      bigint      NOT NULL,
  event_count   bigint      NOT NULL,
  min_timestamp timestamptz,
  max_timestamp timestamptz,
  recorded_at   timestamptz NOT NULL
);
CREATE INDEX audit_batches_writer ON audittrail.audit_batches (writer, last_seq);
CREATE INDEX audit_batches_recorded ON audittrail.audit_batches (recorded_at);

-- Events that this database refused: the event as JSON, and why.
CREATE TABLE audittrail.audit_dead_letters (
  writer      integer     NOT NULL,
  seq         bigint      NOT NULL,
  recorded_at timestamptz NOT NULL,
  error       text,
  event       text,
  PRIMARY KEY (writer, seq)
);

-- One row per run of the clean-up, the newest last; the row is there from its start, so that several processes do not
-- clean up at once. cut_off: events before it were deleted. boot and boot_at (microseconds since that boot) are what a
-- clock that jumped is found out with. finished_at is NULL while a run goes on, and stays NULL when its process died.
-- refused: why nothing was deleted. duration in microseconds.
CREATE TABLE audittrail.audit_cleanups (
  id                 bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at         timestamptz NOT NULL,
  finished_at        timestamptz,
  cut_off            timestamptz NOT NULL,
  service            text,
  host               text,
  pid                bigint,
  boot               uuid,
  boot_at            bigint,
  events_deleted     bigint      NOT NULL DEFAULT 0,
  batches            bigint      NOT NULL DEFAULT 0,
  partitions_dropped bigint      NOT NULL DEFAULT 0,
  references_deleted bigint      NOT NULL DEFAULT 0,
  ledger_deleted     bigint      NOT NULL DEFAULT 0,
  writers_deleted    bigint      NOT NULL DEFAULT 0,
  duration           bigint      NOT NULL DEFAULT 0,
  refused            text
);

-- One row per event with every field by its name. id is computed: 48 bits of milliseconds, then, around the version
-- (7) and variant (binary 10) of a UUID, 32 bits of id_hash and 42 bits of seq. Restrict by timestamp and whole days
-- are left out; by user_id or resource_id and the indexes are used (by correlation_id: see audit_events_who_what).
-- LEFT JOIN throughout: the planner then knows that no event is lost to a join, and walks by time for the newest.
CREATE VIEW audittrail.audit_trail AS
SELECT
  (lpad(to_hex(floor(extract(epoch FROM e.timestamp) * 1000)::bigint), 12, '0') || '7'
    || lpad(to_hex(w.id_hash >> 20), 3, '0') || lpad(to_hex(32768 | ((w.id_hash & 1048575) >> 6)), 4, '0')
    || lpad(to_hex(((w.id_hash & 63) << 42) | (e.seq & 4398046511103)), 12, '0'))::uuid AS id,
  e.timestamp,
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
  e.old_values,
  e.new_values,
  e.changes,
  CASE e.data_classification WHEN 1 THEN 'public' WHEN 2 THEN 'internal' WHEN 3 THEN 'confidential'
    WHEN 4 THEN 'restricted' END AS data_classification,
  e.requires_review,
  e.outcome = 0 AS success,
  e.error_message,
  e.context,
  u.auth_method,
  u.acting_as,
  e.delegation_chain,
  CASE e.operation WHEN 1 THEN 'create' WHEN 2 THEN 'read' WHEN 3 THEN 'update' WHEN 4 THEN 'delete'
    WHEN 5 THEN 'execute' WHEN 6 THEN 'access' WHEN 7 THEN 'export' WHEN 8 THEN 'import' WHEN 9 THEN 'auth'
    WHEN 10 THEN 'admin' WHEN 11 THEN 'audit' WHEN 12 THEN 'other' END AS operation,
  CASE e.outcome WHEN 0 THEN 'success' WHEN 1 THEN 'failure' WHEN 2 THEN 'denied' WHEN 3 THEN 'partial'
    WHEN 4 THEN 'unknown' END AS outcome,
  CASE WHEN e.operation IN (2, 6) THEN 'all' WHEN e.operation = 4 THEN 'deletes_only'
    WHEN e.operation IN (3, 10, 12) THEN 'mutations_only' ELSE 'writes_only' END AS level,
  coalesce(e.flags, 0) AS flags,
  coalesce(e.weight, 1) AS weight,
  w.service,
  w.uuid AS writer,
  e.seq,
  (extract(epoch FROM e.timestamp) * 1000000)::bigint AS timestamp_us
FROM (SELECT * FROM audittrail.audit_events UNION ALL SELECT * FROM audittrail.audit_events_stray) e
LEFT JOIN audittrail.audit_writers w ON w.id = e.writer
LEFT JOIN audittrail.audit_actors u ON u.id = e.actor
LEFT JOIN audittrail.audit_resources r ON r.id = e.resource
LEFT JOIN audittrail.audit_actions a ON a.id = e.action
LEFT JOIN audittrail.audit_routes h ON h.id = e.route;
