/* test_secret.c -- secret names are found as they are meant, and text that is not JSON loses what they name.
 *
 * Goal:   no secret survives in forms, headers, broken JSON or escaped variants of them; names that only look alike
 *         are left alone.
 * Method: tables of text and expected text; lists at and over their limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/secret.h"

static struct secret_names names;

static int names_setup(void **state)
{
    (void)state;
    return (int)secret_names_init(&names, TRAIL_TEXT(" Password,token,api_key , set-cookie,,authorization,TOKEN"),
                                  NULL);
}

static int names_teardown(void **state)
{
    (void)state;
    secret_names_done(&names);
    return 0;
}

static void names_are_compared_whole_without_case_and_dash_as_underscore(void **state)
{
    static const char *const secret[] = { "password", "PASSWORD",   "Token",      "api_key",      "api-key",
                                          "API-Key",  "set_cookie", "Set-Cookie", "Authorization" };
    static const char *const plain[] = { "",          "passwords", "max_tokens", "apikey",  "tokem",
                                         "pass word", "_token",    "token_",     "api.key", "x-api-key" };

    (void)state;
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        assert_true(secret_names_has(&names, trail_str(secret[i])));
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_false(secret_names_has(&names, trail_str(plain[i])));
    assert_false(secret_names_has(&names, (struct trail_text){ "token\0", 6 }));
    assert_int_equal(names.count, 5);
}

static void lists_over_their_limits_are_refused_by_name(void **state)
{
    struct secret_names list;
    struct trail_error  error;
    struct buf          value;
    char                item[SECRET_NAME_BYTES_MAX + 1];

    (void)state;
    memset(item, 'k', sizeof item);
    assert_int_equal(secret_names_init(&list, (struct trail_text){ item, SECRET_NAME_BYTES_MAX }, &error), TRAIL_OK);
    assert_true(secret_names_has(&list, (struct trail_text){ item, SECRET_NAME_BYTES_MAX }));
    assert_false(secret_names_has(&list, (struct trail_text){ item, sizeof item }));
    secret_names_done(&list);
    assert_int_equal(secret_names_init(&list, (struct trail_text){ item, sizeof item }, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_REDACT_FIELDS"));
    assert_non_null(strstr(error.message, "kkk"));

    buf_init(&value, NULL, 0);
    for (int i = 0; i < SECRET_NAMES_MAX; i++)
        buf_printf(&value, "key_%d,", i);
    assert_int_equal(secret_names_init(&list, buf_text(&value), &error), TRAIL_OK);
    assert_int_equal(list.count, SECRET_NAMES_MAX);
    secret_names_done(&list);
    buf_append_string(&value, "last_straw");
    assert_int_equal(secret_names_init(&list, buf_text(&value), &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "last_straw"));
    buf_done(&value);

    assert_int_equal(secret_names_init(&list, TRAIL_TEXT(" , "), &error), TRAIL_OK);
    assert_int_equal(list.count, 0);
    assert_false(secret_names_has(&list, trail_str("token")));
    secret_names_done(&list);
    secret_names_done(NULL);
}

#define R SECRET_REPLACEMENT

static const struct text_case {
    const char *text;
    const char *expected; /* NULL: as it is. */
} cases[] = {
    /* Forms. */
    { "password=x&user=y", "password=" R "&user=y" },
    { "user=y&password=x", "user=y&password=" R },
    { "password=a,b;c d&user=y", "password=" R "&user=y" },
    { "password=&user=y", "password=" R "&user=y" },
    { "user[password]=x&a=b", "user[password]=" R "&a=b" },
    { "user%5Bpassword%5D=x&a=b", "user%5Bpassword%5D=" R "&a=b" },
    { "pass%77ord=x&a=b", "pass%77ord=" R "&a=b" },
    { "next=/a?password%3Dx%26b&user=y", "next=/a?password%3D" R "&user=y" },
    { "body=%7B%22token%22%3A%22x%22%2C%22a%22%3A1%7D", "body=%7B%22token%22%3A" R },
    /* Headers and settings files. */
    { "Authorization: Bearer x.y&z\nHost: h", "Authorization: " R "\nHost: h" },
    { "Host: h\r\nSet-Cookie: a=b; token=c\r\nX: y", "Host: h\r\nSet-Cookie: " R "\r\nX: y" },
    { "db.password = x\nuser = y", "db.password = " R "\nuser = y" },
    { "password=\nuser=y", "password=" R "\nuser=y" },
    { "--token=x --user=y", "--token=" R },
    { "-- token=x", "-- token=" R },
    { "password='a b' user=y", "password=" R " user=y" },
    { "password=\"a\"b user=y", "password=" R " user=y" },
    /* JSON that broke, JSON in strings. */
    { "{\"password\": \"x\", \"user\": \"y\"", "{\"password\": " R ", \"user\": \"y\"" },
    { "{\"password\": \"a\\\"b\", \"user\": 1", "{\"password\": " R ", \"user\": 1" },
    { "{\"password\": \"a\\\\\", \"user\": 1", "{\"password\": " R ", \"user\": 1" },
    { "{'password': 'x', 'user': 'y'}", "{'password': " R ", 'user': 'y'}" },
    { "{password: x, user: y}", "{password: " R },
    { "{\"password\": 12, \"user\": 1", "{\"password\": " R },
    { "{\"password\" :\n \"x\"", "{\"password\" :\n " R },
    { "{\"password\": {\"a\": \"x\"}, \"user\": 1", "{\"password\": " R },
    { "{\"password\": [\"x\"], \"user\": 1", "{\"password\": " R },
    { "{\"password\": \"x", "{\"password\": " R },
    { "{\\\"password\\\": \\\"x\\\", \\\"user\\\": 1}", "{\\\"password\\\": " R ", \\\"user\\\": 1}" },
    { "{\\\"password\\\": \\\"a\\\\\\\"b\\\", \\\"user\\\": 1}", "{\\\"password\\\": " R ", \\\"user\\\": 1}" },
    { "{\"p\\u0061ssword\": \"x\", \"user\": 1", "{\"p\\u0061ssword\": " R ", \"user\": 1" },
    { "{\"password\" \"x\"}", "{\"password\" \"" R },
    { "{\"password\" 123}", "{\"password\" " R },
    { "\"password\":\"x\"\"token\": \"y\", 1", "\"password\":" R },
    { "password=\"token\" : \"y\", 1", "password=" R ", 1" },
    { "\"password\": \"x\" \"token\": \"y\", 1", "\"password\": " R },
    { "{'password' => 'x'}", "{'password' =" R },
    { "line\\npassword=x", "line\\npassword=" R },
    { "C:\\token=x", "C:\\token=" R },
    /* What is no secret. */
    { "", NULL },
    { "max_tokens=5&user=y", NULL },
    { "the password is wrong", NULL },
    { "password", NULL },
    { "\"password\"", NULL },
    { "[\"password\", \"user\"]", NULL },
    { "100% token", NULL },
    { "a=%7&b=%zz", NULL },
    { "\\u00", NULL },
};

