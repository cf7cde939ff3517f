/* test_record.c -- one event in: every answer trail_record() can give, what it counts, and what it keeps.
 *
 * Goal:   each code for each of its causes, counted once and where it belongs, with nothing given out when nothing was
 *         taken; what is taken is stored as it was meant: time, operation, id, without secrets, the same by struct and
 *         by JSON.
 * Method: a real trail with its store free, locked or away; the spool's bytes are searched; a disk that fails is put in
 *         by wrapping posix_fallocate. More than 600 lines, because one function has that many answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/event.h"
#include "event/operation.h"
#include "support/fault.h"
#include "support/patience.h"
#include "trail/trail_fixture.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int __real_posix_fallocate(int fd, off_t offset, off_t length);
int __wrap_posix_fallocate(int fd, off_t offset, off_t length);

static struct fault         disk;
static struct trail_fixture fixture;

int __wrap_posix_fallocate(int fd, off_t offset, off_t length)
{
    return fault_strikes(&disk) ? disk.error : __real_posix_fallocate(fd, offset, length);
}

static int make(void **state)
{
    (void)state;
    fault_arm(&disk, 0, 0, 0);
    trail_fixture_init(&fixture);
    return 0;
}

static int start(void **state)
{
    (void)make(state);
    trail_fixture_open(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

/* ---- What is refused by the policy ---- */

static void the_policy_refuses_by_level_and_by_exclusion(void **state)
{
    (void)state;
    static const struct {
        const char          *action;
        const char          *resource_type;
        enum trail_operation operation; /* As given. */
        enum trail_operation counted;   /* As counted. */
        bool                 by_level;
    } cases[] = {
        { "get_tool", "tool", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_READ, true },
        { "frob", "tool", TRAIL_OPERATION_READ, TRAIL_OPERATION_READ, true },
        { "frob", "tool", TRAIL_OPERATION_ACCESS, TRAIL_OPERATION_ACCESS, true },
        { "create_noise", "tool", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_CREATE, false },
        { "create_noise", "tool", TRAIL_OPERATION_DELETE, TRAIL_OPERATION_DELETE, false },
        { "create_tool", "METRIC", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_CREATE, false },
        { "get_noise", "metric", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_READ, true }, /* The level comes first. */
    };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=*_noise");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_RESOURCES=metric");
    trail_fixture_open(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event(cases[i].action);
        struct trail_error error = { .code = TRAIL_EIO };
        struct trail_id    id = { "untouched" };
        event.resource_type = trail_str(cases[i].resource_type);
        event.operation = cases[i].operation;
        struct trail_stats before = trail_fixture_stats(&fixture);
        assert_int_equal(trail_record(fixture.trail, &event, &id, &error), TRAIL_REFUSED);
        struct trail_stats          after = trail_fixture_stats(&fixture);
        const struct trail_account *was = &before.operations[cases[i].counted];
        const struct trail_account *is = &after.operations[cases[i].counted];
        assert_int_equal(is->level - was->level, cases[i].by_level);
        assert_int_equal(is->excluded - was->excluded, !cases[i].by_level);
        assert_int_equal(trail_fixture_offered(&after), i + 1);
        assert_string_equal(id.text, "untouched");
        assert_int_equal(error.code, TRAIL_EIO);
    }
}

static void what_is_always_recorded_passes_level_exclusion_and_sampling(void **state)
{
    (void)state;
    static const struct {
        const char        *action;
        enum trail_outcome outcome;
        enum trail_err     expected;
    } cases[] = {
        { "get_noise", TRAIL_OUTCOME_SUCCESS, TRAIL_REFUSED },
        { "get_noise", TRAIL_OUTCOME_FAILURE, TRAIL_OK },
        { "get_noise", TRAIL_OUTCOME_DENIED, TRAIL_OK },
        { "delete_noise", TRAIL_OUTCOME_SUCCESS, TRAIL_OK },
        { "update_noise", TRAIL_OUTCOME_SUCCESS, TRAIL_REFUSED },
        { "login_noise", TRAIL_OUTCOME_SUCCESS, TRAIL_REFUSED },
    };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=mutations_only");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ALWAYS_RECORD=failures,deletes");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=*_noise");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=0");
    trail_fixture_open(&fixture);
    for (int given = 0; given < 2; given++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct trail_event event = trail_fixture_event(cases[i].action);
            event.outcome = cases[i].outcome;
            if (given == 1)
                event.operation = operation_classify(event.action);
            assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), cases[i].expected);
        }
    }
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action LIKE '%%_noise' AND weight = 1"), 6);
}

/* Records one event of the request and says whether it was kept. */
static bool offer_of_request(const char *action, int request)
{
    char               id[32];
    struct trail_event event = trail_fixture_event(action);
    snprintf(id, sizeof id, "request-%d", request);
    event.correlation_id = trail_str(id);
    enum trail_err err = trail_record(fixture.trail, &event, NULL, NULL);
    assert_true(err == TRAIL_OK || err == TRAIL_REFUSED);
    return err == TRAIL_OK;
}

