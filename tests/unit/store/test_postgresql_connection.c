/* test_postgresql_connection.c -- every call to a PostgreSQL server ends, and says how.
 *
 * Goal:   answers, refusals, deadlines and interruptions are told apart; a transaction that failed leaves nothing
 *         open; a connection that is out of step is not used again; no password is ever in a message.
 * Method: a real server; a lock that the test holds makes calls wait, pg_terminate_backend() ends connections, a socket
 *         that only listens never answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "store/postgresql_connection.h"
#include "store/postgresql_fixture.h"

static struct database      database;
static struct pg_connection connection;
static struct trail_error   error;
static bool                 interrupted;

static int create(void **state)
{
    (void)state;
    const struct store_open_options options = { .interrupted = &interrupted };
    database_create(&database);
    database_execute(&database, "CREATE SCHEMA audittrail; CREATE TABLE audittrail.t (i integer PRIMARY KEY, x text)");
    interrupted = false;
    error = (struct trail_error){ 0 };
    if (pg_connect(&connection, database.url, &options, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    pg_close(&connection);
    database_drop(&database);
    return 0;
}

static void assert_says(const char *words)
{
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
}

static void assert_idle(void)
{
    assert_false(connection.broken);
    assert_int_equal(PQtransactionStatus(connection.pg), PQTRANS_IDLE);
}

static enum trail_err connect_url(const char *url, uint32_t wait_ms)
{
    struct pg_connection            other;
    const struct store_open_options options = { .wait_ms = wait_ms };
    error = (struct trail_error){ 0 };
    enum trail_err err = pg_connect(&other, url, &options, &error);
    pg_close(&other);
    return err;
}

/* ---- Connecting ---- */

static void a_url_with_a_mistake_is_not_connected_to(void **state)
{
    (void)state;
    assert_int_equal(connect_url("postgresql://u:hunter2@[::1/d", 0), TRAIL_ECONFIG);
    assert_says("postgresql://USER@HOST:PORT/DATABASE");
    assert_null(strstr(error.message, "hunter2"));
}

static void servers_that_cannot_be_used(void **state)
{
    (void)state;
    char url[512];
    assert_int_equal(connect_url("postgresql://u:hunter2@127.0.0.1:1/d", 0), TRAIL_EAWAY);
    assert_says("d at 127.0.0.1:1");
    assert_null(strstr(error.message, "hunter2"));
    snprintf(url, sizeof url, "%.*s/nowhere", (int)(strrchr(database.url, '/') - database.url), database.url);
    assert_int_equal(connect_url(url, 0), TRAIL_EAWAY);
    assert_says("database \"nowhere\" does not exist");
    snprintf(url, sizeof url, "%s?sslmode=require", database.url);
    assert_int_equal(connect_url(url, 0), TRAIL_EAWAY);
    assert_says("SSL");
}

/* It takes connections and says nothing. */
static int open_silence(int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          size = sizeof at;
    int                listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return listener;
}

static void a_server_that_does_not_answer(void **state)
{
    (void)state;
    char url[128];
    int  port;
    int  listener = open_silence(&port);
    snprintf(url, sizeof url, "postgresql://127.0.0.1:%d/d", port);
    assert_int_equal(connect_url(url, 100), TRAIL_EAWAY);
    assert_says("there is no answer");
    close(listener);
}

/* "postgresql://postgres@127.0.0.1:PORT/unit_..." with another host before it. */
static void with_host_before(int port, char out[512])
{
    const char *host = strchr(database.url, '@') + 1;
    snprintf(out, 512, "%.*s127.0.0.1:%d,%s", (int)(host - database.url), database.url, port, host);
}

static void a_host_that_does_not_answer_does_not_keep_us_from_the_next(void **state)
{
    (void)state;
    char url[512];
    char name[64];
    int  port;
    int  listener = open_silence(&port);
    with_host_before(port, url);
    if (connect_url(url, 1000) != TRAIL_OK)
        fail_msg("%s", error.message);

    /* Each of them is tried, and the last is told. */
    snprintf(url, sizeof url, "postgresql://127.0.0.1:%d,127.0.0.1:1/d", port);
    assert_int_equal(connect_url(url, 100), TRAIL_EAWAY);
    assert_says("127.0.0.1:1:");
    snprintf(url, sizeof url, "postgresql://127.0.0.1:1,127.0.0.1:%d/d", port);
    assert_int_equal(connect_url(url, 100), TRAIL_EAWAY);
    snprintf(name, sizeof name, "127.0.0.1:%d: there is no answer", port);
    assert_says(name);
    close(listener);
}

