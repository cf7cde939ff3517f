/* test_postgresql_url.c -- what the URL of a PostgreSQL database says.
 *
 * Goal:   a slip is told before anything is connected to, and a password is never told with it; the hosts of a URL are
 *         taken apart only where each means by itself what it means in the list.
 * Method: tables of URLs. "hunter2" is the password, or the part of it that libpq would take for something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/postgresql_url.h"

static void urls_that_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "postgresql://u:p@h:1/d?sslmode=verify-full&sslrootcert=/x",
        "postgresql://?service=audit",
        "postgres://h/d",
        "postgresql://",
        "postgresql://h1:1,h2/d?target_session_attrs=read-write",
        "postgresql://u:p%40ss%2Fword@h/d",
        "postgresql://u:p?ss@h/d",
        "postgresql://h/d?user=audit@server",
        "postgresql://u@[::1]:5432/d",
        "postgresql://u@%2Frun%2Fpostgresql/d",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct trail_error error = { 0 };
        if (pg_check_url(good[i], &error) != TRAIL_OK)
            fail_msg("%s: %s", good[i], error.message);
    }
}

static void slips_are_told_and_passwords_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *says;
    } wrong[] = {
        { "postgresql://u:hunter2%zz@h/d", "not one that libpq takes" },
        { "postgresql://u:hunter2@[::1/d", "not one that libpq takes" },
        { "postgresql://u:hunter2@h/d?nope=hunter2", "\"nope\"" },
        { "postgresql://u:hunter2@h/d?sslmode", "\"sslmode\"" },
        { "postgresql://u:hunter2@h/d?sslmode=verify_full", "sslmode=verify_full; allowed are disable" },
        { "postgresql://u:x@hunter2@h/d", "an @ too many" },
        { "postgresql://u:1/hunter2@h/d", "write %40 for @ and %2F for /" },
        { "postgresql://u:1/x?hunter2@h/d", "not one that libpq takes" },
        { "postgresql://u:1/x?hunter2=y@h/d", "not one that libpq takes" },
        { "postgresql://u:hunter2/d", "a port that is no number" },
        { "postgresql://h:0/d", "a port that is no number" },
        { "postgresql://h:65536/d", "a port that is no number" },
        { "postgresql://h1:1,h2:x/d", "a port that is no number" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct trail_error error = { 0 };
        assert_int_equal(pg_check_url(wrong[i].url, &error), TRAIL_ECONFIG);
        if (strstr(error.message, wrong[i].says) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", wrong[i].url, error.message, wrong[i].says);
        if (strstr(error.message, "hunter2") != NULL)
            fail_msg("%s: \"%s\" shows the password", wrong[i].url, error.message);
    }
}

static void hosts_are_taken_apart(void **state)
{
    (void)state;
    struct pg_host host;
    assert_int_equal(pg_url_host("postgresql://a:1,b,c:3/d", 1, &host), 3);
    assert_string_equal(host.host, "b");
    assert_string_equal(host.port, "5432");
    assert_string_equal(host.address, "");
    assert_int_equal(pg_url_host("postgresql://a:1,b,c:3/d", 2, &host), 3);
    assert_string_equal(host.host, "c");
    assert_string_equal(host.port, "3");

    assert_int_equal(pg_url_host("postgresql://a,b/d?port=7&hostaddr=10.0.0.1,10.0.0.2", 0, &host), 2);
    assert_string_equal(host.host, "a");
    assert_string_equal(host.address, "10.0.0.1");
    assert_string_equal(host.port, ""); /* One for both. */
    assert_int_equal(pg_url_host("postgresql:///d?hostaddr=10.0.0.1,10.0.0.2", 1, &host), 2);
    assert_string_equal(host.host, "");
    assert_string_equal(host.address, "10.0.0.2");
}

static void what_libpq_is_to_take_whole(void **state)
{
    (void)state;
    static const char *const whole[] = {
        "postgresql://a/d",
        "postgresql://",
        "postgresql://?service=audit",
        "postgresql://a,/d",             /* The second is the socket. */
        "postgresql://a,b/d?hostaddr=1", /* It will say that these do not match. */
        "postgresql://a,b/d?port=1,2,3",
        "postgresql://a,b/d?target_session_attrs=prefer-standby",
        "no url",
    };
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct pg_host host;
        memset(&host, 'x', sizeof host);
        if (pg_url_host(whole[i], 0, &host) > 1)
            fail_msg("%s is taken apart", whole[i]);
        assert_string_equal(host.host, "");
        assert_string_equal(host.address, "");
        assert_string_equal(host.port, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_that_are_taken),
        cmocka_unit_test(slips_are_told_and_passwords_are_not),
        cmocka_unit_test(hosts_are_taken_apart),
        cmocka_unit_test(what_libpq_is_to_take_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
