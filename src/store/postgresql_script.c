/* postgresql_script.c -- what opening does to the schema of a PostgreSQL database, as a script for psql.
 *
 * For a database administrator who does not let a program change schemas. The script is one transaction under the lock
 * of postgresql_schema.c, looks at the version that it finds, does the steps that are missing, and notes the new
 * version: run on a database that is up to date it changes nothing. It stops at the first error, with exit code 3. */
#include "store/postgresql_store.h"

/* The lock, and what postgresql_schema.c refuses, refused here. */
static const char refuse_sql[] =
    "DO $check$ BEGIN\n"
    "  PERFORM pg_advisory_xact_lock(%d, %d);\n"
    "  IF current_setting('server_version_num')::integer < %d THEN\n"
    "    RAISE EXCEPTION 'PostgreSQL %d or later is needed';\n"
    "  END IF;\n"
    "  IF current_setting('server_encoding') <> 'UTF8' THEN\n"
    "    RAISE EXCEPTION 'the encoding of this database is %%; UTF8 is needed', current_setting('server_encoding');\n"
    "  END IF;\n"
    "  IF to_regclass('audittrail.audit_store') IS NULL AND EXISTS (SELECT FROM pg_catalog.pg_class\n"
    "      WHERE relnamespace = to_regnamespace('audittrail')) THEN\n"
    "    RAISE EXCEPTION 'the schema audittrail is one of something else';\n"
    "  END IF;\n"
    "END $check$;\n";

static const char version_sql[] = "SELECT to_regclass('audittrail.audit_store') IS NOT NULL AS there \\gset\n"
                                  "\\set version 0\n"
                                  "\\if :there\n"
                                  "SELECT schema_version AS version FROM audittrail.audit_store \\gset\n"
                                  "\\endif\n"
                                  "SELECT :version > %d AS newer \\gset\n"
                                  "\\if :newer\n"
                                  "DO $check$ BEGIN\n"
                                  "  RAISE EXCEPTION 'the schema was made by a newer audittrail; this script knows up"
                                  " to version %d';\n"
                                  "END $check$;\n"
                                  "\\endif\n";

void postgresql_script(struct buf *out)
{
    buf_printf(out,
               "-- The schema of an audit trail, version %d, from whatever version is there: psql -X -f this\n"
               "\\set ON_ERROR_STOP on\n" PG_BEGIN "\n",
               POSTGRESQL_SCHEMA_NEWEST);
    buf_printf(out, refuse_sql, PG_LOCK_CLASS, PG_LOCK_SCHEMA, POSTGRESQL_SERVER_OLDEST,
               POSTGRESQL_SERVER_OLDEST / 10000);
    buf_printf(out, version_sql, POSTGRESQL_SCHEMA_NEWEST, POSTGRESQL_SCHEMA_NEWEST);
    for (size_t i = 0; i < POSTGRESQL_SCHEMA_NEWEST; i++) {
        buf_printf(out, "\n-- ==== %s ====\n\nSELECT :version < %zu AS due \\gset\n\\if :due\n",
                   postgresql_migrations[i].name, i + 1);
        buf_append_string(out, postgresql_migrations[i].sql);
        buf_append_string(out, "\\endif\n");
    }
    buf_printf(out,
               "\nUPDATE audittrail.audit_store SET schema_version = %d WHERE schema_version < %d;\n"
               "COMMIT;\n"
               "\\echo schema version was :version and is %d\n",
               POSTGRESQL_SCHEMA_NEWEST, POSTGRESQL_SCHEMA_NEWEST, POSTGRESQL_SCHEMA_NEWEST);
}