static void of_two_hosts_the_one_that_takes_writes_is_found(void **state)
{
    (void)state;
    char                            url[640];
    char                            hosts[512];
    struct pg_connection            other;
    const struct store_open_options options = { .wait_ms = 0 };
    with_host_before(1, hosts);
    snprintf(url, sizeof url, "%s?target_session_attrs=read-write", hosts);
    assert_int_equal(pg_connect(&other, url, &options, &error), TRAIL_OK);
    assert_string_equal(PQdb(other.pg), database.name);
    pg_close(&other);
    snprintf(url, sizeof url, "%s?target_session_attrs=standby", hosts);
    assert_int_equal(pg_connect(&other, url, &options, &error), TRAIL_EAWAY);
    assert_says("standby");
    pg_close(&other);
}

/* ---- Running ---- */

static void several_statements_in_one_message(void **state)
{
    (void)state;
    PGresult *results[4];
    assert_int_equal(pg_run(&connection, "SELECT 1; SELECT 2, 3; SET TIME ZONE 'UTC'", "try", results, 4, &error),
                     TRAIL_OK);
    assert_int_equal(pg_number(results[0], 0, 0, 0), 1);
    assert_int_equal(pg_number(results[1], 0, 1, 0), 3);
    assert_non_null(results[2]);
    assert_null(results[3]);
    for (size_t i = 0; i < 4; i++)
        PQclear(results[i]);
}

static void a_refusal_says_which_kind_it_is(void **state)
{
    (void)state;
    static const struct {
        const char    *sql;
        const char    *sqlstate;
        enum trail_err err;
    } cases[] = {
        { "SELECT 1/0", "22012", TRAIL_EDATA },
        { "INSERT INTO audittrail.t VALUES (1); INSERT INTO audittrail.t VALUES (1)", "23505", TRAIL_EDATA },
        { "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", "P0001", TRAIL_EDATA },
        { "SELECT * FROM audittrail.gone", "42P01", TRAIL_ECORRUPT },
        { "SET ROLE pg_monitor; SELECT * FROM audittrail.t", "42501", TRAIL_EAWAY },
        { "RESET ROLE; BEGIN READ ONLY; INSERT INTO audittrail.t VALUES (9)", "25006", TRAIL_EAWAY },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(pg_run(&connection, cases[i].sql, "try it in", NULL, 0, &error), cases[i].err);
        assert_string_equal(connection.sqlstate, cases[i].sqlstate);
        assert_says("cannot try it in");
        pg_rollback(&connection);
        assert_idle();
    }
}

static void parameters_and_a_transaction_in_one_round_trip(void **state)
{
    (void)state;
    const struct store_value  values[] = { { .kind = STORE_INTEGER, .integer = 5 },
                                           { .kind = STORE_TEXT, .text = TRAIL_TEXT("five") } };
    const struct pg_statement statements[] = {
        { "INSERT INTO t VALUES (?, ?)", values, 2 },
        { "SELECT x, current_setting('synchronous_commit') FROM t WHERE i = ?", values, 1 },
    };
    PGresult *results[2];
    assert_int_equal(pg_run_together(&connection, statements, 2, "try", results, &error), TRAIL_OK);
    assert_true(text_equal(pg_value(results[1], 0, 0).text, trail_str("five")));
    assert_true(text_equal(pg_value(results[1], 0, 1).text, trail_str("on")));
    PQclear(results[0]);
    PQclear(results[1]);
    assert_idle();
    assert_int_equal(database_number(&database, "SELECT count(*) FROM t"), 1);

    /* Nothing of a transaction that fails stays, and the connection goes on. */
    const struct pg_statement failing[] = {
        { "INSERT INTO t VALUES (6, 'six')", NULL, 0 },
        { "INSERT INTO t VALUES (?, ?)", values, 2 },
        { "INSERT INTO t VALUES (7, 'seven')", NULL, 0 },
    };
    PGresult *none[3];
    assert_int_equal(pg_run_together(&connection, failing, 3, "try", none, &error), TRAIL_EDATA);
    assert_string_equal(connection.sqlstate, "23505");
    assert_idle();
    assert_int_equal(database_number(&database, "SELECT count(*) FROM t"), 1);
}

static void reading_changes_nothing(void **state)
{
    (void)state;
    PGresult                 *rows;
    const struct pg_statement write = { "INSERT INTO t VALUES (1, 'x') RETURNING i", NULL, 0 };
    const struct pg_statement read = { "SELECT current_setting('enable_seqscan')", NULL, 0 };
    assert_int_equal(pg_read(&connection, &write, false, &rows, &error), TRAIL_EAWAY);
    assert_string_equal(connection.sqlstate, "25006");
    assert_int_equal(pg_read(&connection, &read, true, &rows, &error), TRAIL_OK);
    assert_true(text_equal(pg_value(rows, 0, 0).text, trail_str("off")));
    PQclear(rows);
    assert_int_equal(pg_read(&connection, &read, false, &rows, &error), TRAIL_OK);
    assert_true(text_equal(pg_value(rows, 0, 0).text, trail_str("on")));
    PQclear(rows);
    assert_idle();
}

/* ---- COPY ---- */

