-- 0002_retention.sql: the functions through which what is too old goes, and the little that they remember.
--
-- A process that records may not delete. It begins a run (a row of audit_cleanups, whose cut_off is the beginning of a
-- UTC day), and calls these functions in transactions of their own; they belong to the owner of the schema, look at
-- that row, and never remove what is younger than audit_store.keep_days. All have the same form:
--
--   f(run, elapsed, argument, rows_max) -> (leads, busy, removed, next)
--
-- leads: the run still is the newest; if not, nothing was done. busy: a lock was not to be had in a tenth of a second,
-- nothing was done, and it is worth another try. removed: rows, or days. next: the argument of the next call, NULL:
-- there is nothing left to do. What was removed stands in the run's row when the transaction is committed.
--
-- A day goes in three moves. It is detached from audit_events, which takes the lock that readers and writers of all
-- days share, for the few milliseconds that the catalogue needs, and never waits for it longer than a tenth of a
-- second. From then on it is a table that nobody reads or writes: its rows are counted and its references noted, some
-- at a time and without a lock that matters. Then it is dropped.

CREATE TYPE audittrail.audit_cleanup_answer AS (leads boolean, busy boolean, removed bigint, next bigint);

-- Days that were detached and not dropped yet; blocks of each are counted, and held so many events.
CREATE TABLE audittrail.audit_expired_days (
  day       date   PRIMARY KEY,
  partition text   NOT NULL,
  blocks    bigint NOT NULL DEFAULT 0,
  events    bigint NOT NULL DEFAULT 0
);

-- References that events which were removed have used, and that perhaps nothing uses any more. kind: 0 actors,
-- 1 resources, 2 actions, 3 routes. state: 0 noted; 1 no event used it when we looked; 2 retired, that is its digest
-- was changed, so that no writer finds it any more; 3 no event used it when we looked again after that, so none ever
-- will. Writers that know its number from before are kept from using it by dims_generation, which is raised when it is
-- retired. A retired reference that turned out to be in use stays as it is; its tuple then has two rows.
CREATE TABLE audittrail.audit_unused_references (
  kind  smallint NOT NULL,
  id    bigint   NOT NULL,
  state smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, id)
);
CREATE INDEX audit_unused_references_state ON audittrail.audit_unused_references (state, kind, id);

-- How far the two looks (at those in state 0, and at those in state 2) have come: newest day first, kind by kind.
-- It stands here and not with the caller, because a reference is deleted on its word.
CREATE TABLE audittrail.audit_reference_looks (
  state    smallint PRIMARY KEY,
  position bigint   NOT NULL
);
INSERT INTO audittrail.audit_reference_looks VALUES (0, 4611686018427387904), (2, 4611686018427387904);

