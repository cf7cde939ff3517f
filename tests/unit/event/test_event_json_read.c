/* test_event_json_read.c -- NDJSON becomes events; nothing given is dropped, nothing is guessed.
 *
 * Goal:   every field by every form it may have; every wrong form an error that names the field and its place; what
 *         is taken can be printed and taken again.
 * Method: tables of lines; single quotes stand for double ones to keep the lines readable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_equal.h"
#include "base/text.h"
#include "event/event_json.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define S(seconds) (INT64_C(1000000) * (seconds))

/* `line` with its single quotes doubled, in a block of its own of exactly that size, for the sanitizer's sake. */
static struct trail_text quoted(const char *line)
{
    size_t size = strlen(line);
    char  *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    for (size_t i = 0; i < size; i++)
        copy[i] = line[i] == '\'' ? '"' : line[i];
    return text_of(copy, size);
}

static void drop(struct trail_text text)
{
    free((void *)(uintptr_t)text.data);
}

static void a_whole_event_is_read(void **state)
{
    (void)state;
    struct trail_text json = quoted(
        "{'timestamp':'2026-11-24T04:05:06.123456Z','operation':'update','outcome':'denied',"
        "'data_classification':'confidential','requires_review':true,'action':'set_x','resource_type':'tool',"
        "'resource_id':'r1','resource_name':'R','user_id':'u','user_email':'u@x','team_id':'t','auth_method':'jwt',"
        "'acting_as':'v','client_ip':'::1','user_agent':'curl','request_method':'PUT','request_path':'/x',"
        "'correlation_id':'c','request_id':'q','error_message':'no','delegation_chain':['u','v'],"
        "'old_values':{'a': 1},'new_values':{'a': 2},'changes':{},'context':{'k':null}}");
    static const char *const texts[EVENT_FIELD_COUNT] = {
        "set_x", "tool", "r1", "R", "u",  "u@x",           "t",          "jwt",        "v",  "::1",          "curl",
        "PUT",   "/x",   "c",  "q", "no", "[\"u\",\"v\"]", "{\"a\": 1}", "{\"a\": 2}", "{}", "{\"k\":null}",
    };
    struct buf         scratch;
    struct trail_event event;
    buf_init(&scratch, NULL, 0);
    assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_OK);
    assert_int_equal(event.struct_size, sizeof event);
    assert_true(event.timestamp_us == S(1795493106) + 123456);
    assert_int_equal(event.operation, TRAIL_OPERATION_UPDATE);
    assert_int_equal(event.outcome, TRAIL_OUTCOME_DENIED);
    assert_int_equal(event.data_classification, TRAIL_CLASSIFICATION_CONFIDENTIAL);
    assert_int_equal(event.requires_review, TRAIL_REVIEW_YES);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(&event, (enum event_field)i);
        if (!text_equal(text, trail_str(texts[i])))
            fail_msg("%s is %.*s", event_fields[i].name, (int)text.size, text.data);
        /* Nothing was escaped, so nothing was copied. */
        assert_true(text.data >= json.data && text.data < json.data + json.size);
    }
    assert_int_equal(event_check(&event, NULL), TRAIL_OK);
    buf_done(&scratch);
    drop(json);
}

static void one_text_field_takes_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char       *line;
        struct trail_text user_id;
    } cases[] = {
        { "{'user_id':'u'}", { "u", 1 } },
        { "{'user_id':''}", { "", 0 } },
        { "{'user_id':null}", { "", 0 } },
        { "{}", { "", 0 } },
        { " { 'user_id' : 42 } \r\n", { "42", 2 } },
        { "{'user_id':-1.50e+3}", { "-1.50e+3", 8 } },
        { "{'user_id':true}", { "true", 4 } },
        { "{'user_id':false}", { "false", 5 } },
        { "{'user_id':'a\\nb\\u00e9\\ud83d\\ude00'}", { "a\nb\xC3\xA9\xF0\x9F\x98\x80", 9 } },
        { "{'user_id':'a\\u0000b'}", { "a\0b", 3 } },
        { "{'user\\u005fid':'u'}", { "u", 1 } },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text  json = quoted(cases[i].line);
        struct buf         scratch;
        struct trail_event event;
        buf_init(&scratch, NULL, 0);
        assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_OK);
        assert_true(text_equal(event.user_id, cases[i].user_id));
        assert_int_equal(event.context.size, 0);
        buf_done(&scratch);
        drop(json);
    }
}

