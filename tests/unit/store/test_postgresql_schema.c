/* test_postgresql_schema.c -- creating the schema in a PostgreSQL database, and whose schema it is.
 *
 * Goal:   one creator wins and the others find its work; a newer, foreign or damaged schema is left alone; who may not
 *         create it is told what to do, and can go on once somebody else has.
 * Method: real databases, changed by hand; several processes that start at the same moment; a role without rights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/postgresql_fixture.h"
#include "store/postgresql_store.h"

static struct database    database;
static struct store      *store;
static struct trail_error error;

static int create(void **state)
{
    (void)state;
    database_create(&database);
    store = NULL;
    error = (struct trail_error){ 0 };
    return 0;
}

static int drop(void **state)
{
    (void)state;
    store_close(store);
    database_drop(&database);
    return 0;
}

static enum trail_err open_as(const char *url)
{
    store_close(store);
    store = NULL;
    return postgresql_backend.open(&store, url, &(struct store_open_options){ .wait_ms = 0 }, &error);
}

static enum trail_err read_as(const char *url)
{
    store_close(store);
    store = NULL;
    return postgresql_backend.open(&store, url, &(struct store_open_options){ .read_only = true }, &error);
}

static void assert_says(const char *words)
{
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
}

static void an_empty_database_gets_the_schema_once(void **state)
{
    (void)state;
    assert_int_equal(open_as(database.url), TRAIL_OK);
    struct uuid identity = store->identity;
    assert_int_equal(store->schema_was, 0);
    assert_int_equal(database_number(&database, "SELECT schema_version FROM audit_store"), POSTGRESQL_SCHEMA_NEWEST);
    assert_int_equal(open_as(database.url), TRAIL_OK);
    assert_int_equal(store->schema_was, POSTGRESQL_SCHEMA_NEWEST);
    assert_true(uuid_equal(&identity, &store->identity));
    assert_int_equal(read_as(database.url), TRAIL_OK);
    assert_true(uuid_equal(&identity, &store->identity));
}

static void an_older_schema_is_brought_up_to_date(void **state)
{
    (void)state;
    database_execute(&database, postgresql_migrations[0].sql);
    database_execute(&database, "UPDATE audittrail.audit_store SET schema_version = 1");
    assert_int_equal(read_as(database.url), TRAIL_EAWAY);
    assert_says("schema version 1 and needs");
    assert_says("audittrail migrate");
    assert_int_equal(open_as(database.url), TRAIL_OK);
    assert_int_equal(store->schema_was, 1);
    assert_int_equal(database_number(&database, "SELECT schema_version FROM audit_store"), POSTGRESQL_SCHEMA_NEWEST);
}

static void a_newer_schema_is_refused_and_both_versions_are_named(void **state)
{
    (void)state;
    assert_int_equal(open_as(database.url), TRAIL_OK);
    database_execute(&database, "UPDATE audit_store SET schema_version = 99");
    assert_int_equal(open_as(database.url), TRAIL_EVERSION);
    assert_says("schema version 99");
    assert_says("up to 2");
    assert_int_equal(read_as(database.url), TRAIL_EVERSION);
    assert_int_equal(database_number(&database, "SELECT schema_version FROM audit_store"), 99);
}

static void what_belongs_to_others_is_left_alone(void **state)
{
    (void)state;
    database_execute(&database, "CREATE SCHEMA audittrail; CREATE TABLE audittrail.theirs (i integer)");
    assert_int_equal(open_as(database.url), TRAIL_ECONFIG);
    assert_says("one of something else");
    database_execute(&database, "DROP TABLE audittrail.theirs"); /* An empty one is one that was made for us. */
    assert_int_equal(open_as(database.url), TRAIL_OK);
    database_execute(&database, "DELETE FROM audit_store");
    assert_int_equal(open_as(database.url), TRAIL_ECORRUPT);
    assert_says("audit_store");
}

static void a_database_in_another_encoding_is_refused(void **state)
{
    (void)state;
    char url[512];
    char sql[256];
    snprintf(sql, sizeof sql, "CREATE DATABASE %s_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
             database.name);
    database_execute(&database, sql);
    snprintf(url, sizeof url, "%s_latin", database.url);
    assert_int_equal(open_as(url), TRAIL_ECONFIG);
    assert_says("LATIN1; UTF8 is needed");
    snprintf(sql, sizeof sql, "DROP DATABASE %s_latin WITH (FORCE)", database.name);
    database_execute(&database, sql);
}

