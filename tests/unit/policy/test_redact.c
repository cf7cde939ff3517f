/* test_redact.c -- secrets and oversized values leave an event, and nothing else of it changes.
 *
 * Goal:   the value of a secret key is gone wherever it stands; a value without secrets stays the very bytes that
 *         came in; every result is a JSON value within the limit, whatever came in.
 * Method: tables of a value and what becomes of it; jansson, which redaction does not use, checks every
 *         result; every prefix of a document, every limit around a cut, every allocation failing once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/sha256.h"
#include "policy/redact.h"

#define LIMIT 1024

static struct redactor *redactor;

/* Buffers grow by realloc(3), and this binary is linked so that it is ours (tests.cmake): so many calls succeed, the
 * next one does not; -1: all do. */
static int reallocs_left = -1;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
    if (reallocs_left == 0)
        return NULL;
    if (reallocs_left > 0)
        reallocs_left--;
    return __real_realloc(memory, size);
}

static int redactor_setup(void **state)
{
    (void)state;
    return (int)redactor_new(&redactor, TRAIL_TEXT("password,token,api_key,cookie,auth_headers"), LIMIT, NULL);
}

static int redactor_teardown(void **state)
{
    (void)state;
    redactor_free(redactor);
    return 0;
}

/* What became of one value, copied out. */
struct outcome {
    char    *text;
    size_t   size;
    uint32_t flags;
    bool     same_bytes; /* Still where the caller's text is. */
};

static struct outcome redact(struct trail_text text, enum event_field field)
{
    struct trail_event event = { TRAIL_EVENT_INIT };
    struct outcome     outcome = { 0 };
    struct buf         scratch;
    char               storage[64]; /* So that growing happens. */
    *event_text_at(&event, field) = text;
    buf_init(&scratch, storage, sizeof storage);
    assert_int_equal(redact_event(redactor, &event, &scratch, &outcome.flags), TRAIL_OK);
    struct trail_text result = event_text(&event, field);
    outcome.same_bytes = result.data == text.data && result.size == text.size;
    outcome.size = result.size;
    outcome.text = malloc(result.size + 1);
    assert_non_null(outcome.text);
    memcpy(outcome.text, result.data, result.size);
    outcome.text[result.size] = '\0';
    buf_done(&scratch);

    assert_true(result.size <= LIMIT);
    json_t *json = json_loadb(outcome.text, outcome.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json == NULL)
        fail_msg("not JSON: %s", outcome.text);
    json_decref(json);
    return outcome;
}

static const char *const untouched[] = {
    "{}",
    " {\n}\t",
    "{\"a\": 1.10, \"b\": 9007199254740993, \"c\": [1E300, -0, \"\\u0000\"]}",
    "{\"max_tokens\": 5, \"passwords\": 1, \"a\": \"password\", \"b\": [\"token\"], \"tokens\": {\"x\": \"y\"}}",
    "{\"\\u0070\": 1, \"api.key\": 2, \"api key\": 3, \"\": 4}",
    "{\"a\": \"password=x&user=y\"}",
};

static void a_value_without_secrets_stays_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof untouched / sizeof untouched[0]; i++) {
        struct outcome outcome = redact(trail_str(untouched[i]), EVENT_new_values);
        if (!outcome.same_bytes || outcome.flags != 0)
            fail_msg("%s became %s", untouched[i], outcome.text);
        free(outcome.text);
    }
}

#define R "\"[REDACTED]\""

