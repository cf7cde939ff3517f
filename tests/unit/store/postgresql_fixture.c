/* postgresql_fixture.c -- a database of the test's own on the server of the tests, and a second look at it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/postgresql_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static PGconn *connect_to(const char *url)
{
    PGconn *pg = PQconnectdb(url);
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(pg));
    PQsetNoticeProcessor(pg, ignore_notice, NULL);
    return pg;
}

static PGresult *run(PGconn *pg, const char *sql)
{
    PGresult      *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pg));
    return result;
}

/* "postgresql://postgres@127.0.0.1:5555/postgres" */
static void read_server_url(char out[256])
{
    const char *file_name = getenv("AUDITTRAIL_TEST_POSTGRESQL");
    FILE       *file = file_name != NULL ? fopen(file_name, "r") : NULL;
    if (file == NULL)
        fail_msg("AUDITTRAIL_TEST_POSTGRESQL does not name the file with the URL of a server: %s",
                 file_name != NULL ? file_name : "it is not set");
    assert_non_null(fgets(out, 256, file));
    fclose(file);
    out[strcspn(out, "\n")] = '\0';
}

void database_create(struct database *database)
{
    static int number; /* mutable: of the databases of this process */
    char       server[256];
    char       sql[128];

    read_server_url(server);
    snprintf(database->name, sizeof database->name, "unit_%ld_%d", (long)getpid(), ++number);
    database->server = connect_to(server);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", database->name);
    PQclear(run(database->server, sql));
    int size = (int)(strrchr(server, '/') - server);
    snprintf(database->url, sizeof database->url, "%.*s/%s", size, server, database->name);
    database->look = database_connect(database);
}

PGconn *database_connect(const struct database *database)
{
    PGconn *pg = connect_to(database->url);
    PQclear(run(pg, "SET search_path = audittrail, pg_catalog"));
    return pg;
}

void database_drop(struct database *database)
{
    char sql[128];
    PQfinish(database->look);
    snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", database->name);
    PQclear(run(database->server, sql));
    PQfinish(database->server);
}

void database_url_as(const struct database *database, const char *role, char out[256])
{
    const char *at = strchr(database->url, '@');
    assert_non_null(at);
    snprintf(out, 256, "postgresql://%s%s", role, at);
}

struct store *database_open_store(const struct database *database)
{
    struct store      *store = NULL;
    struct trail_error error = { 0 };
    if (store_open(&store, database->url, NULL, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return store;
}

void database_execute(const struct database *database, const char *sql)
{
    PQclear(run(database->look, sql));
}

void database_text(const struct database *database, const char *sql, char out[1024])
{
    PGresult *result = run(database->look, sql);
    bool      any = PQntuples(result) > 0 && PQnfields(result) > 0;
    snprintf(out, 1024, "%s", any ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

int64_t database_number(const struct database *database, const char *sql)
{
    char text[1024];
    database_text(database, sql, text);
    return strtoll(text, NULL, 10);
}
