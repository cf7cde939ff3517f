/* test_action_map.c -- the action map finds what it was given, in every spelling, and says what is wrong with it.
 *
 * Goal:   names are whole, without case, with all separators alike; every mistake is refused with the item in the
 *         sentence; a full map finds all of its names and no other.
 * Method: tables of (value, action, operation) and (value, words of the refusal); a thousand made-up names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/action_map.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define OP(operation) TRAIL_OPERATION_##operation
#define TEN "aaaaaaaaaa"
#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN

static enum trail_err build(struct action_map *map, const char *value, char said[512])
{
    struct buf reason;
    buf_init(&reason, NULL, 0);
    enum trail_err err = action_map_init(map, trail_str(value), &reason);
    snprintf(said, 512, "%.*s", (int)reason.size, reason.size > 0 ? reason.data : "");
    buf_done(&reason);
    return err;
}

static const struct {
    const char          *value;
    const char          *action;
    enum trail_operation operation; /* AUTO: not found. */
} found[] = {
    { "poll_queue=read", "poll_queue", OP(READ) },
    { "poll_queue=read", "Poll.Queue", OP(READ) },
    { "poll_queue=read", "poll/queue", OP(READ) },
    { "poll_queue=read", " poll-queue\t", OP(READ) },
    { "poll_queue=read", "/poll//queue/", OP(READ) },
    { "poll_queue=read", "pollqueue", OP(AUTO) },
    { "poll_queue=read", "poll_queues", OP(AUTO) },
    { "poll_queue=read", "poll", OP(AUTO) },
    { "poll_queue=read", "", OP(AUTO) },
    { "poll_queue=read", "_", OP(AUTO) },
    { " Tools/Warm = EXECUTE ,, x=other,", "tools_warm", OP(EXECUTE) },
    { " Tools/Warm = EXECUTE ,, x=other,", "X", OP(OTHER) },
    { "a=read,A = Read,.a=read", "a", OP(READ) },
    { "gr\xC3\xB6sse=update", "Gr\xC3\xB6sse", OP(UPDATE) },
    { "two words=admin", "two words", OP(ADMIN) },
    { NINETY TEN "=delete", NINETY TEN, OP(DELETE) },
    { NINETY TEN "=delete", NINETY TEN "b", OP(DELETE) }, /* What is stored of it is the same. */
    { NINETY TEN "=delete", NINETY "aaaaaaaaab", OP(AUTO) },
    { "", "x", OP(AUTO) },
    { " , ,", "x", OP(AUTO) },
};

static void a_name_is_found_whole_in_every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        struct action_map    map;
        char                 said[512];
        enum trail_operation operation = OP(AUTO);
        assert_int_equal(build(&map, found[i].value, said), TRAIL_OK);
        assert_string_equal(said, "");
        assert_int_equal(action_map_find(&map, trail_str(found[i].action), &operation), found[i].operation != OP(AUTO));
        if (operation != found[i].operation)
            fail_msg("%s in %s: %d", found[i].action, found[i].value, (int)operation);
        action_map_done(&map);
    }
}

static void every_operation_has_a_name_here(void **state)
{
    (void)state;
    static const char *const names[] = {
#define NAME(symbol, number, name) [number] = name,
        TRAIL_OPERATION_MAP(NAME)
#undef NAME
    };
    for (int i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        struct action_map    map;
        char                 value[40];
        char                 said[512];
        enum trail_operation operation = OP(AUTO);
        snprintf(value, sizeof value, "x=%s", names[i]);
        assert_int_equal(build(&map, value, said), TRAIL_OK);
        assert_true(action_map_find(&map, TRAIL_TEXT("x"), &operation));
        assert_int_equal(operation, i);
        action_map_done(&map);
    }
}

static const struct {
    const char *value;
    const char *said;
} refused[] = {
    { "create_x=creat",
      "\"create_x=creat\" does not end in an operation; write name=operation, with one of create, read, "
      "update, delete, execute, access, export, import, auth, admin, audit, other" },
    { "=read", "\"=read\" has no name" },
    { " = read", "\"= read\" has no name" },
    { "_./-=read", "\"_./-=read\" has no name" },
    { "=", "\"=\" has no name" },
    { "a=read, x=", "\"x=\" does not end in an operation" },
    { "x", "\"x\" lacks an operation" },
    { "x=auto", "\"x=auto\" does not end" },
    { "x=read=write", "\"x=read=write\" does not end" },
    { "get_x=read,Get/X=create", "\"Get/X=create\" contradicts read" },
    { "create_*=create", "\"create_*=create\" has a pattern" },
    { "a?=create", "\"a?=create\" has a pattern" },
    { NINETY TEN "a=create", "has a name of more than 100 bytes" },
};

static void a_mistake_is_refused_and_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct action_map map;
        char              said[512];
        assert_int_equal(build(&map, refused[i].value, said), TRAIL_EINVAL);
        if (strstr(said, refused[i].said) == NULL)
            fail_msg("%s: %s", refused[i].value, said);
        assert_int_equal(map.entry_count, 0);
        assert_null(map.entries);
    }
}

/* "a17b=read,..." of `count` names. */
static void make_names(struct buf *value, size_t count)
{
    buf_init(value, NULL, 0);
    for (size_t i = 0; i < count; i++)
        buf_printf(value, "a%zub=%s,", i, i % 2 == 0 ? "read" : "export");
    buf_append(value, "", 1);
    assert_false(buf_failed(value));
}

static void a_full_map_finds_its_names_and_one_item_more_is_refused(void **state)
{
    (void)state;
    struct action_map map;
    struct buf        value;
    char              said[512];

    make_names(&value, ACTION_MAP_ITEMS_MAX);
    assert_int_equal(build(&map, value.data, said), TRAIL_OK);
    for (size_t i = 0; i < 2 * (size_t)ACTION_MAP_ITEMS_MAX; i++) {
        enum trail_operation operation = OP(AUTO);
        char                 name[32];
        snprintf(name, sizeof name, "A%zuB", i);
        assert_int_equal(action_map_find(&map, trail_str(name), &operation), i < ACTION_MAP_ITEMS_MAX);
        if (i < ACTION_MAP_ITEMS_MAX)
            assert_int_equal(operation, i % 2 == 0 ? OP(READ) : OP(EXPORT));
    }
    action_map_done(&map);
    action_map_done(NULL);
    buf_done(&value);

    make_names(&value, ACTION_MAP_ITEMS_MAX + 1);
    assert_int_equal(build(&map, value.data, said), TRAIL_EINVAL);
    assert_string_equal(said, "it has 1001 items; allowed are 1000");
    buf_done(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_whole_in_every_spelling),
        cmocka_unit_test(every_operation_has_a_name_here),
        cmocka_unit_test(a_mistake_is_refused_and_told),
        cmocka_unit_test(a_full_map_finds_its_names_and_one_item_more_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