static const struct json_case {
    const char *text, *expected;
} replaced[] = {
    { "{\"password\": \"x\"}", "{\"password\": " R "}" },
    { "{\"a\":1,\"Api-Key\":\"x\",\"b\":2}", "{\"a\":1,\"Api-Key\":" R ",\"b\":2}" },
    { "{\"TOKEN\" :\n 12 , \"a\": 1}", "{\"TOKEN\" :\n " R " , \"a\": 1}" },
    { "{\"token\":null}", "{\"token\":" R "}" },
    { "{\"token\":true,\"cookie\":false}", "{\"token\":" R ",\"cookie\":" R "}" },
    { "{\"auth_headers\":{\"a\":[\"x\",{\"token\":1}]},\"b\":1}", "{\"auth_headers\":" R ",\"b\":1}" },
    { "{\"cookie\":[\"a\",\"b\"]}", "{\"cookie\":" R "}" },
    { "{\"a\":[[{\"b\":{\"token\":\"x\"}}]]}", "{\"a\":[[{\"b\":{\"token\":" R "}}]]}" },
    { "{\"\\u0070assword\":\"x\"}", "{\"\\u0070assword\":" R "}" },
    { "{\"\\u0050\\u0041SSWORD\":\"x\"}", "{\"\\u0050\\u0041SSWORD\":" R "}" },
    { "{\"token\":1,\"token\":2}", "{\"token\":" R ",\"token\":" R "}" },
    { "{\"token\":\"\\\"}\",\"a\":1}", "{\"token\":" R ",\"a\":1}" },
    { "{\"changes\":{\"password\":{\"old\":\"x\",\"new\":\"y\"}}}", "{\"changes\":{\"password\":" R "}}" },
};

static void the_whole_value_of_a_secret_key_is_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++) {
        struct outcome outcome = redact(trail_str(replaced[i].text), EVENT_old_values);
        assert_string_equal(outcome.text, replaced[i].expected);
        assert_int_equal(outcome.flags, TRAIL_FLAG_REDACTED);
        free(outcome.text);
    }
}

/* Text that is no JSON object, what `_unparsed` then says, and a piece of the reason. */
static const struct unparsed_case {
    const char *text, *unparsed, *reason;
    bool        redacted;
} unparsed[] = {
    { "hello", "hello", "byte 0", false },
    { "password=x&user=y", "password=[REDACTED]&user=y", "byte 0", true },
    { "[{\"token\": 1}, 2]", "[{\"token\": \"[REDACTED]\"}, 2]", "not an object", true },
    { "[1]", "[1]", "not an object", false },
    { "\"password=x\"", "\"password=[REDACTED]", "not an object", true },
    { "17", "17", "not an object", false },
    { "{\"token\": 1, \"a\": 2,}", "{\"token\": \"[REDACTED]\", \"a\": 2,}", "byte 20", true },
    { "{\"token\": \"a\", \"password\": \"x", "{\"token\": \"[REDACTED]\", \"password\":\"[REDACTED]\"", "", true },
    { "{\"password\": {\"a\": x}, \"b\": 1}", "{\"password\":\"[REDACTED]\"", "", true },
    { "{\"password\": {\"a\": 1]}, \"token\": 1}", "{\"password\":\"[REDACTED]\"", "", true },
    { "{\"a\": \"password=x", "{\"a\": \"password=[REDACTED]", "", true },
    { "{\"a\": x, \"password\": \"y\"}", "{\"a\": x, \"password\": [REDACTED]}", "", true },
    { "{\"a\": 1} token=x", "{\"a\": 1} token=[REDACTED]", "", true },
    { "true token=x", "true token=[REDACTED]", "", true },
    { "{\"password\" \"x\"}", "{\"password\" \"[REDACTED]", "", true },
    { "   ", "   ", "", false },
    { "tab\there \"quoted\" \\ \x01", "tab\there \"quoted\" \\ \x01", "", false },
};

static void what_is_no_object_is_kept_as_redacted_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unparsed / sizeof unparsed[0]; i++) {
        struct outcome outcome = redact(trail_str(unparsed[i].text), EVENT_context);
        json_t        *json = json_loads(outcome.text, 0, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "_unparsed")), unparsed[i].unparsed);
        if (strstr(json_string_value(json_object_get(json, "_reason")), unparsed[i].reason) == NULL)
            fail_msg("%s", outcome.text);
        assert_int_equal(json_object_size(json), 2);
        assert_int_equal(outcome.flags, TRAIL_FLAG_UNPARSED | (unparsed[i].redacted ? TRAIL_FLAG_REDACTED : 0));
        json_decref(json);
        free(outcome.text);
    }
}

