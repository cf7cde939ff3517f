/* test_json.c -- the pull reader takes RFC 8259 in UTF-8 and nothing else, and says where it stopped.
 *
 * Goal:   every rule of the grammar has a text that keeps it and a text that breaks it.
 * Method: tables of texts; tokens are written down as one letter each; verdicts on whole texts are compared with
 *         jansson's, an independent implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_equal.h"
#include "base/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A letter per token, in the order of enum json_token. */
static const char token_letters[] = "!.{}[]ks0tfn";

/* The tokens of `text` as letters, the final one included. */
static void tokens_of(struct json_reader *reader, struct trail_text text, struct buf *out)
{
    json_start(reader, text);
    for (;;) {
        enum json_token token = json_next(reader);
        buf_append(out, &token_letters[token], 1);
        if (token == JSON_ERROR || token == JSON_END)
            break;
    }
    buf_append(out, "", 1);
}

static void texts_become_these_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *tokens;
    } cases[] = {
        { "{}", "{}." },
        { " [ ] ", "[]." },
        { "{\"a\":1}", "{k0}." },
        { "{ \"a\" : [ true , false , null ] , \"b\" : { } }", "{k[tfn]k{}}." },
        { "\t\r\n\"text\"\n", "s." },
        { "-0.5e+10", "0." },
        { "0", "0." },
        { "[[[1],2],3]", "[[[0]0]0]." },
        { "{\"a\":{\"b\":{\"c\":\"d\"}}}", "{k{k{ks}}}." },
        { "[\"a\",]", "[s!" },
        { "{\"a\":1,}", "{k0!" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_reader reader;
        struct buf         seen;
        buf_init(&seen, NULL, 0);
        tokens_of(&reader, trail_str(cases[i].text), &seen);
        assert_string_equal(seen.data, cases[i].tokens);
        buf_done(&seen);
    }
}

struct wrong_text {
    const char *text;
    size_t      position;
    const char *error;
};

static void assert_refused(const struct wrong_text *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json_reader reader;
        struct buf         seen;
        buf_init(&seen, NULL, 0);
        tokens_of(&reader, trail_str(cases[i].text), &seen);
        if (reader.error == NULL || strcmp(reader.error, cases[i].error) != 0 || reader.position != cases[i].position)
            fail_msg("%s: \"%s\" at %zu", cases[i].text, reader.error != NULL ? reader.error : "no error",
                     reader.position);
        assert_int_equal(json_next(&reader), JSON_ERROR);
        buf_done(&seen);
    }
}

static void wrong_texts_are_refused_where_they_go_wrong(void **state)
{
    (void)state;
    static const struct wrong_text cases[] = {
        { "", 0, "a value is missing" },
        { "   ", 3, "a value is missing" },
        { "\xEF\xBB\xBF{}", 0, "a value is missing" }, /* A byte order mark. */
        { "{", 1, "the name of a member is missing" },
        { "[", 1, "a value is missing" },
        { "}", 0, "a value is missing" },
        { "{\"a\"}", 4, "a colon is missing" },
        { "{\"a\" 1}", 5, "a colon is missing" },
        { "{\"a\":}", 5, "a value is missing" },
        { "{a:1}", 1, "the name of a member is missing" },
        { "{\"a\":1 \"b\":2}", 7, "a comma or a closing bracket is missing" },
        { "{\"a\":1,}", 7, "the name of a member is missing" },
        { "[1,]", 3, "a value is missing" },
        { "[1,,2]", 3, "a value is missing" },
        { "[1}", 2, "a comma or a closing bracket is missing" },
        { "{\"a\":1]", 6, "a comma or a closing bracket is missing" },
        { "{} {}", 3, "there is text behind the value" },
        { "truex", 4, "there is text behind the value" },
        { "tru", 0, "a value is not one of JSON's" },
        { "nul", 0, "a value is not one of JSON's" },
        { "True", 0, "a value is missing" },
        { "NaN", 0, "a value is missing" },
        { "'a'", 0, "a value is missing" },
        { "01", 0, "a number starts with a zero" },
        { "-", 1, "a number has no digits" },
        { "-a", 1, "a number has no digits" },
        { "+1", 0, "a value is missing" },
        { ".5", 0, "a value is missing" },
        { "1.", 1, "a number has no digits behind its point" },
        { "1.e5", 1, "a number has no digits behind its point" },
        { "1e", 1, "a number has no digits in its exponent" },
        { "1e+", 1, "a number has no digits in its exponent" },
        { "0x10", 1, "there is text behind the value" },
        { "[1 /* no */]", 3, "a comma or a closing bracket is missing" },
    };
    assert_refused(cases, COUNT_OF(cases));
}

