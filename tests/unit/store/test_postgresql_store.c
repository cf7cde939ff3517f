/* test_postgresql_store.c -- a PostgreSQL store opens, is itself, and goes without a trace.
 *
 * Goal:   the loadable object hands its table to its own version only; a store has the identity of its database;
 *         closing it leaves no session behind; a child that was forked beside an open store does not end its session.
 * Method: a real server, whose pg_stat_activity is looked at; a real fork().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audittrail.h"
#include "base/text.h"
#include "store/postgresql_fixture.h"
#include "store/postgresql_store.h"

const struct store_backend *trail_store_backend(const char *version);

static struct database    database;
static struct trail_error error;

static int create(void **state)
{
    (void)state;
    database_create(&database);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    database_drop(&database);
    return 0;
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    if (postgresql_backend.open(&store, database.url, &(struct store_open_options){ 0 }, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return store;
}

static int64_t sessions(void)
{
    return database_number(&database, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'audittrail' "
                                      "AND datname = current_database()");
}

static void wait_for_sessions(int64_t count)
{
    for (int i = 0; i < 10000 && sessions() != count; i++)
        continue;
    assert_int_equal(sessions(), count);
}

static void the_object_is_for_its_own_version(void **state)
{
    (void)state;
    assert_ptr_equal(trail_store_backend(trail_version()), &postgresql_backend);
    assert_null(trail_store_backend("0.0.0"));
}

static void the_client_library_is_named(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, NULL, 0);
    postgresql_backend.client(&line);
    assert_true(text_starts_with(buf_text(&line), trail_str("libpq      ")));
    assert_true(line.size >= strlen("libpq      15.0"));
    buf_done(&line);
}

static void identity_belongs_to_the_database(void **state)
{
    (void)state;
    struct store *store = open_store();
    struct store *second = open_store();
    assert_true(uuid_equal(store_identity(store), store_identity(second)));
    assert_int_equal(store_dialect(store), STORE_DIALECT_POSTGRESQL);
    wait_for_sessions(2);
    store_close(store);
    store_close(second);
    wait_for_sessions(0);
}

/* Does the parent's session still answer once a child has done this to the store that it inherited? */
static enum trail_err answer_after_child(void (*child_does)(struct store *store))
{
    struct store *store = open_store();
    PGresult     *row = NULL;
    pid_t         child = fork();
    int           status;
    assert_true(child >= 0);
    if (child == 0) {
        if (child_does != NULL)
            child_does(store);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    enum trail_err err = pg_run(&postgresql_store_of(store)->connection, "SELECT 1", "ask", &row, 1, NULL);
    PQclear(row);
    store_close(store);
    return err;
}

/* The drain lets go before a fork(); a child that was made behind its back must not harm the parent. */
static void a_child_lets_go_without_a_word(void **state)
{
    (void)state;
    assert_int_equal(answer_after_child(NULL), TRAIL_OK);
    assert_int_equal(answer_after_child(store_abandon), TRAIL_OK);
    wait_for_sessions(0);
}

static void control_a_child_that_closes_it_ends_the_session_of_its_parent(void **state)
{
    (void)state;
    assert_int_equal(answer_after_child(store_close), TRAIL_EAWAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_object_is_for_its_own_version),
        cmocka_unit_test(the_client_library_is_named),
        cmocka_unit_test(identity_belongs_to_the_database),
        cmocka_unit_test(a_child_lets_go_without_a_word),
        cmocka_unit_test(control_a_child_that_closes_it_ends_the_session_of_its_parent),
    };
    return cmocka_run_group_tests(tests, create, drop);
}