static void sampling_counts_what_it_leaves_out_and_weighs_what_it_keeps(void **state)
{
    (void)state;
    uint64_t reads = 0;
    uint64_t writes = 0;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=0.3");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_READS=0.1");
    trail_fixture_open(&fixture);
    for (int request = 0; request < 1000; request++) {
        bool read = offer_of_request("get_tool", request);
        bool created = offer_of_request("create_tool", request);
        assert_int_equal(offer_of_request("update_tool", request), created);
        assert_true(offer_of_request("delete_tool", request));
        assert_true(created || !read);
        reads += read;
        writes += created;
    }
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_true(reads > 30 && reads < 200 && writes > 200 && writes < 400);
    assert_int_equal(stats.operations[TRAIL_OPERATION_READ].recorded, reads);
    assert_int_equal(stats.operations[TRAIL_OPERATION_READ].sampled, 1000 - reads);
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].recorded, writes);
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].sampled, 1000 - writes);
    assert_int_equal(stats.operations[TRAIL_OPERATION_UPDATE].sampled, 1000 - writes);
    assert_int_equal(stats.operations[TRAIL_OPERATION_DELETE].recorded, 1000);
    assert_int_equal(trail_fixture_offered(&stats), 4000);
    trail_fixture_flush(&fixture);
    /* The double of the policy, in every bit. */
    assert_int_equal(trail_fixture_rows(&fixture, "operation = 'read' AND weight = 1 / 0.1"), reads);
    assert_int_equal(trail_fixture_rows(&fixture, "operation = 'create' AND weight = 1 / 0.3"), writes);
    assert_int_equal(trail_fixture_rows(&fixture, "operation IN ('delete', 'audit') AND weight <> 1"), 0);
    assert_int_equal(trail_fixture_rows(&fixture, "operation = 'delete'"), 1000);
}

static void the_action_map_decides_what_an_unknown_action_is(void **state)
{
    (void)state;
    static const struct {
        const char          *action;
        enum trail_operation given;
        enum trail_operation counted;
        uint64_t             unclassified;
    } cases[] = {
        { "frobnicate", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_READ, 0 },
        { "Frob/Nicate", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_OTHER, 1 },
        { "frob.other", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_OTHER, 1 }, /* Known to be `other`. */
        { "create_tool", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_EXPORT, 1 },
        { "create_tool", TRAIL_OPERATION_DELETE, TRAIL_OPERATION_DELETE, 1 },
        { "create_tools", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_CREATE, 1 },
        { "dunno", TRAIL_OPERATION_AUTO, TRAIL_OPERATION_OTHER, 2 },
    };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ACTION_MAP=frobnicate=read, frob-other=other, CREATE_TOOL=export");
    trail_fixture_open(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event(cases[i].action);
        event.operation = cases[i].given;
        struct trail_stats before = trail_fixture_stats(&fixture);
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
        struct trail_stats   after = trail_fixture_stats(&fixture);
        enum trail_operation counted = cases[i].counted;
        assert_int_equal(after.operations[counted].recorded, before.operations[counted].recorded + 1);
        assert_int_equal(after.unclassified, cases[i].unclassified);
    }
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'frobnicate' AND operation = 'read' AND level = 'all'"), 1);
}

static void an_outcome_other_than_success_passes_failures_only(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=failures_only");
    trail_fixture_open(&fixture);
    for (int outcome = TRAIL_OUTCOME_SUCCESS; outcome <= TRAIL_OUTCOME_UNKNOWN; outcome++) {
        struct trail_event event = trail_fixture_event("get_tool");
        event.outcome = (enum trail_outcome)outcome;
        enum trail_err expected = outcome == TRAIL_OUTCOME_SUCCESS ? TRAIL_REFUSED : TRAIL_OK;
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), expected);
    }
}

/* ---- What is no event ---- */

enum damage {
    NO_ACTION,
    NO_RESOURCE_TYPE,
    NO_USER_ID,
    SIZE_WITHOUT_DATA,
    BAD_OPERATION,
    NEGATIVE_OPERATION,
    BAD_OUTCOME,
    BAD_CLASSIFICATION,
    BAD_REVIEW,
    SIZE_ZERO,
    SIZE_SMALLER,
    SIZE_ABSURD,
    SIZE_HUGE
};

static void damage(struct trail_event *event, enum damage what)
{
    static const struct trail_text nothing = { NULL, 0 };
    switch (what) {
    case NO_ACTION: event->action = nothing; break;
    case NO_RESOURCE_TYPE: event->resource_type = TRAIL_TEXT(""); break;
    case NO_USER_ID: event->user_id = nothing; break;
    case SIZE_WITHOUT_DATA: event->team_id = (struct trail_text){ NULL, 1 }; break;
    case BAD_OPERATION: event->operation = (enum trail_operation)TRAIL_OPERATION_COUNT; break;
    case NEGATIVE_OPERATION: event->operation = (enum trail_operation) - 1; break;
    case BAD_OUTCOME: event->outcome = (enum trail_outcome)(TRAIL_OUTCOME_UNKNOWN + 1); break;
    case BAD_CLASSIFICATION: event->data_classification = (enum trail_classification)99; break;
    case BAD_REVIEW: event->requires_review = (enum trail_review)3; break;
    case SIZE_ZERO: event->struct_size = 0; break;
    case SIZE_SMALLER: event->struct_size = sizeof *event - 1; break;
    case SIZE_ABSURD: event->struct_size = 4097; break;
    case SIZE_HUGE: event->struct_size = SIZE_MAX; break;
    }
}

