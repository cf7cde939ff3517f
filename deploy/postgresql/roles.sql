-- roles.sql: who may do what in Audittrail's schema. Run it after `audittrail migrate`, as the role that ran that (the
-- owner) or as a superuser, and again after every upgrade; it may be run any number of times.
--
--   psql -v ON_ERROR_STOP=1 -f roles.sql "$DATABASE_URL_OF_THE_OWNER"
--
-- The owner is whoever migrated. Let that be a role of its own that no service uses, and no superuser, because the
-- functions below run with its rights:
--
--   CREATE ROLE audittrail_owner LOGIN;                        -- and how it authenticates
--   GRANT CREATE ON DATABASE audit TO audittrail_owner;        -- the schema, and the extension btree_gin
--   ALTER ROLE audittrail_owner CREATEROLE;                    -- only if it is to create the two roles below
--
-- Services record as a member of audittrail_writer, people and dashboards read as a member of audittrail_reader:
--
--   CREATE ROLE gateway LOGIN IN ROLE audittrail_writer;
--   CREATE ROLE auditor LOGIN IN ROLE audittrail_reader;
--
-- Days that are made later need nothing here: rows go into them, and are read, through audit_events.

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['audittrail_writer', 'audittrail_reader'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    END IF;
  END LOOP;
END $$;

-- What an earlier version of this file granted, and this one does not, goes.
REVOKE ALL ON ALL TABLES IN SCHEMA audittrail FROM PUBLIC, audittrail_writer, audittrail_reader;
DO $$
DECLARE
  ours regprocedure;
BEGIN
  -- Those of the extension belong to somebody else, who would have to revoke them.
  FOR ours IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'audittrail'::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM audittrail_writer, audittrail_reader', ours);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA audittrail TO audittrail_writer, audittrail_reader;

-- Reading: the view, and what `audittrail query`, `tail`, `stats` and `cleanup --dry-run` look at. A writer reads too:
-- what its service did last, where each writer stands, which references there are.
GRANT SELECT ON
  audittrail.audit_trail, audittrail.audit_events, audittrail.audit_events_stray, audittrail.audit_days,
  audittrail.audit_actors, audittrail.audit_resources, audittrail.audit_actions, audittrail.audit_routes,
  audittrail.audit_writers, audittrail.audit_accounting, audittrail.audit_batches, audittrail.audit_dead_letters,
  audittrail.audit_cleanups, audittrail.audit_store
TO audittrail_writer, audittrail_reader;

-- Facts, the ledger and references are inserted, and never changed or deleted.
GRANT INSERT ON
  audittrail.audit_events, audittrail.audit_events_stray, audittrail.audit_dead_letters, audittrail.audit_batches,
  audittrail.audit_actors, audittrail.audit_resources, audittrail.audit_actions, audittrail.audit_routes
TO audittrail_writer;

-- A process adds its row, and moves last_seq with every batch: the fence. Nothing else of the row changes.
GRANT INSERT, UPDATE (last_seq) ON audittrail.audit_writers TO audittrail_writer;

-- The numbers of the accounting grow with every batch.
GRANT INSERT, UPDATE (stored, dead_lettered, level, excluded, sampled, rejected, dropped)
  ON audittrail.audit_accounting TO audittrail_writer;

-- A clean-up is claimed with a row. The row is changed by the functions alone.
GRANT INSERT ON audittrail.audit_cleanups TO audittrail_writer;

-- Days are made by this function, within limits.
GRANT EXECUTE ON FUNCTION audittrail.audit_create_days(date, date) TO audittrail_writer;

-- What is too old goes through these, which keep what is younger than audit_store.keep_days. To keep more than the one
-- day that they keep by themselves, whatever a service is configured to:
--
--   UPDATE audittrail.audit_store SET keep_days = 90;
GRANT EXECUTE ON FUNCTION
  audittrail.audit_detach_day(bigint, bigint, bigint, integer),
  audittrail.audit_drop_expired(bigint, bigint, bigint, integer),
  audittrail.audit_delete_strays(bigint, bigint, bigint, integer),
  audittrail.audit_delete_dead_letters(bigint, bigint, bigint, integer),
  audittrail.audit_look_at_references(bigint, bigint, bigint, integer),
  audittrail.audit_retire_references(bigint, bigint, bigint, integer),
  audittrail.audit_delete_references(bigint, bigint, bigint, integer),
  audittrail.audit_delete_ledger(bigint, bigint, bigint, integer),
  audittrail.audit_delete_writer(bigint, bigint, bigint, integer),
  audittrail.audit_end_cleanup(bigint, bigint, timestamptz, integer),
  audittrail.audit_cleanup_safe_cut_off(bigint),
  audittrail.audit_gone_writers(timestamptz)
TO audittrail_writer;