-- Does the run lead? Then what it may remove is checked. One transaction of a clean-up at a time.
CREATE FUNCTION audittrail.audit_cleanup_leads(run bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = audittrail, pg_catalog, pg_temp AS $$
DECLARE
  newest audit_cleanups;
  kept   integer;
BEGIN
  PERFORM pg_advisory_xact_lock(1096045132, 4);
  SELECT * INTO newest FROM audit_cleanups ORDER BY id DESC LIMIT 1;
  IF newest.id IS DISTINCT FROM run OR newest.finished_at IS NOT NULL THEN
    RETURN false;
  END IF;
  SELECT keep_days INTO kept FROM audit_store;
  IF newest.cut_off > now() - make_interval(hours => 24 * kept) THEN
    RAISE EXCEPTION 'what was recorded before % may not be removed: audit_store.keep_days is %, so everything from % on stays',
      newest.cut_off, kept, now() - make_interval(hours => 24 * kept) USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN true;
END $$;

-- Events before this moment go.
CREATE FUNCTION audittrail.audit_cleanup_cut_off(run bigint) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = audittrail, pg_catalog, pg_temp
AS $$ SELECT date_trunc('day', cut_off, 'UTC') FROM audit_cleanups WHERE id = run $$;

-- Nothing that such a day's events need may go before the day does, however long it cannot be detached.
CREATE FUNCTION audittrail.audit_cleanup_safe_cut_off(run bigint) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp
AS $$ SELECT least(audit_cleanup_cut_off(run), (SELECT min(day)::timestamp AT TIME ZONE 'UTC' FROM audit_days)) $$;

-- Detach the oldest expired day behind the day `argument` (counted from 1970).
CREATE FUNCTION audittrail.audit_detach_day(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  oldest record;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  UPDATE audit_cleanups SET duration = elapsed WHERE id = run;
  SELECT day, partition INTO oldest FROM audit_days
  WHERE day - date '1970-01-01' > argument AND (day + 1)::timestamp AT TIME ZONE 'UTC' <= audit_cleanup_cut_off(run)
  ORDER BY day LIMIT 1;
  IF oldest.day IS NULL THEN
    RETURN ROW(true, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  BEGIN
    EXECUTE format('ALTER TABLE audit_events DETACH PARTITION %I', oldest.partition);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', oldest.partition, 'audit_expired_' || to_char(oldest.day, 'YYYYMMDD'));
  EXCEPTION WHEN lock_not_available THEN
    RETURN ROW(true, true, 0, oldest.day - date '1970-01-01')::audit_cleanup_answer;
  END;
  INSERT INTO audit_expired_days (day, partition)
  VALUES (oldest.day, 'audit_expired_' || to_char(oldest.day, 'YYYYMMDD'));
  UPDATE audit_cleanups SET partitions_dropped = partitions_dropped + 1 WHERE id = run;
  RETURN ROW(true, false, 1, oldest.day - date '1970-01-01')::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Count some blocks of a detached day and note the references of their events; drop the day when all are.
CREATE FUNCTION audittrail.audit_drop_expired(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms'
SET jit = off AS $$
DECLARE
  expired audit_expired_days;
  behind  bigint;
  counted bigint;
  place   text;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  UPDATE audit_cleanups SET duration = elapsed WHERE id = run;
  SELECT * INTO expired FROM audit_expired_days ORDER BY day LIMIT 1;
  IF expired.day IS NULL THEN
    RETURN ROW(true, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  IF to_regclass(quote_ident(expired.partition)) IS NULL THEN -- Somebody dropped it by hand.
    DELETE FROM audit_expired_days WHERE day = expired.day;
    RETURN ROW(true, false, 0, 0)::audit_cleanup_answer;
  END IF;
  IF expired.blocks * current_setting('block_size')::bigint < pg_relation_size(expired.partition::regclass) THEN
    behind := expired.blocks + 16384;
    place := format('FROM %I WHERE ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''', expired.partition, expired.blocks, behind);
    EXECUTE 'SELECT count(*) ' || place INTO counted;
    EXECUTE format('INSERT INTO audit_unused_references (kind, id) SELECT DISTINCT 0, actor %1$s UNION ALL '
                   'SELECT DISTINCT 1, resource %1$s UNION ALL SELECT DISTINCT 2, action %1$s UNION ALL '
                   'SELECT DISTINCT 3, route %1$s AND route IS NOT NULL ON CONFLICT DO NOTHING', place);
    UPDATE audit_expired_days SET blocks = behind, events = events + counted WHERE day = expired.day;
    RETURN ROW(true, false, 0, 0)::audit_cleanup_answer;
  END IF;
  EXECUTE format('DROP TABLE %I', expired.partition);
  DELETE FROM audit_expired_days WHERE day = expired.day;
  UPDATE audit_reference_looks SET position = 4611686018427387904 WHERE state = 0;
  UPDATE audit_cleanups SET events_deleted = events_deleted + expired.events,
    batches = batches + (expired.events > 0)::integer WHERE id = run;
  RETURN ROW(true, false, expired.events, 0)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Delete some expired events that stand in no day.
CREATE FUNCTION audittrail.audit_delete_strays(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  counted bigint;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  WITH gone AS (
    DELETE FROM audit_events_stray WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM audit_events_stray WHERE timestamp < audit_cleanup_cut_off(run) ORDER BY timestamp
      LIMIT rows_max)) RETURNING actor, resource, action, route),
  noted AS (
    INSERT INTO audit_unused_references (kind, id)
    SELECT DISTINCT used.kind, used.id
    FROM gone, LATERAL (VALUES (0, actor), (1, resource), (2, action), (3, route)) used (kind, id)
    WHERE used.id IS NOT NULL ON CONFLICT DO NOTHING)
  SELECT count(*) INTO counted FROM gone;
  UPDATE audit_reference_looks SET position = 4611686018427387904 WHERE state = 0 AND counted > 0;
  UPDATE audit_cleanups SET duration = elapsed, events_deleted = events_deleted + counted,
    batches = batches + (counted > 0)::integer WHERE id = run;
  RETURN ROW(true, false, counted, CASE WHEN counted = rows_max THEN 0 END)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Delete some expired dead letters.
CREATE FUNCTION audittrail.audit_delete_dead_letters(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  counted bigint;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  DELETE FROM audit_dead_letters WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM audit_dead_letters WHERE recorded_at < audit_cleanup_cut_off(run) LIMIT rows_max));
  GET DIAGNOSTICS counted = ROW_COUNT;
  UPDATE audit_cleanups SET duration = elapsed WHERE id = run;
  RETURN ROW(true, false, counted, CASE WHEN counted = rows_max THEN 0 END)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Look at the references in state `argument`, 0 or 2: those that an event uses are no longer noted, those that none
-- used in all the days and among the strays get the next state. One kind in one day after the other, the newest day
-- first, because there most of them are still in use; it is over as soon as none is left.
CREATE FUNCTION audittrail.audit_look_at_references(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms'
SET jit = off AS $$
DECLARE
  at      bigint;
  kinds   smallint[];
  place   record;
  ids     bigint[];
  used    bigint[];
  columns text[] := ARRAY['actor', 'resource', 'action', 'route'];
BEGIN
  IF argument NOT IN (0, 2) THEN
    RAISE EXCEPTION 'references in state % are not looked at: 0 and 2 are', argument
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  UPDATE audit_cleanups SET duration = elapsed WHERE id = run;
  LOOP
    SELECT position INTO at FROM audit_reference_looks WHERE state = argument FOR UPDATE;
    -- Kinds by themselves, so that a day that is large takes no longer than it must. Strays stand for a day beyond all.
    SELECT array_agg(kind) INTO kinds FROM (SELECT 0 AS kind UNION SELECT 1 UNION SELECT 2 UNION SELECT 3) k
    WHERE EXISTS (SELECT 1 FROM audit_unused_references r WHERE r.state = argument AND r.kind = k.kind);
    SELECT d.number * 4 + k.kind AS position, k.kind, d.partition INTO place
    FROM (SELECT (day - date '1970-01-01')::bigint AS number, partition FROM audit_days
          UNION ALL SELECT 1000000000, 'audit_events_stray') d, unnest(kinds) k (kind)
    WHERE d.number * 4 + k.kind < at ORDER BY 1 DESC LIMIT 1;
    IF place.position IS NULL THEN
      UPDATE audit_unused_references SET state = argument + 1 WHERE state = argument;
      UPDATE audit_reference_looks SET position = 4611686018427387904 WHERE state = argument;
      RETURN ROW(true, false, 0, NULL)::audit_cleanup_answer;
    END IF;
    ids := ARRAY(SELECT id FROM audit_unused_references WHERE state = argument AND kind = place.kind);
    -- Few are looked up in the index, which actions and routes have none of. Otherwise the day is read once. Which of the
    -- two is not left to the planner: it knows nothing of how many there are, and the wrong one takes hours.
    EXECUTE format(CASE WHEN place.kind < 2 AND cardinality(ids) <= 1000
                   THEN 'SELECT array_agg(id) FROM unnest($1) id WHERE EXISTS (SELECT FROM %2$I WHERE %1$I = id OFFSET 0)'
                   ELSE 'SELECT array_agg(DISTINCT %1$I) FROM %2$I WHERE %1$I = ANY ($1)' END,
                   columns[place.kind + 1], place.partition) INTO used USING ids;
    DELETE FROM audit_unused_references WHERE state = argument AND kind = place.kind AND id = ANY (used);
    UPDATE audit_reference_looks SET position = place.position WHERE state = argument;
    EXIT WHEN clock_timestamp() > now() + interval '50 ms'; -- Most days have no event, or few, of what is left.
  END LOOP;
  RETURN ROW(true, false, 0, argument)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Retire some references that nothing seemed to use. Batches hold the shared lock until they are committed: those that
-- began before this have been, when we look again; those that begin after it see the new generation. It waits for
-- batches no longer than a tenth of a second, because new ones wait behind it.
CREATE FUNCTION audittrail.audit_retire_references(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  tables text[] := ARRAY['audit_actors', 'audit_resources', 'audit_actions', 'audit_routes'];
  chosen smallint;
  ids    bigint[];
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  UPDATE audit_cleanups SET duration = elapsed WHERE id = run;
  SELECT kind INTO chosen FROM audit_unused_references WHERE state = 1 LIMIT 1;
  IF chosen IS NULL THEN
    RETURN ROW(true, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  ids := ARRAY(SELECT id FROM audit_unused_references WHERE state = 1 AND kind = chosen LIMIT least(rows_max, 1000));
  PERFORM pg_advisory_xact_lock(1096045132, 1);
  EXECUTE format('UPDATE %I SET digest = gen_random_uuid() WHERE id = ANY ($1)', tables[chosen + 1]) USING ids;
  UPDATE audit_unused_references SET state = 2 WHERE kind = chosen AND id = ANY (ids);
  UPDATE audit_reference_looks SET position = 4611686018427387904 WHERE state = 2;
  UPDATE audit_store SET dims_generation = dims_generation + 1;
  RETURN ROW(true, false, 0, 0)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Delete some retired references that nothing uses.
CREATE FUNCTION audittrail.audit_delete_references(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  tables  text[] := ARRAY['audit_actors', 'audit_resources', 'audit_actions', 'audit_routes'];
  chosen  smallint;
  ids     bigint[];
  counted bigint;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  SELECT kind INTO chosen FROM audit_unused_references WHERE state = 3 LIMIT 1;
  IF chosen IS NULL THEN
    UPDATE audit_cleanups SET duration = elapsed WHERE id = run;
    RETURN ROW(true, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  ids := ARRAY(SELECT id FROM audit_unused_references WHERE state = 3 AND kind = chosen LIMIT rows_max);
  EXECUTE format('DELETE FROM %I WHERE id = ANY ($1)', tables[chosen + 1]) USING ids;
  GET DIAGNOSTICS counted = ROW_COUNT;
  DELETE FROM audit_unused_references WHERE kind = chosen AND id = ANY (ids);
  UPDATE audit_cleanups SET duration = elapsed, references_deleted = references_deleted + counted WHERE id = run;
  RETURN ROW(true, false, counted, 0)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Delete some ledger rows: a batch's events are gone when the youngest of them is. The newest row of a writer says
-- where it stands, and stays.
CREATE FUNCTION audittrail.audit_delete_ledger(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  safe    timestamptz;
  counted bigint;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  safe := audit_cleanup_safe_cut_off(run);
  DELETE FROM audit_batches WHERE id = ANY (ARRAY(
    SELECT b.id FROM audit_batches b WHERE b.recorded_at < safe AND coalesce(b.max_timestamp < safe, true)
    AND b.last_seq < (SELECT max(n.last_seq) FROM audit_batches n WHERE n.writer = b.writer)
    ORDER BY b.recorded_at LIMIT rows_max));
  GET DIAGNOSTICS counted = ROW_COUNT;
  UPDATE audit_cleanups SET duration = elapsed, ledger_deleted = ledger_deleted + counted WHERE id = run;
  RETURN ROW(true, false, counted, CASE WHEN counted = rows_max THEN 0 END)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Which writers nothing in the store keeps: whatever they recorded is long gone.
CREATE FUNCTION audittrail.audit_gone_writers(safe timestamptz) RETURNS SETOF audittrail.audit_writers
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp AS $$
  SELECT * FROM audit_writers w WHERE w.started_at < safe
  AND NOT EXISTS (SELECT 1 FROM audit_batches b WHERE b.writer = w.id
                  AND (b.recorded_at >= safe OR b.max_timestamp >= safe))
  AND NOT EXISTS (SELECT 1 FROM audit_dead_letters d WHERE d.writer = w.id AND d.recorded_at >= safe)
$$;

-- Delete the writer with the number `argument`, if it is such a one; what it counted goes to the bucket of those that
-- are gone, so that the sums over all time stay. Whether its process lives or its spool holds something is for the
-- caller to know.
CREATE FUNCTION audittrail.audit_delete_writer(run bigint, elapsed bigint, argument bigint, rows_max integer)
RETURNS audittrail.audit_cleanup_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  gone integer;
BEGIN
  IF NOT audit_cleanup_leads(run) THEN
    RETURN ROW(false, false, 0, NULL)::audit_cleanup_answer;
  END IF;
  PERFORM 1 FROM audit_writers WHERE id = argument FOR UPDATE; -- Its fence: it stores nothing meanwhile.
  SELECT id INTO gone FROM audit_gone_writers(audit_cleanup_safe_cut_off(run)) WHERE id = argument
  AND NOT EXISTS (SELECT 1 FROM audit_dead_letters WHERE writer = argument);
  IF gone IS NOT NULL THEN
    INSERT INTO audit_accounting AS a
    SELECT 0, operation, stored, dead_lettered, level, excluded, sampled, rejected, dropped
    FROM audit_accounting WHERE writer = gone
    ON CONFLICT (writer, operation) DO UPDATE SET stored = a.stored + excluded.stored,
      dead_lettered = a.dead_lettered + excluded.dead_lettered, level = a.level + excluded.level,
      excluded = a.excluded + excluded.excluded, sampled = a.sampled + excluded.sampled,
      rejected = a.rejected + excluded.rejected, dropped = a.dropped + excluded.dropped;
    DELETE FROM audit_accounting WHERE writer = gone;
    DELETE FROM audit_batches WHERE writer = gone;
    DELETE FROM audit_writers WHERE id = gone;
  END IF;
  UPDATE audit_cleanups SET duration = elapsed, writers_deleted = writers_deleted + (gone IS NOT NULL)::integer
  WHERE id = run;
  RETURN ROW(true, false, (gone IS NOT NULL)::integer, argument)::audit_cleanup_answer;
EXCEPTION WHEN lock_not_available THEN
  RETURN ROW(true, true, 0, argument)::audit_cleanup_answer;
END $$;

-- Write down that the run is over, and keep so many runs (rows_max). What the forgotten ones deleted is added to the
-- oldest that is kept: the sum over all runs is what says how many of the stored events are still there.
CREATE FUNCTION audittrail.audit_end_cleanup(run bigint, elapsed bigint, ended timestamptz, rows_max integer)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audittrail, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  newest bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(1096045132, 4);
  UPDATE audit_cleanups SET duration = elapsed, finished_at = ended WHERE id = run AND finished_at IS NULL;
  SELECT max(id) INTO newest FROM audit_cleanups;
  UPDATE audit_cleanups SET events_deleted = events_deleted + (
    SELECT coalesce(sum(events_deleted), 0) FROM audit_cleanups WHERE id <= newest - greatest(rows_max, 2))
  WHERE id = (SELECT min(id) FROM audit_cleanups WHERE id > newest - greatest(rows_max, 2));
  DELETE FROM audit_cleanups WHERE id <= newest - greatest(rows_max, 2);
END $$;

REVOKE ALL ON FUNCTION audittrail.audit_cleanup_leads(bigint), audittrail.audit_cleanup_cut_off(bigint),
  audittrail.audit_cleanup_safe_cut_off(bigint), audittrail.audit_gone_writers(timestamptz),
  audittrail.audit_detach_day(bigint, bigint, bigint, integer),
  audittrail.audit_drop_expired(bigint, bigint, bigint, integer),
  audittrail.audit_delete_strays(bigint, bigint, bigint, integer),
  audittrail.audit_delete_dead_letters(bigint, bigint, bigint, integer),
  audittrail.audit_look_at_references(bigint, bigint, bigint, integer),
  audittrail.audit_retire_references(bigint, bigint, bigint, integer),
  audittrail.audit_delete_references(bigint, bigint, bigint, integer),
  audittrail.audit_delete_ledger(bigint, bigint, bigint, integer),
  audittrail.audit_delete_writer(bigint, bigint, bigint, integer),
  audittrail.audit_end_cleanup(bigint, bigint, timestamptz, integer) FROM PUBLIC;