static void wrong_strings_are_refused_where_they_go_wrong(void **state)
{
    (void)state;
    static const struct wrong_text cases[] = {
        { "\"abc", 0, "a string is not closed" },
        { "\"", 0, "a string is not closed" },
        { "\"abc\\\"", 0, "a string is not closed" },
        { "\"abc\\", 4, "an escape is not one of JSON's" },
        { "\"a\tb\"", 2, "a control character in a string is not escaped" },
        { "\"12345678\nb\"", 9, "a control character in a string is not escaped" },
        { "\"\\x41\"", 1, "an escape is not one of JSON's" },
        { "\"\\u12\"", 1, "an escape is not one of JSON's" },
        { "\"\\u12G4\"", 1, "an escape is not one of JSON's" },
        { "\"\\U1234\"", 1, "an escape is not one of JSON's" },
        { "\"\\ud83d\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ud83dx\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ud83d\\n\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ud83d\\u0041\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ud83d\\udbff\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ud83d\\ue000\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ude00\"", 1, "an escape is half of a surrogate pair" },
        { "\"\\ude00\\ud83d\"", 1, "an escape is half of a surrogate pair" },
        { "\"a\xFF\"", 2, "a string is not UTF-8" },
        { "\"a\xC3\"", 2, "a string is not UTF-8" },
        { "\"a\xC0\x80\"", 2, "a string is not UTF-8" },
        { "\"a\xED\xA0\x80\"", 2, "a string is not UTF-8" },
        { "\"a\xF4\x90\x80\x80\"", 2, "a string is not UTF-8" },
        { "{\"\xFF\":1}", 2, "a string is not UTF-8" },
    };
    assert_refused(cases, COUNT_OF(cases));
}

static void nul_bytes_are_refused_everywhere(void **state)
{
    (void)state;
    static const struct trail_text cases[] = {
        { "\0", 1 },   { "1\0", 2 }, { "\"a\0b\"", 5 }, { "[\0]", 3 },     { "{\"a\":1\0}", 8 },
        { "{\0}", 3 }, { "-\0", 2 }, { "1\0e5", 4 },    { "\"\\\0\"", 4 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_reader reader;
        struct buf         seen;
        buf_init(&seen, NULL, 0);
        tokens_of(&reader, cases[i], &seen);
        assert_non_null(reader.error);
        buf_done(&seen);
    }
}

static bool is_json(struct trail_text text)
{
    struct json_reader reader;
    enum json_token    token;
    json_start(&reader, text);
    do
        token = json_next(&reader);
    while (token != JSON_ERROR && token != JSON_END);
    return token == JSON_END;
}

/* Change every byte of a rich text to each of a set of troublesome bytes: the verdict is jansson's. */
static void verdict_is_the_one_of_jansson_after_any_change_of_a_byte(void **state)
{
    (void)state;
    static const char rich[] =
        "{\"k\\u00e9y\": [1, -2.50e+3, true, false, null, \"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\","
        " \"\\ud83d\\ude00\\n\"], \"o\": {\"x\": {}}, \"a\": []}";
    static const char troublesome[] = "\"\\{}[],:0e-.tu \n\x1f\x80\xC3\xED\xF4\xFF/'";
    char              text[sizeof rich];
    size_t            accepted = 0;

    assert_true(is_json(text_of(rich, sizeof rich - 1)));
    for (size_t at = 0; at < sizeof rich - 1; at++) {
        for (size_t i = 0; i < sizeof troublesome; i++) { /* The NUL as well. */
            memcpy(text, rich, sizeof rich);
            text[at] = troublesome[i];
            /* What jansson can read equals itself. */
            struct trail_text changed = text_of(text, sizeof rich - 1);
            bool              ours = is_json(changed);
            if (ours != json_equal_texts(changed, changed))
                fail_msg("byte %zu as 0x%02x: %s", at, (unsigned char)troublesome[i], ours ? "taken" : "refused");
            accepted += ours ? 1 : 0;
        }
    }
    assert_true(accepted > 100);
}

static void every_prefix_of_a_text_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": [\"b\\u0041\", {\"c\": \"\xE2\x82\xAC\"}], \"d\": null}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        /* A heap block of exactly this size, so that a sanitizer sees a read past the end. */
        char *copy = malloc(size > 0 ? size : 1);
        assert_non_null(copy);
        memcpy(copy, text, size);
        assert_false(is_json(text_of(copy, size)));
        free(copy);
    }
}