static void what_is_no_event_is_rejected_and_counted(void **state)
{
    (void)state;
    static const struct {
        enum damage          damage;
        const char          *named; /* What the message must name. */
        enum trail_operation counted;
    } cases[] = {
        { NO_ACTION, "action", TRAIL_OPERATION_OTHER },
        { NO_RESOURCE_TYPE, "resource_type", TRAIL_OPERATION_CREATE },
        { NO_USER_ID, "user_id", TRAIL_OPERATION_CREATE },
        { SIZE_WITHOUT_DATA, "team_id", TRAIL_OPERATION_CREATE },
        { BAD_OPERATION, "operation", TRAIL_OPERATION_OTHER },
        { NEGATIVE_OPERATION, "operation", TRAIL_OPERATION_OTHER },
        { BAD_OUTCOME, "outcome", TRAIL_OPERATION_CREATE },
        { BAD_CLASSIFICATION, "data_classification", TRAIL_OPERATION_CREATE },
        { BAD_REVIEW, "requires_review", TRAIL_OPERATION_CREATE },
        { SIZE_ZERO, "TRAIL_EVENT_INIT", TRAIL_OPERATION_OTHER },
        { SIZE_SMALLER, "TRAIL_EVENT_INIT", TRAIL_OPERATION_OTHER },
        { SIZE_ABSURD, "TRAIL_EVENT_INIT", TRAIL_OPERATION_OTHER },
        { SIZE_HUGE, "TRAIL_EVENT_INIT", TRAIL_OPERATION_OTHER },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event("create_tool");
        struct trail_error error = { .message = "" };
        struct trail_id    id = { "untouched" };
        damage(&event, cases[i].damage);
        uint64_t before = trail_fixture_stats(&fixture).operations[cases[i].counted].rejected;
        assert_int_equal(trail_record(fixture.trail, &event, &id, &error), TRAIL_EINVAL);
        assert_int_equal(error.code, TRAIL_EINVAL);
        if (strstr(error.message, cases[i].named) == NULL)
            fail_msg("\"%s\" does not name %s", error.message, cases[i].named);
        assert_string_equal(id.text, "untouched");
        struct trail_stats after = trail_fixture_stats(&fixture);
        assert_int_equal(after.operations[cases[i].counted].rejected, before + 1);
        assert_int_equal(trail_fixture_offered(&after), i + 1);
    }
}

static void null_is_told_from_an_event(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("create_tool");
    struct trail_error error = { .message = "" };
    assert_int_equal(trail_record(NULL, &event, NULL, &error), TRAIL_EINVAL);
    assert_string_equal(error.message, "trail is NULL");
    assert_int_equal(trail_record(fixture.trail, NULL, NULL, &error), TRAIL_EINVAL);
    assert_string_equal(error.message, "event is NULL");
    assert_int_equal(trail_record_json(NULL, TRAIL_TEXT("{}"), NULL, &error), TRAIL_EINVAL);
    assert_string_equal(error.message, "trail is NULL");
    assert_int_equal(trail_record_json(fixture.trail, (struct trail_text){ NULL, 2 }, NULL, &error), TRAIL_EINVAL);
    assert_string_equal(error.message, "json.data is NULL");
}

static void a_newer_caller_s_event_is_recorded_with_what_is_known_here(void **state)
{
    (void)state;
    struct {
        struct trail_event event;
        struct trail_text  future[3];
    } wide = { .event = trail_fixture_event("create_tool"), .future = { TRAIL_TEXT("x") } };
    wide.event.struct_size = sizeof wide;
    assert_int_equal(trail_record(fixture.trail, &wide.event, NULL, NULL), TRAIL_OK);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool' AND user_id = 'alice'"), 1);
}

static void what_is_larger_than_a_mebibyte_is_too_big(void **state)
{
    (void)state;
    static char        large[TRAIL_EVENT_BYTES_MAX + 1];
    struct trail_event cases[3];
    struct trail_error error = { .message = "" };
    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[sizeof large - 1] = '}';
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cases[i] = trail_fixture_event("create_tool");
    cases[0].user_agent = (struct trail_text){ large, sizeof large };
    cases[1].old_values = (struct trail_text){ large, sizeof large / 2 };
    cases[1].new_values = (struct trail_text){ large, sizeof large / 2 };
    /* The texts alone fit to the byte; with what is around them they do not. */
    size_t others = cases[2].action.size + cases[2].resource_type.size + cases[2].user_id.size;
    cases[2].new_values = (struct trail_text){ large, TRAIL_EVENT_BYTES_MAX - others };
    large[cases[2].new_values.size - 1] = '}';

    trail_fixture_set(&fixture, "AUDIT_TRAIL_MAX_VALUE_BYTES=1MiB");
    trail_fixture_open(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(trail_record(fixture.trail, &cases[i], NULL, &error), TRAIL_ETOOBIG);
        assert_int_equal(error.code, TRAIL_ETOOBIG);
        assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_CREATE].rejected, i + 1);
    }
    struct trail_text json = { large, sizeof large };
    assert_int_equal(trail_record_json(fixture.trail, json, NULL, &error), TRAIL_ETOOBIG);
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_OTHER].rejected, 1);

    cases[2].new_values.size -= 1024; /* Blanks behind the brace that no longer is there: not JSON, but it fits. */
    assert_int_equal(trail_record(fixture.trail, &cases[2], NULL, NULL), TRAIL_OK);
}