static void views_into_scratch_survive_its_whole_use(void **state)
{
    (void)state;
    char               storage[16];
    struct buf         scratch;
    struct trail_event event;
    struct trail_text  json = quoted("{'action':'\\u0061\\u0061','x\\ny':'\\u0062','resource_type':'\\u0063\\t',"
                                      "'context':{'ext\\u0072a':1},'user_id':'\\u0064'}");
    buf_init(&scratch, storage, sizeof storage);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_OK);
        assert_true(text_equal(event.action, TRAIL_TEXT("aa")));
        assert_true(text_equal(event.resource_type, TRAIL_TEXT("c\t")));
        assert_true(text_equal(event.user_id, TRAIL_TEXT("d")));
        assert_true(text_equal(event.context, TRAIL_TEXT("{\"ext\\u0072a\":1,\"extra_2\":{\"x\\ny\":\"\\u0062\"}}")));
    }
    buf_done(&scratch);
    drop(json);
}

static void times_are_text_or_microseconds(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t     us;
    } cases[] = {
        { "{'timestamp':'2026-11-24T04:05:06Z'}", S(1795493106) },
        { "{'timestamp':'2026-11-24T04:05:06\\u002b02:00'}", S(1795493106 - 7200) },
        { "{'timestamp':1795493106123456}", S(1795493106) + 123456 },
        { "{'timestamp':0}", 0 },
        { "{'timestamp':-0}", 0 },
        { "{'timestamp':-1}", -1 },
        { "{'timestamp':9223372036854775807}", INT64_MAX },
        { "{'timestamp':-9223372036854775808}", INT64_MIN },
        { "{'timestamp':'1960-01-01'}", -S(315619200) },
        { "{'timestamp':'1970-01-01T00:00:00Z'}", 1 },
        { "{'timestamp':null}", 0 },
        { "{'timestamp':''}", 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text  json = quoted(cases[i].line);
        struct buf         scratch;
        struct trail_event event;
        buf_init(&scratch, NULL, 0);
        assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_OK);
        assert_true(event.timestamp_us == cases[i].us);
        buf_done(&scratch);
        drop(json);
    }
}

static void success_stands_for_an_outcome(void **state)
{
    (void)state;
    static const struct {
        const char        *line;
        enum trail_outcome outcome;
    } cases[] = {
        { "{}", TRAIL_OUTCOME_SUCCESS },
        { "{'success':true}", TRAIL_OUTCOME_SUCCESS },
        { "{'success':false}", TRAIL_OUTCOME_FAILURE },
        { "{'success':null}", TRAIL_OUTCOME_SUCCESS },
        { "{'success':false,'outcome':'denied'}", TRAIL_OUTCOME_DENIED },
        { "{'outcome':'partial','success':false}", TRAIL_OUTCOME_PARTIAL },
        { "{'outcome':'Unknown'}", TRAIL_OUTCOME_UNKNOWN },
        { "{'success':true,'outcome':'success'}", TRAIL_OUTCOME_SUCCESS },
        { "{'success':false,'outcome':null}", TRAIL_OUTCOME_FAILURE },
        { "{'success':false,'outcome':''}", TRAIL_OUTCOME_FAILURE },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text  json = quoted(cases[i].line);
        struct buf         scratch;
        struct trail_event event;
        buf_init(&scratch, NULL, 0);
        assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_OK);
        assert_int_equal(event.outcome, cases[i].outcome);
        buf_done(&scratch);
        drop(json);
    }
}