static void nesting_up_to_the_limit_is_taken_and_one_more_refused(void **state)
{
    (void)state;
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(is_json(text_of(text, 2 * depth)), depth <= JSON_DEPTH_MAX);
    }

    struct json_reader reader;
    json_start(&reader, TRAIL_TEXT("[[[]]]"));
    reader.depth_max = 2;
    assert_int_equal(json_next(&reader), JSON_ARRAY_BEGIN);
    assert_int_equal(json_next(&reader), JSON_ARRAY_BEGIN);
    assert_int_equal(json_next(&reader), JSON_ERROR);
    assert_string_equal(reader.error, "it is nested too deep");
    assert_int_equal(reader.position, 2);
}

static void kinds_of_containers_are_remembered_at_every_depth(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, NULL, 0);
    for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
        buf_append_string(&text, i % 3 == 0 ? "[" : "{\"a\":");
    buf_append_string(&text, "1");
    for (size_t i = JSON_DEPTH_MAX; i > 0; i--)
        buf_append_string(&text, (i - 1) % 3 == 0 ? "]" : "}");
    assert_true(is_json(buf_text(&text)));
    text.data[text.size - 2] = text.data[text.size - 2] == ']' ? '}' : ']';
    assert_false(is_json(buf_text(&text)));
    buf_done(&text);
}

static void spans_are_the_bytes_that_came_in(void **state)
{
    (void)state;
    struct json_reader reader;
    json_start(&reader, TRAIL_TEXT(" { \"k\" : -1.50E+2 , \"l\\n\":\"v\" } "));
    static const char *const spans[] = { "{", "\"k\"", "-1.50E+2", "\"l\\n\"", "\"v\"", "}" };
    static const size_t      depths[] = { 1, 1, 1, 1, 1, 0 };
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        assert_int_not_equal(json_next(&reader), JSON_ERROR);
        assert_int_equal(reader.span.size, strlen(spans[i]));
        assert_memory_equal(reader.span.data, spans[i], reader.span.size);
        assert_int_equal(reader.depth, depths[i]);
    }
    assert_int_equal(json_next(&reader), JSON_END);
    assert_int_equal(json_next(&reader), JSON_END);
}

static void whole_values_are_taken_verbatim(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *value; /* NULL: refused. */
    } cases[] = {
        { "  {\"a\": [1, 2 ] }  ", "{\"a\": [1, 2 ] }" },
        { " 12.50 ", "12.50" },
        { "\"a\"", "\"a\"" },
        { "[[],{}]", "[[],{}]" },
        { "null", "null" },
        { "[1", NULL },
        { "", NULL },
        { "[1}", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_reader reader;
        struct trail_text  value = { 0 };
        json_start(&reader, trail_str(cases[i].text));
        assert_int_equal(json_take_value(&reader, &value), cases[i].value != NULL);
        assert_true(text_equal(value, trail_str(cases[i].value)));
        if (cases[i].value != NULL)
            assert_int_equal(json_next(&reader), JSON_END);
        else
            assert_false(json_take_value(&reader, &value));
    }
}

static void reading_goes_on_behind_a_taken_value(void **state)
{
    (void)state;
    struct json_reader reader;
    struct trail_text  value;
    json_start(&reader, TRAIL_TEXT("{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}"));
    assert_int_equal(json_next(&reader), JSON_OBJECT_BEGIN);
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_true(json_take_value(&reader, &value));
    assert_true(text_equal(value, TRAIL_TEXT("{\"b\":[1,{\"c\":2}]}")));
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_true(text_equal(reader.span, TRAIL_TEXT("\"d\"")));
    assert_true(json_take_value(&reader, &value));
    assert_int_equal(json_next(&reader), JSON_OBJECT_END);
    assert_int_equal(json_next(&reader), JSON_END);
}