/* ---- Waiting for the store ---- */

static void without_async_ok_means_stored(void **state)
{
    (void)state;
    static const char *const buffered[] = { "true", "false" };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ASYNC=false");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SYNC_TIMEOUT_MS=20000");
    for (size_t i = 0; i < COUNT_OF(buffered); i++) {
        trail_fixture_set(&fixture, "AUDIT_TRAIL_BUFFER_ENABLED=%s", buffered[i]);
        trail_fixture_open(&fixture);
        for (size_t n = 1; n <= 5; n++) {
            trail_fixture_record(&fixture, "create_tool");
            assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), i * 5 + n);
        }
        assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    }
}

static void a_store_that_is_locked_makes_it_pending_and_it_is_stored_later(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("delete_tool");
    struct trail_error error = { .code = TRAIL_EIO };
    struct trail_id    id = { "" };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ASYNC=false");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    (void)trail_fixture_close(&fixture);

    void *lock = trail_fixture_lock_store(&fixture);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SYNC_TIMEOUT_MS=50");
    trail_fixture_open(&fixture);
    assert_int_equal(trail_record(fixture.trail, &event, &id, &error), TRAIL_PENDING);
    assert_int_equal(error.code, TRAIL_EIO); /* Untouched. */
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.operations[TRAIL_OPERATION_DELETE].recorded, 1);
    assert_int_equal(stats.waiting, 1);
    trail_fixture_unlock_store(lock);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool' AND id = '%s'", id.text), 1);
}

static void machine_durability_is_confirmed_by_the_disk(void **state)
{
    (void)state;
    enum os_filesystem kind = OS_FILESYSTEM_OTHER;
    if (os_filesystem_of(fixture.dir.path, &kind, NULL) != TRAIL_OK || kind != OS_FILESYSTEM_JOURNALED)
        skip();
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DURABILITY=machine");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 1);
}

/* ---- The spool is full ---- */

/* An event of about 64 KiB. */
static struct trail_event bulky(void)
{
    static char        values[64 * 1024];
    struct trail_event event = trail_fixture_event("update_tool");
    if (values[0] == '\0') {
        memset(values, ' ', sizeof values);
        values[0] = '{';
        values[sizeof values - 1] = '}';
    }
    event.new_values = (struct trail_text){ values, sizeof values };
    return event;
}

/* A trail with the smallest spool, its store locked, and the spool filled; how many events were taken. */
static uint64_t fill(const char *overflow, void **ret_lock)
{
    struct trail_event event = bulky();
    uint64_t           taken = 0;
    enum trail_err     err = TRAIL_OK;

    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool"); /* Makes the store. */
    (void)trail_fixture_close(&fixture);
    *ret_lock = trail_fixture_lock_store(&fixture);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_MAX_VALUE_BYTES=128KiB");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_MAX_BYTES=4MiB");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_OVERFLOW=%s", overflow);
    trail_fixture_open(&fixture);
    for (err = trail_record(fixture.trail, &event, NULL, NULL); err == TRAIL_OK && taken < 100;
         err = trail_record(fixture.trail, &event, NULL, NULL))
        taken++;
    assert_int_equal(err, strcmp(overflow, "drop") == 0 ? TRAIL_DROPPED : TRAIL_EFULL);
    assert_in_range(taken, 40, 64);
    return taken;
}

static void a_full_spool_rejects_or_drops_as_it_was_told_and_counts_it(void **state)
{
    (void)state;
    static const struct {
        const char    *overflow;
        enum trail_err err;
    } cases[] = { { "fail", TRAIL_EFULL }, { "block", TRAIL_EFULL }, { "drop", TRAIL_DROPPED } };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=20");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=0");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = bulky();
        struct trail_error error = { .message = "" };
        struct trail_id    id = { "untouched" };
        void              *lock = NULL;
        uint64_t           taken = fill(cases[i].overflow, &lock);
        assert_int_equal(trail_record(fixture.trail, &event, &id, &error), cases[i].err);
        assert_non_null(strstr(error.message, "AUDIT_TRAIL_SPOOL_MAX_BYTES"));
        assert_string_equal(id.text, "untouched");
        struct trail_stats          stats = trail_fixture_stats(&fixture);
        const struct trail_account *account = &stats.operations[TRAIL_OPERATION_UPDATE];
        assert_int_equal(account->recorded, taken);
        assert_int_equal(account->rejected, cases[i].err == TRAIL_EFULL ? 2 : 0);
        assert_int_equal(account->dropped, cases[i].err == TRAIL_DROPPED ? 2 : 0);
        assert_int_equal(stats.waiting, taken);
        assert_int_equal(trail_fixture_offered(&stats), taken + 2);
        trail_fixture_unlock_store(lock);
        (void)trail_fixture_close(&fixture);
    }
}

/* The fixture stores after an hour, and far fewer than AUDIT_TRAIL_BUFFER_MAX_SIZE of these fit: only the spool itself
 * can ask for its emptying. */
