/* sqlite_script.c -- what opening does to the schema of an SQLite file, as a script for sqlite3.
 *
 * It makes a new database. One that is there is left as it is: its first statement that makes a table fails, and the
 * shell stops (.bail). An older one needs no privilege that a script could spare: whoever may write to the file
 * brings it up to date by opening it. */
#include "store/sqlite_store.h"

void sqlite_script(struct buf *out)
{
    buf_printf(out,
               "-- The schema of an audit trail, version %d, for an empty file: sqlite3 FILE < this\n"
               ".bail on\n"
               "PRAGMA auto_vacuum = INCREMENTAL;\n"
               "PRAGMA journal_mode = WAL;\n"
               "BEGIN IMMEDIATE;\n",
               SQLITE_SCHEMA_NEWEST);
    for (size_t i = 0; i < SQLITE_SCHEMA_NEWEST; i++) {
        buf_printf(out, "\n-- ==== %s ====\n\n", sqlite_migrations[i].name);
        buf_append_string(out, sqlite_migrations[i].sql);
    }
    buf_printf(out,
               "\nINSERT INTO audit_store VALUES (1, %d, randomblob(16), 1,"
               " CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER));\n"
               "PRAGMA application_id = %d;\n"
               "COMMIT;\n",
               SQLITE_SCHEMA_NEWEST, SQLITE_APPLICATION_ID);
}