static void escapes_become_the_characters_they_stand_for(void **state)
{
    (void)state;
    static const struct {
        const char       *span;
        struct trail_text text;
        size_t            scratch_size; /* 0: a view. */
    } cases[] = {
        { "\"\"", { "", 0 }, 0 },
        { "\"plain \xC3\xA9\"", { "plain \xC3\xA9", 8 }, 0 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", { "\"\\/\b\f\n\r\t", 8 }, 8 },
        { "\"a\\u0041b\"", { "aAb", 3 }, 3 },
        { "\"\\u00e9\\u00E9\"", { "\xC3\xA9\xC3\xA9", 4 }, 4 },
        { "\"\\u20ac\"", { "\xE2\x82\xAC", 3 }, 3 },
        { "\"\\ud83d\\ude00!\"", { "\xF0\x9F\x98\x80!", 5 }, 5 },
        { "\"\\udbff\\udfff\"", { "\xF4\x8F\xBF\xBF", 4 }, 4 },
        { "\"\\ud800\\udc00\"", { "\xF0\x90\x80\x80", 4 }, 4 },
        { "\"\\ud7ff\\ue000\"", { "\xED\x9F\xBF\xEE\x80\x80", 6 }, 6 },
        { "\"a\\u0000b\"", { "a\0b", 3 }, 3 },
        { "\"\\\\u0041\"", { "\\u0041", 6 }, 6 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf scratch;
        buf_init(&scratch, NULL, 0);
        struct trail_text text = json_unescape(trail_str(cases[i].span), &scratch);
        assert_true(text_equal(text, cases[i].text));
        assert_int_equal(scratch.size, cases[i].scratch_size);
        buf_done(&scratch);
    }
}

static void written_strings_escape_only_what_must_be(void **state)
{
    (void)state;
    static const struct {
        struct trail_text text;
        const char       *json;
    } cases[] = {
        { { NULL, 0 }, "\"\"" },
        { { "plain", 5 }, "\"plain\"" },
        { { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"" },
        { { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"" },
        { { "\0\x01\x1f\x7f", 4 }, "\"\\u0000\\u0001\\u001f\x7f\"" },
        { { "\xC3\xA9\xF0\x9F\x98\x80", 6 }, "\"\xC3\xA9\xF0\x9F\x98\x80\"" },
        { { "12345678\"12345678\n", 18 }, "\"12345678\\\"12345678\\n\"" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        json_append_string(&out, cases[i].text);
        assert_true(text_equal(buf_text(&out), trail_str(cases[i].json)));

        struct buf scratch;
        buf_init(&scratch, NULL, 0);
        assert_true(is_json(buf_text(&out)));
        assert_true(text_equal(json_unescape(buf_text(&out), &scratch), cases[i].text));
        buf_done(&scratch);
        buf_done(&out);
    }
}

static void members_of_an_object_are_parted_by_commas(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, NULL, 0);
    buf_append_string(&out, "{");
    json_append_name(&out, "a\"");
    buf_append_string(&out, "{");
    json_append_name(&out, "b");
    buf_append_string(&out, "1}");
    json_append_name(&out, "c");
    buf_append_string(&out, "2}");
    assert_true(text_equal(buf_text(&out), TRAIL_TEXT("{\"a\\\"\":{\"b\":1},\"c\":2}")));
    assert_true(is_json(buf_text(&out)));
    buf_done(&out);
}

/* The word-wise scan must find a special byte in each of its eight places, behind any neighbour. */
static void special_bytes_are_found_at_every_place_of_a_word(void **state)
{
    (void)state;
    static const char neighbours[] = { ' ', '!', '#', '[', ']', 'a', '\x7f' };
    for (size_t n = 0; n < sizeof neighbours; n++) {
        for (size_t at = 0; at < 24; at++) {
            char text[26];
            memset(text, neighbours[n], sizeof text);
            text[0] = text[25] = '"';
            assert_true(is_json(text_of(text, sizeof text)));
            for (int c = 0; c < 256; c++) {
                text[1 + at] = (char)c;
                bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
                if (c != '\\' || neighbours[n] != '\\')
                    assert_int_equal(is_json(text_of(text, sizeof text)), plain);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_these_tokens),
        cmocka_unit_test(wrong_texts_are_refused_where_they_go_wrong),
        cmocka_unit_test(wrong_strings_are_refused_where_they_go_wrong),
        cmocka_unit_test(nul_bytes_are_refused_everywhere),
        cmocka_unit_test(verdict_is_the_one_of_jansson_after_any_change_of_a_byte),
        cmocka_unit_test(every_prefix_of_a_text_is_refused),
        cmocka_unit_test(nesting_up_to_the_limit_is_taken_and_one_more_refused),
        cmocka_unit_test(kinds_of_containers_are_remembered_at_every_depth),
        cmocka_unit_test(spans_are_the_bytes_that_came_in),
        cmocka_unit_test(whole_values_are_taken_verbatim),
        cmocka_unit_test(reading_goes_on_behind_a_taken_value),
        cmocka_unit_test(escapes_become_the_characters_they_stand_for),
        cmocka_unit_test(written_strings_escape_only_what_must_be),
        cmocka_unit_test(special_bytes_are_found_at_every_place_of_a_word),
        cmocka_unit_test(members_of_an_object_are_parted_by_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