static void who_may_not_create_it_is_told_who_may(void **state)
{
    (void)state;
    char url[256];
    char role[96];
    char sql[512];
    snprintf(role, sizeof role, "%s_writer", database.name);
    snprintf(sql, sizeof sql, "CREATE ROLE %s LOGIN", role);
    database_execute(&database, sql);
    database_url_as(&database, role, url);
    assert_int_equal(open_as(url), TRAIL_EAWAY);
    assert_says("this role may not change that: run `audittrail migrate`");
    assert_int_equal(read_as(url), TRAIL_EAWAY);
    assert_says("run `audittrail migrate`");

    assert_int_equal(open_as(database.url), TRAIL_OK);
    assert_int_equal(open_as(url), TRAIL_EAWAY);
    assert_says("permission denied");
    snprintf(sql, sizeof sql, "GRANT USAGE ON SCHEMA audittrail TO %s; GRANT SELECT ON audittrail.audit_store TO %s",
             role, role);
    database_execute(&database, sql);
    assert_int_equal(open_as(url), TRAIL_OK);
    store_close(store);
    store = NULL;
    snprintf(sql, sizeof sql, "DROP OWNED BY %s; DROP ROLE %s", role, role);
    database_execute(&database, sql);
}

#define CREATORS 6

static void of_several_creators_one_wins_and_the_others_find_its_work(void **state)
{
    (void)state;
    pid_t children[CREATORS];
    int   gate[2];
    char  byte;
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < CREATORS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            close(gate[1]);
            (void)!read(gate[0], &byte, 1); /* Until the other end is closed. */
            _exit(open_as(database.url) == TRAIL_OK ? 0 : 1);
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < CREATORS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_store"), 1);
    assert_int_equal(database_number(&database, "SELECT schema_version FROM audit_store"), POSTGRESQL_SCHEMA_NEWEST);
}

static void the_days_are_made_ahead_and_others_refused(void **state)
{
    (void)state;
    char text[1024];
    assert_int_equal(open_as(database.url), TRAIL_OK);
    database_execute(&database, "SET TIME ZONE 'Pacific/Auckland'");
    assert_int_equal(database_number(&database, "SELECT audit_create_days((now() AT TIME ZONE 'UTC')::date - 1, "
                                                "(now() AT TIME ZONE 'UTC')::date + 2)"),
                     4);
    assert_int_equal(database_number(&database, "SELECT audit_create_days((now() AT TIME ZONE 'UTC')::date, "
                                                "(now() AT TIME ZONE 'UTC')::date)"),
                     0);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_days WHERE day BETWEEN "
                                                "(now() AT TIME ZONE 'UTC')::date - 1 AND "
                                                "(now() AT TIME ZONE 'UTC')::date + 2"),
                     4);
    database_text(&database,
                  "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'audit_events_' || "
                  "to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')",
                  text);
    database_execute(&database, "DO $$ BEGIN PERFORM audittrail.audit_create_days('1970-01-01', '1970-01-01'); "
                                "RAISE EXCEPTION 'made'; EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$");
    database_execute(&database, "DO $$ BEGIN PERFORM audittrail.audit_create_days('2100-01-01', '2100-01-01'); "
                                "RAISE EXCEPTION 'made'; EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$");
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_days"), 4);
    if (strstr(text, "FOR VALUES FROM") == NULL)
        fail_msg("today's partition: %s", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_database_gets_the_schema_once, create, drop),
        cmocka_unit_test_setup_teardown(an_older_schema_is_brought_up_to_date, create, drop),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused_and_both_versions_are_named, create, drop),
        cmocka_unit_test_setup_teardown(what_belongs_to_others_is_left_alone, create, drop),
        cmocka_unit_test_setup_teardown(a_database_in_another_encoding_is_refused, create, drop),
        cmocka_unit_test_setup_teardown(who_may_not_create_it_is_told_who_may, create, drop),
        cmocka_unit_test_setup_teardown(of_several_creators_one_wins_and_the_others_find_its_work, create, drop),
        cmocka_unit_test_setup_teardown(the_days_are_made_ahead_and_others_refused, create, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
