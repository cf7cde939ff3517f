-- roles.sql: who may do what with a trail. Run it as the owner of the schema, after `audittrail migrate`, and again after
-- each upgrade.
--
-- The roles exist already (docs/docs/manage/postgresql.md). A service records as a member of audit_writer: it adds events and
-- moves its own fence, and can neither read, change nor delete what was recorded. What is too old goes through functions
-- that belong to the owner and never delete what is younger than audit_store.keep_days. Whoever reads is a member of
-- audit_reader.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL search_path = audittrail, pg_catalog, pg_temp;

GRANT USAGE ON SCHEMA audittrail TO audit_writer, audit_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA audittrail TO audit_reader;

GRANT SELECT ON audit_store, audit_days, audit_writers, audit_accounting, audit_batches, audit_cleanups, audit_actors,
  audit_resources, audit_actions, audit_routes TO audit_writer;
GRANT INSERT ON audit_events, audit_events_stray, audit_batches, audit_dead_letters, audit_cleanups, audit_accounting,
  audit_writers, audit_actors, audit_resources, audit_actions, audit_routes TO audit_writer;
GRANT UPDATE (last_seq) ON audit_writers TO audit_writer;
GRANT UPDATE ON audit_accounting TO audit_writer;
GRANT EXECUTE ON FUNCTION audit_create_days, audit_detach_day, audit_drop_expired, audit_delete_strays,
  audit_delete_dead_letters, audit_look_at_references, audit_retire_references, audit_delete_references,
  audit_delete_ledger, audit_delete_writer, audit_end_cleanup TO audit_writer;
COMMIT;