static void bytes_that_are_not_utf8_are_repaired_in_unparsed_text(void **state)
{
    (void)state;
    struct outcome outcome = redact((struct trail_text){ "{\"a\": \"\xFF\0\"}", 11 }, EVENT_context);
    assert_non_null(strstr(outcome.text, "\xEF\xBF\xBD\xEF\xBF\xBD"));
    assert_int_equal(outcome.flags, TRAIL_FLAG_UNPARSED | TRAIL_FLAG_REPAIRED);
    free(outcome.text);
}

static void a_delegation_chain_may_be_any_value(void **state)
{
    (void)state;
    struct outcome outcome = redact(TRAIL_TEXT("[\"a\", \"b\"]"), EVENT_delegation_chain);
    assert_true(outcome.same_bytes);
    free(outcome.text);
    outcome = redact(TRAIL_TEXT("[{\"token\": \"b\"}]"), EVENT_delegation_chain);
    assert_string_equal(outcome.text, "[{\"token\": " R "}]");
    free(outcome.text);
    outcome = redact(TRAIL_TEXT("a -> b"), EVENT_delegation_chain);
    assert_int_equal(outcome.flags, TRAIL_FLAG_UNPARSED);
    free(outcome.text);
}

/* {"a":"xxx..."} of exactly `size` bytes, a secret in front if `secret`. */
static char *object_of(size_t size, bool secret)
{
    const char *front = secret ? "{\"token\":\"SECRET\",\"a\":\"" : "{\"a\":\"";
    char       *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, front, strlen(front));
    memcpy(text + size - 2, "\"}", 3);
    return text;
}

static void the_limit_is_exact(void **state)
{
    (void)state;
    char          *text = object_of(LIMIT, false);
    struct outcome outcome = redact(trail_str(text), EVENT_new_values);
    assert_true(outcome.same_bytes);
    assert_int_equal(outcome.flags, 0);
    free(outcome.text);
    free(text);

    text = object_of(LIMIT + 1, false);
    outcome = redact(trail_str(text), EVENT_new_values);
    assert_int_equal(outcome.flags, TRAIL_FLAG_TRUNCATED);
    assert_non_null(strstr(outcome.text, "{\"_truncated\": true, \"_bytes\": 1025, \"_sha256\": \""));
    free(outcome.text);
    free(text);
}

static void an_oversized_value_is_measured_and_hashed_as_redacted(void **state)
{
    struct sha256 sha256;
    uint8_t       digest[SHA256_BYTES];
    char          hex[SHA256_HEX_SIZE];
    char          expected[256];
    (void)state;
    char *text = object_of(5000, true);

    /* SECRET becomes [REDACTED]: four bytes more. */
    char *redacted = malloc(5005);
    assert_non_null(redacted);
    assert_int_equal(snprintf(redacted, 5005, "{\"token\":\"[REDACTED]\"%s", text + strlen("{\"token\":\"SECRET\"")),
                     5004);
    assert_int_equal(sha256_init(&sha256), TRAIL_OK);
    assert_int_equal(sha256_digest(&sha256, trail_str(redacted), digest), TRAIL_OK);
    sha256_done(&sha256);
    sha256_hex(digest, hex);
    snprintf(expected, sizeof expected, "{\"_truncated\": true, \"_bytes\": 5004, \"_sha256\": \"%s\"}", hex);

    struct outcome outcome = redact(trail_str(text), EVENT_changes);
    assert_string_equal(outcome.text, expected);
    assert_int_equal(outcome.flags, TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_REDACTED);
    free(outcome.text);
    free(redacted);
    free(text);
}