static void the_smallest_spool_is_emptied_although_nothing_is_due(void **state)
{
    (void)state;
    struct trail_event event = bulky();
    uint64_t           taken = 0;
    uint64_t           refused = 0;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_MAX_BYTES=4MiB");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_MAX_VALUE_BYTES=128KiB");
    trail_fixture_open(&fixture);
    int64_t until_us = clock_mono_us(&clock_system) + INT64_C(60) * 1000000;
    while (taken < 300 && clock_mono_us(&clock_system) < until_us) {
        enum trail_err err = trail_record(fixture.trail, &event, NULL, NULL);
        assert_true(err == TRAIL_OK || err == TRAIL_EFULL);
        taken += err == TRAIL_OK;
        refused += err == TRAIL_EFULL;
    }
    struct trail_stats          stats = trail_fixture_stats(&fixture);
    const struct trail_account *account = &stats.operations[TRAIL_OPERATION_UPDATE];
    assert_int_equal(taken, 300); /* Five times what it holds. */
    assert_int_equal(account->recorded, taken);
    assert_int_equal(account->rejected, refused);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "operation = 'update'"), taken);
}

struct sleeper {
    pid_t thread; /* Who is to be asleep before the store is unlocked. */
    void *lock;
};

static bool is_asleep(void *context)
{
    const struct sleeper *sleeper = context;
    char                  path[64];
    char                  line[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)sleeper->thread);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    const char *behind = got != NULL ? strrchr(line, ')') : NULL;
    return behind != NULL && behind[1] == ' ' && behind[2] == 'S';
}

static void *unlock_when_asleep(void *argument)
{
    struct sleeper *sleeper = argument;
    (void)patience_until(is_asleep, sleeper);
    trail_fixture_unlock_store(sleeper->lock);
    return NULL;
}

static void a_caller_that_blocks_goes_on_when_room_is_made(void **state)
{
    (void)state;
    struct trail_event event = bulky();
    struct trail_error error = { .code = TRAIL_EAWAY, .message = "untouched" };
    struct sleeper     sleeper = { .thread = gettid() };
    pthread_t          thread;
    /* First with little patience: how much goes in. */
    trail_fixture_set(&fixture, "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=1");
    uint64_t taken = fill("block", &sleeper.lock);
    trail_fixture_unlock_store(sleeper.lock);
    trail_fixture_flush(&fixture);
    (void)trail_fixture_close(&fixture);

    /* Then with much, and the same room. */
    sleeper.lock = trail_fixture_lock_store(&fixture);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=20000");
    trail_fixture_open(&fixture);
    assert_int_equal(pthread_create(&thread, NULL, unlock_when_asleep, &sleeper), 0);
    for (uint64_t i = 0; i < taken + 2; i++) /* Two more than there is room for. */
        assert_int_equal(trail_record(fixture.trail, &event, NULL, &error), TRAIL_OK);
    pthread_join(thread, NULL);
    assert_int_equal(error.code, TRAIL_EAWAY);
    assert_string_equal(error.message, "untouched");
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_UPDATE].recorded, taken + 2);
}

static void a_disk_that_fails_while_a_caller_blocks_is_counted_too(void **state)
{
    (void)state;
    struct trail_event event = bulky();
    struct sleeper     sleeper = { .thread = gettid() };
    struct trail_error error = { .message = "" };
    pthread_t          thread;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=5000");
    uint64_t taken = fill("block", &sleeper.lock);
    fault_arm(&disk, 0, FAULT_FOREVER, EIO);
    assert_int_equal(pthread_create(&thread, NULL, unlock_when_asleep, &sleeper), 0);
    enum trail_err err = trail_record(fixture.trail, &event, NULL, &error);
    pthread_join(thread, NULL);
    assert_int_equal(err, TRAIL_EIO);
    assert_true(fault_struck(&disk) > 0);
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.operations[TRAIL_OPERATION_UPDATE].recorded, taken);
    assert_int_equal(stats.operations[TRAIL_OPERATION_UPDATE].rejected, 2);
    print_message("             the disk failed %u times\n", fault_struck(&disk));
    fault_arm(&disk, 0, 0, 0);
}

static void a_disk_without_room_is_full(void **state)
{
    (void)state;
    struct trail_event event = bulky();
    struct trail_error error = { .message = "" };
    enum trail_err     err = TRAIL_OK;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_MAX_VALUE_BYTES=128KiB");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_MAX_BYTES=8MiB");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    fault_arm(&disk, 0, FAULT_FOREVER, ENOSPC);
    for (int i = 0; i < 200 && err == TRAIL_OK; i++)
        err = trail_record(fixture.trail, &event, NULL, &error);
    assert_int_equal(err, TRAIL_EFULL);
    assert_true(fault_struck(&disk) > 0);
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_UPDATE].rejected, 1);
    print_message("             the disk was full %u times\n", fault_struck(&disk));
    fault_arm(&disk, 0, 0, 0);
}

/* ---- What is kept ---- */