static void unknown_members_are_kept_in_the_context(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *context;
    } cases[] = {
        { "{'context':{'a': 1}}", "{'a': 1}" },
        { "{'x':1}", "{'extra':{'x':1}}" },
        { "{'x': [1, 2] ,'y':'\\u0041'}", "{'extra':{'x':[1, 2],'y':'\\u0041'}}" },
        { "{'context':null,'x':null}", "{'extra':{'x':null}}" },
        { "{'x':1,'context':{ 'a': 1 }}", "{'a': 1,'extra':{'x':1}}" },
        { "{'context':{},'x':1}", "{'extra':{'x':1}}" },
        { "{'context':{ },'x':1}", "{'extra':{'x':1}}" },
        { "{'context':[1],'x':2}", "{'extra':{'context':[1],'x':2}}" },
        { "{'context':'text','x':2}", "{'extra':{'context':'text','x':2}}" },
        { "{'context':7}", "7" },
        { "{'context':{'extra':1},'x':2}", "{'extra':1,'extra_2':{'x':2}}" },
        { "{'context':{'extra_2':0,'e\\u0078tra':1},'x':2}", "{'extra_2':0,'e\\u0078tra':1,'extra_3':{'x':2}}" },
        { "{'context':{'extra_2':0},'x':2}", "{'extra_2':0,'extra':{'x':2}}" },
        { "{'context':{'extra':0,'extra_02':0,'extra_':0,'extras':0,'extra_x':0,'extra_1':0},'x':2}",
          "{'extra':0,'extra_02':0,'extra_':0,'extras':0,'extra_x':0,'extra_1':0,'extra_2':{'x':2}}" },
        { "{'context':{'a':{'extra':1}},'x':2}", "{'a':{'extra':1},'extra':{'x':2}}" },
        { "{'User_Id':'case counts'}", "{'extra':{'User_Id':'case counts'}}" },
        { "{'':0}", "{'extra':{'':0}}" },
        { "{'id':'i','level':'all','flags':[],'weight':1,'writer':'w','seq':3,'service':'s'}",
          "{'extra':{'id':'i','level':'all','flags':[],'weight':1,'writer':'w','seq':3,'service':'s'}}" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text  json = quoted(cases[i].line);
        struct trail_text  context = quoted(cases[i].context);
        struct buf         scratch;
        struct trail_event event;
        buf_init(&scratch, NULL, 0);
        assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_OK);
        if (!text_equal(event.context, context))
            fail_msg("%s gives %.*s", cases[i].line, (int)event.context.size, event.context.data);
        assert_true(json_equal_texts(event.context, event.context));
        buf_done(&scratch);
        drop(context);
        drop(json);
    }
}