static void unparsed_text_is_cut_to_the_limit_between_characters(void **state)
{
    static const char *const fillers[] = { "x", "\"", "\x01", "\n", "\xC3\xA9", "\xF0\x9F\x98\x80", "\xFF" };

    (void)state;
    for (size_t f = 0; f < sizeof fillers / sizeof fillers[0]; f++) {
        for (size_t lead = 0; lead < 8; lead++) {
            struct buf text;
            buf_init(&text, NULL, 0);
            buf_append(&text, "abcdefgh", lead);
            while (text.size < 2 * LIMIT)
                buf_append_string(&text, fillers[f]);
            struct outcome outcome = redact(buf_text(&text), EVENT_context);
            /* The limit is used: no more is left free than one escape and the room for the byte number. */
            assert_in_range(outcome.size, LIMIT - 16, LIMIT);
            assert_int_equal(outcome.flags & TRAIL_FLAG_TRUNCATED, TRAIL_FLAG_TRUNCATED);
            free(outcome.text);
            buf_done(&text);
        }
    }
}

static void no_prefix_of_a_document_gives_a_secret_away(void **state)
{
    static const char text[] = "{\"a\": [1, \"\xC3\xA9\"], \"token\": {\"x\": [\"SECRET\", \"SECRET\"]}, \"b\": "
                               "{\"p\\u0061ssword\": \"SE\\\"CRET\", \"api-key\": \"SECRET\"}, \"c\": null}";

    (void)state;
    for (size_t size = 1; size < sizeof text; size++) {
        struct outcome outcome = redact((struct trail_text){ text, size }, EVENT_context);
        assert_null(strstr(outcome.text, "SE"));
        assert_null(strstr(outcome.text, "CRET"));
        free(outcome.text);
    }
}

static void deep_nesting_costs_a_flag_and_no_secret(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, NULL, 0);
    for (int i = 0; i < 100; i++)
        buf_append_string(&text, "{\"a\":");
    buf_append_string(&text, "{\"token\":\"SECRET\"}");
    for (int i = 0; i < 100; i++)
        buf_append_string(&text, "}");
    struct outcome outcome = redact(buf_text(&text), EVENT_context);
    assert_int_equal(outcome.flags & TRAIL_FLAG_UNPARSED, TRAIL_FLAG_UNPARSED);
    assert_null(strstr(outcome.text, "SECRET"));
    free(outcome.text);
    buf_done(&text);
}