static void times_are_kept_or_clamped_and_flagged(void **state)
{
    (void)state;
    static const struct {
        int64_t  given_us;
        int64_t  stored_us;
        unsigned flags;
    } cases[] = {
        { 1, 1, 0 },
        { INT64_C(1795493106123456), INT64_C(1795493106123456), 0 },
        { CLOCK_WALL_US_MAX, CLOCK_WALL_US_MAX, 0 },
        { CLOCK_WALL_US_MAX + 1, CLOCK_WALL_US_MAX, TRAIL_FLAG_CLAMPED },
        { INT64_MAX, CLOCK_WALL_US_MAX, TRAIL_FLAG_CLAMPED },
        { -1, CLOCK_WALL_US_MIN, TRAIL_FLAG_CLAMPED },
        { INT64_MIN, CLOCK_WALL_US_MIN, TRAIL_FLAG_CLAMPED },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event("create_tool");
        event.timestamp_us = cases[i].given_us;
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
    }
    trail_fixture_flush(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (trail_fixture_rows(&fixture, "seq = %zu AND timestamp_us = %lld AND flags = %u", i + 2,
                               (long long)cases[i].stored_us, cases[i].flags) != 1)
            fail_msg("event %zu is not stored so", i);
    }
}

static void an_event_without_a_time_happened_now(void **state)
{
    (void)state;
    int64_t before_us = clock_wall_us(&clock_system);
    trail_fixture_record(&fixture, "create_tool");
    int64_t after_us = clock_wall_us(&clock_system);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture,
                                        "action = 'create_tool' AND flags = 0 AND timestamp_us BETWEEN %lld AND %lld",
                                        (long long)before_us, (long long)after_us),
                     1);
}

static void a_given_operation_wins_over_the_name(void **state)
{
    (void)state;
    static const struct {
        const char          *action;
        enum trail_operation given;
        const char          *stored;
        bool                 unclassified;
    } cases[] = {
        { "delete_tool", TRAIL_OPERATION_AUTO, "delete", false },
        { "delete_tool", TRAIL_OPERATION_EXPORT, "export", false },
        { "frobnicate", TRAIL_OPERATION_ADMIN, "admin", false },
        { "frobnicate", TRAIL_OPERATION_AUTO, "other", true },
        { "delete_tool", TRAIL_OPERATION_OTHER, "other", false },
    };
    uint64_t unclassified = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event(cases[i].action);
        event.operation = cases[i].given;
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
        unclassified += cases[i].unclassified;
        assert_int_equal(trail_fixture_stats(&fixture).unclassified, unclassified);
    }
    trail_fixture_flush(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (trail_fixture_rows(&fixture, "seq = %zu AND operation = '%s'", i + 2, cases[i].stored) != 1)
            fail_msg("event %zu is not stored so", i);
    }
}

static void no_secret_reaches_even_the_spool(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("update_tool");
    event.old_values = TRAIL_TEXT("{\"password\":\"kept-out-1\",\"name\":\"let-in-1\"}");
    event.new_values = TRAIL_TEXT("{\"deep\":[{\"API-Key\":\"kept-out-2\"}],\"name\":\"let-in-2\"}");
    event.context = TRAIL_TEXT("{\"my_field\":\"kept-out-3\"}");
    event.request_path = TRAIL_TEXT("/let-in-3?token=kept-out-4");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_REDACT_FIELDS=password,api_key,my_field");
    trail_fixture_open(&fixture);
    assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
    static const char json[] = "{\"action\":\"update_tool\",\"resource_type\":\"tool\",\"user_id\":\"alice\","
                               "\"new_values\":{\"password\":\"kept-out-5\"},\"unknown\":{\"my_field\":\"kept-out-6\"},"
                               "\"resource_name\":\"let-in-4\"}";
    assert_int_equal(trail_record_json(fixture.trail, TRAIL_TEXT(json), NULL, NULL), TRAIL_OK);

    for (int i = 1; i <= 4; i++) {
        char text[16];
        snprintf(text, sizeof text, "let-in-%d", i);
        assert_true(trail_fixture_spool_holds(&fixture, text)); /* We do look at the right bytes. */
    }
    assert_true(trail_fixture_spool_holds(&fixture, "[REDACTED]"));
    assert_false(trail_fixture_spool_holds(&fixture, "kept-out"));
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'update_tool' AND flags & 16"), 2);
}

static void a_large_value_is_replaced_by_its_hash_before_the_spool(void **state)
{
    (void)state;
    static char        values[4096];
    struct trail_event event = trail_fixture_event("update_tool");
    int                size = snprintf(values, sizeof values, "{\"text\":\"%3000s\"}", "kept-out");
    event.new_values = (struct trail_text){ values, (size_t)size };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_MAX_VALUE_BYTES=1KiB");
    trail_fixture_open(&fixture);
    assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
    assert_false(trail_fixture_spool_holds(&fixture, "kept-out"));
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "flags & 1 AND json_extract(new_values, '$._bytes') = 3011"), 1);
}