static void wrong_lines_are_refused_at_their_place_and_leave_the_event_alone(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t    offset;
        const char *message; /* How it begins. */
    } cases[] = {
        { "", 0, "not a JSON object: a value is missing" },
        { "[]", 0, "an event must be a JSON object" },
        { "  'x'", 2, "an event must be a JSON object" },
        { "null", 0, "an event must be a JSON object" },
        { "{'a':1", 6, "not a JSON object: a comma" },
        { "{} x", 3, "not a JSON object: there is text behind" },
        { "{'action':'\\q'}", 11, "not a JSON object: an escape" },
        { "{'context':{'a':}}", 16, "not a JSON object: a value is missing" },
        { "{'x':[1,]}", 8, "not a JSON object: a value is missing" },
        { "{'action':'a','action':'a'}", 14, "action is given twice" },
        { "{'action':null,'acti\\u006fn':'a'}", 15, "action is given twice" },
        { "{'success':true,'success':true}", 16, "success is given twice" },
        { "{'x':1,'y':2,'\\u0078':3}", 13, "\"x\" is given twice" },
        { "{'action':{}}", 10, "action must be text" },
        { "{'error_message':['a']}", 17, "error_message must be text" },
        { "{'operation':'destroy'}", 13, "operation must be one of create, read" },
        { "{'operation':3}", 13, "operation must be one of" },
        { "{'operation':'cre\\u0000ate'}", 13, "operation must be one of" },
        { "{'outcome':true}", 11, "outcome must be one of success, failure" },
        { "{'data_classification':'secret'}", 23, "data_classification must be one of public" },
        { "{'requires_review':1}", 19, "requires_review must be true or false" },
        { "{'success':'true'}", 11, "success must be true or false" },
        { "{'success':true,'outcome':'denied'}", 11, "success is true but outcome is denied" },
        { "{'outcome':'success','success':false}", 31, "success is false but outcome is success" },
        { "{'timestamp':'yesterday'}", 13, "timestamp must be RFC 3339 text" },
        { "{'timestamp':true}", 13, "timestamp must be RFC 3339 text or" },
        { "{'timestamp':{}}", 13, "timestamp must be RFC 3339 text or" },
        { "{'timestamp':1.5}", 13, "timestamp is not an integer" },
        { "{'timestamp':1e3}", 13, "timestamp is not an integer" },
        { "{'timestamp':9223372036854775808}", 13, "timestamp is not an integer" },
        { "{'timestamp':-9223372036854775809}", 13, "timestamp is not an integer" },
        { "{'timestamp':99999999999999999999999}", 13, "timestamp is not an integer" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_text  json = quoted(cases[i].line);
        struct buf         scratch;
        struct trail_event event = { .timestamp_us = 4711 };
        struct trail_error error = { .message = "" };
        buf_init(&scratch, NULL, 0);
        assert_int_equal(event_from_json(json, &scratch, &event, &error), TRAIL_EINVAL);
        if (error.offset != cases[i].offset || strncmp(error.message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s: \"%s\" at %llu", cases[i].line, error.message, (unsigned long long)error.offset);
        assert_int_equal(error.code, TRAIL_EINVAL);
        assert_int_equal(event.timestamp_us, 4711);
        assert_int_equal(event_from_json(json, &scratch, &event, NULL), TRAIL_EINVAL);
        buf_done(&scratch);
        drop(json);
    }
}

/* {"x0":0,...} with `count` members. */
static void many_unknown(struct buf *line, unsigned count)
{
    buf_clear(line);
    for (unsigned i = 0; i < count; i++)
        buf_printf(line, "%s\"x%u\":%u", i == 0 ? "{" : ",", i, i);
    buf_append(line, "}", 1);
}

static void unknown_members_have_a_limit(void **state)
{
    (void)state;
    struct buf         line;
    struct buf         scratch;
    struct trail_event event;
    struct trail_error error;
    buf_init(&line, NULL, 0);
    buf_init(&scratch, NULL, 0);

    many_unknown(&line, EVENT_JSON_UNKNOWN_MAX);
    assert_int_equal(event_from_json(buf_text(&line), &scratch, &event, &error), TRAIL_OK);
    assert_int_equal(event.context.size, line.size + strlen("{\"extra\":}"));
    many_unknown(&line, EVENT_JSON_UNKNOWN_MAX + 1);
    assert_int_equal(event_from_json(buf_text(&line), &scratch, &event, &error), TRAIL_EINVAL);
    assert_string_equal(error.message, "\"x64\" is the 65th member that is no field; 64 are kept");

    buf_clear(&line);
    buf_append_string(&line, "{\"context\":{\"extra\":0");
    for (int i = 2; i < 64; i++)
        buf_printf(&line, ",\"extra_%d\":0", i);
    buf_append_string(&line, "},\"x\":1}");
    assert_int_equal(event_from_json(buf_text(&line), &scratch, &event, &error), TRAIL_EINVAL);
    assert_int_equal(error.offset, 11);
    buf_done(&line);
    buf_done(&scratch);
}

static void nested(struct buf *line, const char *name, size_t depth, const char *more)
{
    buf_clear(line);
    buf_printf(line, "{\"%s\":", name);
    for (size_t i = 0; i < depth; i++)
        buf_append(line, "[", 1);
    for (size_t i = 0; i < depth; i++)
        buf_append(line, "]", 1);
    buf_printf(line, "%s}", more);
}

static void the_limit_of_an_unknown_member_is_not_that_of_the_next(void **state)
{
    (void)state;
    struct buf         line;
    struct buf         deep;
    struct buf         scratch;
    struct trail_event event;
    buf_init(&line, NULL, 0);
    buf_init(&deep, NULL, 0);
    buf_init(&scratch, NULL, 0);
    nested(&deep, "old_values", JSON_DEPTH_MAX - 1, "");
    buf_append_string(&line, "{\"x\":1,");
    buf_append(&line, deep.data + 1, deep.size - 1);
    assert_int_equal(event_from_json(buf_text(&line), &scratch, &event, NULL), TRAIL_OK);
    assert_int_equal(event.old_values.size, 2 * (JSON_DEPTH_MAX - 1));
    buf_done(&line);
    buf_done(&deep);
    buf_done(&scratch);
}

/* A long name that is unescaped for comparing and copied verbatim takes its room in scratch twice. */
static void a_line_of_nothing_but_an_escaped_name_fits_in_scratch(void **state)
{
    (void)state;
    for (size_t size = 16; size < 300; size++) {
        struct buf         line;
        struct buf         scratch;
        struct trail_event event;
        buf_init(&line, NULL, 0);
        buf_init(&scratch, NULL, 0);
        buf_append_string(&line, "{\"\\n");
        for (size_t i = 0; i < size; i++)
            buf_append(&line, "x", 1);
        buf_append_string(&line, "\":1}");
        assert_int_equal(event_from_json(buf_text(&line), &scratch, &event, NULL), TRAIL_OK);
        assert_int_equal(event.context.size, line.size + strlen("{\"extra\":}"));
        buf_done(&line);
        buf_done(&scratch);
    }
}

static void whatever_is_taken_can_be_printed_and_taken_again(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *more;
        size_t      depth_max;
    } cases[] = {
        { "x", "", EVENT_JSON_UNKNOWN_DEPTH_MAX },
        { "context", "", EVENT_JSON_UNKNOWN_DEPTH_MAX },
        { "context", ",\"x\":1", EVENT_JSON_UNKNOWN_DEPTH_MAX },
        { "old_values", ",\"x\":1", JSON_DEPTH_MAX - 1 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf          line;
        struct buf          scratch;
        struct buf          out;
        struct trail_event  again;
        struct event_record record = { .weight = 1, .seq = 1 };
        buf_init(&line, NULL, 0);
        buf_init(&scratch, NULL, 0);
        buf_init(&out, NULL, 0);
        nested(&line, cases[i].name, cases[i].depth_max + 1, cases[i].more);
        assert_int_equal(event_from_json(buf_text(&line), &scratch, &record.event, NULL), TRAIL_EINVAL);
        nested(&line, cases[i].name, cases[i].depth_max, cases[i].more);
        assert_int_equal(event_from_json(buf_text(&line), &scratch, &record.event, NULL), TRAIL_OK);
        record.event.operation = TRAIL_OPERATION_OTHER;
        event_to_json(&record, NULL, &out);
        assert_int_equal(event_from_json(buf_text(&out), &line, &again, NULL), TRAIL_OK);
        buf_done(&line);
        buf_done(&scratch);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_event_is_read),
        cmocka_unit_test(one_text_field_takes_many_forms),
        cmocka_unit_test(views_into_scratch_survive_its_whole_use),
        cmocka_unit_test(times_are_text_or_microseconds),
        cmocka_unit_test(success_stands_for_an_outcome),
        cmocka_unit_test(unknown_members_are_kept_in_the_context),
        cmocka_unit_test(wrong_lines_are_refused_at_their_place_and_leave_the_event_alone),
        cmocka_unit_test(unknown_members_have_a_limit),
        cmocka_unit_test(the_limit_of_an_unknown_member_is_not_that_of_the_next),
        cmocka_unit_test(a_line_of_nothing_but_an_escaped_name_fits_in_scratch),
        cmocka_unit_test(whatever_is_taken_can_be_printed_and_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