static void text_loses_the_values_of_secret_names(void **state)
{
    size_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf  out;
        const char *expected = cases[i].expected != NULL ? cases[i].expected : cases[i].text;
        buf_init(&out, NULL, 0);
        bool redacted = secret_redact_text(&names, trail_str(cases[i].text), &out);
        buf_append(&out, "", 1);
        assert_false(buf_failed(&out));
        if (strcmp(out.data, expected) != 0 || redacted != (cases[i].expected != NULL)) {
            print_error("%s\n  became  %s\n  not     %s\n", cases[i].text, out.data, expected);
            wrong++;
        }
        buf_done(&out);
    }
    assert_int_equal(wrong, 0);
}

static void every_cut_of_a_text_keeps_its_secret(void **state)
{
    static const char text[] =
        "{\\\"token\\\": \\\"SECRET\\\", %22api%2dkey%22%3A%22SECRET%22, \"password\" \"SECRET\"";

    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        secret_redact_text(&names, (struct trail_text){ text, size }, &out);
        buf_append(&out, "", 1);
        assert_null(strstr(out.data, "SE"));
        buf_done(&out);
    }
}

static void a_megabyte_of_secrets_takes_no_time_to_speak_of(void **state)
{
    struct buf text;
    struct buf out;
    (void)state;
    buf_init(&text, NULL, 0);
    buf_init(&out, NULL, 0);
    /* Each value has all the rest sticking to it; looked at each time anew this would take minutes. */
    while (text.size < 1024 * 1024)
        buf_append_string(&text, "token=\"a\"");
    assert_true(secret_redact_text(&names, buf_text(&text), &out));
    assert_int_equal(out.size, strlen("token=" R));
    buf_done(&text);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_whole_without_case_and_dash_as_underscore),
        cmocka_unit_test(lists_over_their_limits_are_refused_by_name),
        cmocka_unit_test(text_loses_the_values_of_secret_names),
        cmocka_unit_test(every_cut_of_a_text_keeps_its_secret),
        cmocka_unit_test(a_megabyte_of_secrets_takes_no_time_to_speak_of),
    };
    return cmocka_run_group_tests(tests, names_setup, names_teardown);
}