static void the_path_loses_its_query_and_nothing_is_flagged(void **state)
{
    static const struct {
        const char *path, *expected;
    } cases[] = {
        { "/a/b", "/a/b" }, { "/a?token=x", "/a" }, { "/a#b?c", "/a" }, { "/a?b#c", "/a" }, { "?x", "" }, { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trail_event event = { TRAIL_EVENT_INIT, .request_path = trail_str(cases[i].path) };
        struct buf         scratch;
        uint32_t           flags = 0;
        buf_init(&scratch, NULL, 0);
        assert_int_equal(redact_event(redactor, &event, &scratch, &flags), TRAIL_OK);
        assert_int_equal(event.request_path.size, strlen(cases[i].expected));
        assert_memory_equal(event.request_path.data, cases[i].expected, event.request_path.size);
        assert_int_equal(flags, 0);
        buf_done(&scratch);
    }
}

static void every_field_of_an_event_is_redacted_at_once(void **state)
{
    char              *large = object_of(3000, true);
    struct trail_event event = { TRAIL_EVENT_INIT,
                                 .action = TRAIL_TEXT("password=x"),
                                 .delegation_chain = TRAIL_TEXT("[{\"token\":1}]"),
                                 .old_values = TRAIL_TEXT("{\"a\":1}"),
                                 .new_values = TRAIL_TEXT("{\"password\":\"x\"}"),
                                 .changes = trail_str(large),
                                 .context = TRAIL_TEXT("token=x") };
    const char        *old_values = event.old_values.data;
    struct buf         scratch;
    uint32_t           flags = TRAIL_FLAG_CLAMPED;
    (void)state;
    buf_init(&scratch, NULL, 0);
    buf_append_string(&scratch, "left over");
    assert_int_equal(redact_event(redactor, &event, &scratch, &flags), TRAIL_OK);
    assert_ptr_equal(event.old_values.data, old_values);
    assert_memory_equal(event.delegation_chain.data, "[{\"token\":" R "}]", event.delegation_chain.size);
    assert_memory_equal(event.new_values.data, "{\"password\":" R "}", event.new_values.size);
    assert_memory_equal(event.changes.data, "{\"_truncated\": true", 19);
    assert_memory_equal(event.context.data, "{\"_unparsed\": \"token=[REDACTED]\"", 32);
    assert_memory_equal(event.action.data, "password=x", event.action.size);
    assert_int_equal(flags, TRAIL_FLAG_CLAMPED | TRAIL_FLAG_REDACTED | TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_UNPARSED);
    buf_done(&scratch);
    free(large);
}

static void out_of_memory_leaves_the_event_as_it_was(void **state)
{
    char                    *large = object_of(3000, true);
    const struct trail_event before = { TRAIL_EVENT_INIT,
                                        .old_values = TRAIL_TEXT("{\"p\\u0061ssword\":\"x\"}"),
                                        .new_values = TRAIL_TEXT("{\"password\":\"x\"}"),
                                        .changes = trail_str(large),
                                        .context = TRAIL_TEXT("no JSON"),
                                        .request_path = TRAIL_TEXT("/a?b") };
    enum trail_err           err = TRAIL_ENOMEM;
    int                      struck = 0;
    (void)state;
    for (; err != TRAIL_OK; struck++) {
        struct trail_event event = before;
        struct buf         scratch;
        uint32_t           flags = 0;
        buf_init(&scratch, NULL, 0);
        reallocs_left = struck;
        err = redact_event(redactor, &event, &scratch, &flags);
        reallocs_left = -1;
        if (err != TRAIL_OK) {
            assert_int_equal(err, TRAIL_ENOMEM);
            assert_memory_equal(&event, &before, sizeof event);
            assert_int_equal(flags, 0);
        } else {
            /* The control: with enough memory it is changed. */
            assert_memory_not_equal(&event, &before, sizeof event);
        }
        buf_done(&scratch);
    }
    print_message("memory failed %d times\n", struck - 1);
    assert_true(struck > 3);
    free(large);
}

static void limits_of_the_redactor_are_checked(void **state)
{
    struct redactor   *none = NULL;
    struct trail_error error;
    (void)state;
    assert_int_equal(redactor_new(&none, TRAIL_TEXT("a"), REDACT_VALUE_BYTES_MIN - 1, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_MAX_VALUE_BYTES"));
    char long_name[100];
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(redactor_new(&none, (struct trail_text){ long_name, sizeof long_name }, LIMIT, &error),
                     TRAIL_ECONFIG);
    assert_null(none);
    redactor_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_without_secrets_stays_the_same_bytes),
        cmocka_unit_test(the_whole_value_of_a_secret_key_is_replaced),
        cmocka_unit_test(what_is_no_object_is_kept_as_redacted_text),
        cmocka_unit_test(bytes_that_are_not_utf8_are_repaired_in_unparsed_text),
        cmocka_unit_test(a_delegation_chain_may_be_any_value),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(an_oversized_value_is_measured_and_hashed_as_redacted),
        cmocka_unit_test(unparsed_text_is_cut_to_the_limit_between_characters),
        cmocka_unit_test(no_prefix_of_a_document_gives_a_secret_away),
        cmocka_unit_test(deep_nesting_costs_a_flag_and_no_secret),
        cmocka_unit_test(the_path_loses_its_query_and_nothing_is_flagged),
        cmocka_unit_test(every_field_of_an_event_is_redacted_at_once),
        cmocka_unit_test(out_of_memory_leaves_the_event_as_it_was),
        cmocka_unit_test(limits_of_the_redactor_are_checked),
    };
    return cmocka_run_group_tests(tests, redactor_setup, redactor_teardown);
}