static void ids_that_are_given_out_stand_in_the_store(void **state)
{
    (void)state;
    struct trail_id ids[50];
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        char               name[16];
        struct trail_event event = trail_fixture_event("create_tool");
        snprintf(name, sizeof name, "r%zu", i);
        event.resource_id = trail_str(name);
        event.timestamp_us = i % 2 == 0 ? 0 : INT64_C(1700000000000000) + (int64_t)i;
        assert_int_equal(trail_record(fixture.trail, &event, &ids[i], NULL), TRAIL_OK);
    }
    trail_fixture_flush(&fixture);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        if (trail_fixture_rows(&fixture, "resource_id = 'r%zu' AND id = '%s'", i, ids[i].text) != 1)
            fail_msg("event %zu is not stored so", i);
    }
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(DISTINCT id) FROM audit_trail"), COUNT_OF(ids) + 1);
}

static void review_is_derived_and_always_set(void **state)
{
    (void)state;
    static const struct {
        const char       *action;
        enum trail_review given;
        int               stored;
    } cases[] = {
        { "delete_tool", TRAIL_REVIEW_AUTO, 1 }, { "delete_tool", TRAIL_REVIEW_NO, 0 },
        { "update_tool", TRAIL_REVIEW_AUTO, 0 }, { "update_tool", TRAIL_REVIEW_YES, 1 },
        { "frobnicate", TRAIL_REVIEW_AUTO, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event(cases[i].action);
        event.requires_review = cases[i].given;
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
    }
    trail_fixture_flush(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(trail_fixture_rows(&fixture, "seq = %zu AND requires_review = %d", i + 2, cases[i].stored), 1);
    }
}

/* ---- By struct and by JSON ---- */

static void json_and_struct_give_the_same_row(void **state)
{
    (void)state;
    static const struct trail_event event = {
        TRAIL_EVENT_INIT,
        .timestamp_us = INT64_C(1795493106123456),
        .operation = TRAIL_OPERATION_UPDATE,
        .outcome = TRAIL_OUTCOME_DENIED,
        .data_classification = TRAIL_CLASSIFICATION_CONFIDENTIAL,
        .action = { "set_x", 5 },
        .resource_type = { "tool", 4 },
        .resource_id = { "r1", 2 },
        .resource_name = { "R", 1 },
        .user_id = { "u", 1 },
        .user_email = { "u@x", 3 },
        .team_id = { "t", 1 },
        .auth_method = { "jwt", 3 },
        .acting_as = { "v", 1 },
        .client_ip = { "::1", 3 },
        .user_agent = { "curl", 4 },
        .request_method = { "PUT", 3 },
        .request_path = { "/x?y", 4 },
        .correlation_id = { "c", 1 },
        .request_id = { "q", 1 },
        .error_message = { "no", 2 },
        .delegation_chain = { "[\"u\"]", 5 },
        .old_values = { "{\"a\":1,\"password\":\"p\"}", 22 },
        .new_values = { "{\"a\":2}", 7 },
        .context = { "{\"k\":null}", 10 },
    };
    static const char json[] =
        "{\"timestamp\":\"2026-11-24T04:05:06.123456Z\",\"operation\":\"update\",\"outcome\":\"denied\","
        "\"data_classification\":\"confidential\",\"action\":\"set_x\",\"resource_type\":\"tool\","
        "\"resource_id\":\"r1\",\"resource_name\":\"R\",\"user_id\":\"u\",\"user_email\":\"u@x\","
        "\"team_id\":\"t\",\"auth_method\":\"jwt\","
        "\"acting_as\":\"v\",\"client_ip\":\"::1\",\"user_agent\":\"curl\",\"request_method\":\"PUT\","
        "\"request_path\":\"/x?y\",\"correlation_id\":\"c\",\"request_id\":\"q\",\"error_message\":\"no\","
        "\"delegation_chain\":[\"u\"],\"old_values\":{\"a\":1,\"password\":\"p\"},\"new_values\":{\"a\":2},"
        "\"context\":{\"k\":null}}";
    struct trail_id ids[2];
    assert_int_equal(trail_record(fixture.trail, &event, &ids[0], NULL), TRAIL_OK);
    assert_int_equal(trail_record_json(fixture.trail, TRAIL_TEXT(json), &ids[1], NULL), TRAIL_OK);
    assert_string_not_equal(ids[0].text, ids[1].text);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'set_x'"), 2);
    assert_int_equal(
        trail_fixture_number(
            &fixture, "SELECT count(*) FROM (SELECT DISTINCT timestamp_us, correlation_id, request_id, action, "
                      "resource_type, resource_id, resource_name, user_id, user_email, team_id, client_ip, user_agent, "
                      "request_path, request_method, old_values, new_values, changes, data_classification, "
                      "requires_review, success, error_message, context, auth_method, acting_as, delegation_chain, "
                      "operation, outcome, level, flags, weight, service, writer FROM audit_trail WHERE action = "
                      "'set_x')"),
        1);
    /* And none of the fields went missing on both ways. */
    assert_int_equal(
        trail_fixture_rows(&fixture,
                           "action = 'set_x' AND request_path = '/x' AND error_message = 'no' AND context = "
                           "'{\"k\":null}' AND changes IS NOT NULL AND old_values LIKE '%%REDACTED%%' AND team_id = "
                           "'t' AND delegation_chain = '[\"u\"]' AND requires_review = 1 AND acting_as = 'v'"),
        2);
}

static void json_that_is_no_event_is_rejected_at_its_place(void **state)
{
    (void)state;
    static const struct {
        const char          *json;
        uint64_t             offset;
        enum trail_operation counted;
    } cases[] = {
        { "", 0, TRAIL_OPERATION_OTHER },
        { "[1]", 0, TRAIL_OPERATION_OTHER },
        { "{\"action\":{}}", 10, TRAIL_OPERATION_OTHER },
        { "{\"action\":\"create_tool\",\"resource_type\":\"tool\"}", 0, TRAIL_OPERATION_CREATE },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_error error = { .message = "" };
        struct trail_id    id = { "untouched" };
        uint64_t           before = trail_fixture_stats(&fixture).operations[cases[i].counted].rejected;
        assert_int_equal(trail_record_json(fixture.trail, trail_str(cases[i].json), &id, &error), TRAIL_EINVAL);
        assert_int_equal(error.offset, cases[i].offset);
        assert_string_equal(id.text, "untouched");
        assert_int_equal(trail_fixture_stats(&fixture).operations[cases[i].counted].rejected, before + 1);
    }
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(trail_fixture_offered(&stats), COUNT_OF(cases));
}

/* ---- Many threads ---- */

#define THREADS 4
#define EVENTS_EACH 500

static void *record_many(void *argument)
{
    struct trail_id *ids = argument;
    for (size_t i = 0; i < EVENTS_EACH; i++) {
        struct trail_event event = trail_fixture_event(i % 2 == 0 ? "create_tool" : "delete_tool");
        if (trail_record(fixture.trail, &event, &ids[i], NULL) != TRAIL_OK)
            return NULL;
    }
    return argument;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct trail_id *)a)->text, ((const struct trail_id *)b)->text);
}