static void a_copy_is_kept_given_up_or_refused(void **state)
{
    (void)state;
    PGresult *opened[2];
    assert_int_equal(pg_run(&connection, "BEGIN; COPY audittrail.t FROM STDIN", "try", opened, 2, &error), TRAIL_OK);
    assert_int_equal(PQresultStatus(opened[1]), PGRES_COPY_IN);
    PQclear(opened[0]);
    PQclear(opened[1]);
    assert_int_equal(pg_copy_bytes(&connection, "1\tone\n2\ttwo\n", 12, &error), TRAIL_OK);
    assert_int_equal(pg_copy_end(&connection, NULL, &error), TRAIL_OK);
    assert_int_equal(pg_run(&connection, "COMMIT", "try", NULL, 0, &error), TRAIL_OK);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM t"), 2);

    assert_int_equal(pg_run(&connection, "BEGIN; COPY audittrail.t FROM STDIN", "try", NULL, 0, &error), TRAIL_OK);
    assert_int_equal(pg_copy_bytes(&connection, "3\tthree\n", 8, &error), TRAIL_OK);
    assert_int_equal(pg_copy_end(&connection, "the fence", &error), TRAIL_OK);
    pg_rollback(&connection);
    assert_idle();

    assert_int_equal(pg_run(&connection, "BEGIN; COPY audittrail.t FROM STDIN", "try", NULL, 0, &error), TRAIL_OK);
    assert_int_equal(pg_copy_bytes(&connection, "4\tfour\nfive\tfive\n", 17, &error), TRAIL_OK);
    assert_int_equal(pg_copy_end(&connection, NULL, &error), TRAIL_EDATA);
    assert_int_equal(connection.error_row, 2);
    pg_rollback(&connection);
    assert_int_equal(connection.error_row, 2);
    assert_idle();
    assert_int_equal(database_number(&database, "SELECT count(*) FROM t"), 2);
}

/* ---- Being broken off ---- */

static PGconn *hold_table(void)
{
    PGconn *holder = database_connect(&database);
    PQclear(PQexec(holder, "BEGIN; LOCK TABLE t"));
    return holder;
}

/* Interrupts once somebody waits for the lock. */
static void *interrupt(void *context)
{
    (void)context;
    while (database_number(&database, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
        continue;
    __atomic_store_n(&interrupted, true, __ATOMIC_RELEASE);
    return NULL;
}

static void an_interruption_breaks_a_call_off(void **state)
{
    (void)state;
    PGconn   *holder = hold_table();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt, NULL), 0);
    assert_int_equal(pg_run(&connection, "SELECT * FROM audittrail.t", "try", NULL, 0, &error), TRAIL_EAWAY);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_says("interrupted");
    assert_true(connection.broken);
    assert_int_equal(pg_run(&connection, "SELECT 1", "try", NULL, 0, &error), TRAIL_EAWAY);
    assert_says("must be opened again");
    PQfinish(holder);
}

static void a_lock_is_not_waited_for_without_end(void **state)
{
    (void)state;
    PGconn *holder = hold_table();
    assert_int_equal(
        pg_run(&connection, PG_BEGIN "SET LOCAL lock_timeout = '50ms'; SELECT * FROM t", "try", NULL, 0, &error),
        TRAIL_EAWAY);
    assert_string_equal(connection.sqlstate, "55P03");
    pg_rollback(&connection);
    assert_idle();
    PQfinish(holder);
}

static void a_backend_that_was_terminated(void **state)
{
    (void)state;
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 10000)", PQbackendPID(connection.pg));
    database_execute(&database, sql);
    assert_int_equal(pg_run(&connection, "SELECT 1", "ask", NULL, 0, &error), TRAIL_EAWAY);
    pg_rollback(&connection);
    assert_true(connection.broken);
    assert_int_equal(pg_check_usable(&connection, &error), TRAIL_EAWAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_url_with_a_mistake_is_not_connected_to, create, drop),
        cmocka_unit_test_setup_teardown(servers_that_cannot_be_used, create, drop),
        cmocka_unit_test_setup_teardown(a_server_that_does_not_answer, create, drop),
        cmocka_unit_test_setup_teardown(a_host_that_does_not_answer_does_not_keep_us_from_the_next, create, drop),
        cmocka_unit_test_setup_teardown(of_two_hosts_the_one_that_takes_writes_is_found, create, drop),
        cmocka_unit_test_setup_teardown(several_statements_in_one_message, create, drop),
        cmocka_unit_test_setup_teardown(a_refusal_says_which_kind_it_is, create, drop),
        cmocka_unit_test_setup_teardown(parameters_and_a_transaction_in_one_round_trip, create, drop),
        cmocka_unit_test_setup_teardown(reading_changes_nothing, create, drop),
        cmocka_unit_test_setup_teardown(a_copy_is_kept_given_up_or_refused, create, drop),
        cmocka_unit_test_setup_teardown(an_interruption_breaks_a_call_off, create, drop),
        cmocka_unit_test_setup_teardown(a_lock_is_not_waited_for_without_end, create, drop),
        cmocka_unit_test_setup_teardown(a_backend_that_was_terminated, create, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
