/* postgresql_migrations.c -- the numbered SQL files of the PostgreSQL schema, compiled in. */
#include "store/postgresql_store.h"

#include "store/postgresql_migrations.h"

_Static_assert(sizeof postgresql_migrations / sizeof postgresql_migrations[0] == POSTGRESQL_SCHEMA_NEWEST,
               "one file per version");
