/* test_database_url.c -- which stores are taken, and that no password is ever shown.
 *
 * Goal:   only sqlite:PATH passes, with an absolute path; every refusal says what to write.
 * Method: tables of URLs, resolved in "/tmp" and masked.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/database_url.h"
#include "base/text.h"

static void only_sqlite_paths_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *expected; /* NULL: refused. */
        const char *reason;   /* Part of it. */
    } cases[] = {
        { "sqlite:/var/lib/x.db", "sqlite:/var/lib/x.db", NULL },
        { "sqlite:x.db", "sqlite:/tmp/x.db", NULL },
        { "sqlite:./x.db", "sqlite:/tmp/x.db", NULL },
        { "postgresql://u:p@h/db?sslmode=require", "postgresql://u:p@h/db?sslmode=require", NULL },
        { "postgres://?service=audit", "postgres://?service=audit", NULL },
        { "postgresq://u:p@h/db", NULL, "postgresql://USER@HOST:PORT/DATABASE" },
        { "postgresql:db", NULL, "postgresql://USER@HOST:PORT/DATABASE" },
        { "mysql://h/db", NULL, "sqlite:PATH" },
        { "/var/lib/x.db", NULL, "sqlite:PATH" },
        { "SQLITE:x.db", NULL, "sqlite:PATH" },
        { "sqlite:", NULL, "a path must follow" },
        { "sqlite::memory:", NULL, "lost with the process" },
        { "sqlite:///x.db", NULL, "programs differ" },
        { "sqlite:/var/lib/", NULL, "directory" },
        { "", NULL, "sqlite:PATH" },
    };
    assert_int_equal(chdir("/tmp"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        struct buf reason;
        buf_init(&out, NULL, 0);
        buf_init(&reason, NULL, 0);
        enum trail_err err = database_url_resolve(trail_str(cases[i].url), &out, &reason);
        buf_append(&reason, "", 1);
        if (cases[i].expected != NULL) {
            assert_int_equal(err, TRAIL_OK);
            assert_true(text_equal(buf_text(&out), trail_str(cases[i].expected)));
            assert_int_equal(reason.size, 1);
        } else {
            assert_int_equal(err, TRAIL_EINVAL);
            assert_non_null(strstr(reason.data, cases[i].reason));
        }
        buf_done(&reason);
        buf_done(&out);
    }
}

static void passwords_are_masked_wherever_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *expected;
    } cases[] = {
        { "sqlite:/var/lib/x.db", "sqlite:/var/lib/x.db" },
        { "postgresql://user:geheim@host:5432/db", "postgresql://user:***@host:5432/db" },
        { "postgresql://user:ge/he@im@host/db", "postgresql://user:***@host/db" },
        { "postgresql://host:5432/db", "postgresql://host:5432/db" },
        { "postgresql://user@host/db", "postgresql://user@host/db" },
        { "postgresql://host/db?user=u&password=geheim&x=1", "postgresql://host/db?user=u&password=***" },
        { "postgresql://host/db?sslPassword=geheim", "postgresql://host/db?sslPassword=***" },
        { "postgresql://u:geheim@h/db?password=geheim", "postgresql://u:***@h/db?password=***" },
        { "postgresql://u:geheim/db", "postgresql://u:***/db" },
        { "postgresql://u:12heim?x=1", "postgresql://u:***?x=1" },
        { "postgresql://h1:1,h2:geheim/db", "postgresql://h1:1,h2:***/db" },
        { "postgresql://h1:1,h2,[::1]:3/db", "postgresql://h1:1,h2,[::1]:3/db" },
        { "postgresql://[::1]/db", "postgresql://[::1]/db" },
        { "postgresql://u@[::1]:5/db", "postgresql://u@[::1]:5/db" },
        { "postgresql://h/db?pass%77ord=geheim", "postgresql://h/db?***" },
        { "postgresql://h/db?x=1&%70assword=geheim", "postgresql://h/db?x=1&***" },
        { "postgresql://h/db?application_name=a%20b&x=1", "postgresql://h/db?application_name=a%20b&x=1" },
        { "postgresql://h/db?oauth_client_secret=geheim", "postgresql://h/db?oauth_client_secret=***" },
        { "postgresql://u:ge%2Fheim@h/db", "postgresql://u:***@h/db" },
        { "postgresql://", "postgresql://" },
        { "host=h password='ge heim' user=u", "host=h password=***" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        database_url_mask(trail_str(cases[i].url), &out);
        assert_true(text_equal(buf_text(&out), trail_str(cases[i].expected)));
        buf_append(&out, "", 1);
        assert_null(strstr(out.data, "heim"));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_sqlite_paths_are_taken),
        cmocka_unit_test(passwords_are_masked_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