static void threads_record_at_once_and_nothing_is_lost_or_given_twice(void **state)
{
    (void)state;
    static struct trail_id ids[THREADS * EVENTS_EACH];
    pthread_t              threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, &ids[i * EVENTS_EACH]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].recorded, COUNT_OF(ids) / 2);
    assert_int_equal(stats.operations[TRAIL_OPERATION_DELETE].recorded, COUNT_OF(ids) / 2);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(DISTINCT seq) FROM audit_events"), COUNT_OF(ids) + 1);
    qsort(ids, COUNT_OF(ids), sizeof ids[0], compare_ids);
    for (size_t i = 1; i < COUNT_OF(ids); i++)
        assert_string_not_equal(ids[i - 1].text, ids[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_policy_refuses_by_level_and_by_exclusion, make, stop),
        cmocka_unit_test_setup_teardown(what_is_always_recorded_passes_level_exclusion_and_sampling, make, stop),
        cmocka_unit_test_setup_teardown(sampling_counts_what_it_leaves_out_and_weighs_what_it_keeps, make, stop),
        cmocka_unit_test_setup_teardown(the_action_map_decides_what_an_unknown_action_is, make, stop),
        cmocka_unit_test_setup_teardown(an_outcome_other_than_success_passes_failures_only, make, stop),
        cmocka_unit_test_setup_teardown(what_is_no_event_is_rejected_and_counted, start, stop),
        cmocka_unit_test_setup_teardown(null_is_told_from_an_event, start, stop),
        cmocka_unit_test_setup_teardown(a_newer_caller_s_event_is_recorded_with_what_is_known_here, start, stop),
        cmocka_unit_test_setup_teardown(what_is_larger_than_a_mebibyte_is_too_big, make, stop),
        cmocka_unit_test_setup_teardown(without_async_ok_means_stored, make, stop),
        cmocka_unit_test_setup_teardown(a_store_that_is_locked_makes_it_pending_and_it_is_stored_later, make, stop),
        cmocka_unit_test_setup_teardown(machine_durability_is_confirmed_by_the_disk, make, stop),
        cmocka_unit_test_setup_teardown(a_full_spool_rejects_or_drops_as_it_was_told_and_counts_it, make, stop),
        cmocka_unit_test_setup_teardown(the_smallest_spool_is_emptied_although_nothing_is_due, make, stop),
        cmocka_unit_test_setup_teardown(a_caller_that_blocks_goes_on_when_room_is_made, make, stop),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_while_a_caller_blocks_is_counted_too, make, stop),
        cmocka_unit_test_setup_teardown(a_disk_without_room_is_full, make, stop),
        cmocka_unit_test_setup_teardown(times_are_kept_or_clamped_and_flagged, start, stop),
        cmocka_unit_test_setup_teardown(an_event_without_a_time_happened_now, start, stop),
        cmocka_unit_test_setup_teardown(a_given_operation_wins_over_the_name, start, stop),
        cmocka_unit_test_setup_teardown(no_secret_reaches_even_the_spool, make, stop),
        cmocka_unit_test_setup_teardown(a_large_value_is_replaced_by_its_hash_before_the_spool, make, stop),
        cmocka_unit_test_setup_teardown(ids_that_are_given_out_stand_in_the_store, start, stop),
        cmocka_unit_test_setup_teardown(review_is_derived_and_always_set, start, stop),
        cmocka_unit_test_setup_teardown(json_and_struct_give_the_same_row, start, stop),
        cmocka_unit_test_setup_teardown(json_that_is_no_event_is_rejected_at_its_place, start, stop),
        cmocka_unit_test_setup_teardown(threads_record_at_once_and_nothing_is_lost_or_given_twice, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
