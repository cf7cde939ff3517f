/* test_reload.c -- a policy that is reloaded decides from then on, and its change is recorded before its decisions.
 *
 * Goal:   what decides about events is taken over and nothing else; each change is recorded once, with the old and the
 *         new policy, before anything that it decides; a wrong setting, an early call and a change that cannot be
 *         recorded leave everything as it was; off and on again says for how long; under load every event has exactly
 *         one verdict, of one of the policies, under one reason.
 * Method: a real trail whose env file is written over, on a clock that is turned by hand, so that "once a second" costs
 *         nothing; control_append_then() fails when told; the load is four threads that record across 1,000 reloads.
 *
 * More than 600 lines: the load, a third of them, needs the same trail, clock and reload() as the facts before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os_file.h"
#include "policy/sampling_key.h"
#include "spool/control_append.h"
#include "support/fault.h"
#include "support/manual_clock.h"
#include "trail/trail_fixture.h"
#include "trail/trail_state.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_US INT64_C(1000000)

static struct trail_fixture fixture;
static struct manual_clock  turned;
static struct fault         append_fault; /* Of policy_changed. */
static uint64_t             round_now;    /* Atomic: how many changes were about to be recorded. */

enum trail_err __real_control_append_then(struct spool *spool, const struct control_record *record);
enum trail_err __wrap_control_append_then(struct spool *spool, const struct control_record *record);

enum trail_err __wrap_control_append_then(struct spool *spool, const struct control_record *record)
{
    __atomic_add_fetch(&round_now, 1, __ATOMIC_ACQ_REL);
    return fault_strikes(&append_fault) ? TRAIL_EFULL : __real_control_append_then(spool, record);
}

static int make(void **state)
{
    (void)state;
    append_fault = (struct fault){ 0 };
    manual_clock_init(&turned);
    trail_fixture_init(&fixture);
    trail_fixture_unset(&fixture, "AUDIT_TRAIL_LEVEL");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

static void open_with(const char *env)
{
    trail_fixture_write_env(&fixture, env);
    trail_fixture_open(&fixture);
    fixture.trail->clock = &turned.clock;
}

/* A second later, with these settings in the file. */
static enum trail_err reload(const char *env, struct trail_error *ret_error)
{
    trail_fixture_write_env(&fixture, env);
    manual_clock_advance(&turned, SECOND_US);
    return trail_reload(fixture.trail, ret_error);
}

static enum trail_err record(const char *action)
{
    struct trail_event event = trail_fixture_event(action);
    return trail_record(fixture.trail, &event, NULL, NULL);
}

static void assert_line(const char *expected)
{
    char line[256];
    (void)trail_describe(fixture.trail, line, sizeof line);
    if (strncmp(line, expected, strlen(expected)) != 0)
        fail_msg("%s is not %s", line, expected);
}

static int64_t changes(void)
{
    trail_fixture_flush(&fixture);
    return trail_fixture_rows(&fixture, "action = 'policy_changed'");
}

/* A value of the context of the record policy_changed that came last, by its JSON path. */
static void assert_change(const char *path, const char *expected)
{
    char sql[256];
    char text[512];
    trail_fixture_flush(&fixture);
    snprintf(sql, sizeof sql,
             "SELECT json_extract(context, '$.%s') FROM audit_trail WHERE action = 'policy_changed' ORDER BY seq DESC",
             path);
    trail_fixture_text(&fixture, sql, text);
    assert_string_equal(text, expected);
}

/* ---- A change ---- */

static void a_change_holds_for_the_next_event_and_is_recorded_with_the_old_and_the_new_policy(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=writes_only\nAUDIT_TRAIL_EXCLUDE_ACTIONS=create_*\n", NULL), TRAIL_OK);
    assert_int_equal(record("get_tool"), TRAIL_REFUSED);
    assert_int_equal(record("create_tool"), TRAIL_REFUSED);
    assert_int_equal(record("delete_tool"), TRAIL_OK);
    assert_line("level writes_only; not recorded: read, access; excluded actions: create_*");
    assert_true(trail_fixture_was_told(&fixture, "the policy changed: level writes_only; not recorded: read, access"));

    assert_int_equal(changes(), 1);
    assert_change("old.policy", "level all; not recorded: nothing");
    assert_change("new.policy", "level writes_only; not recorded: read, access; excluded actions: create_*");
    assert_change("old.AUDIT_TRAIL_LEVEL", "all");
    assert_change("new.AUDIT_TRAIL_LEVEL", "writes_only");
    assert_change("old.AUDIT_TRAIL_EXCLUDE_ACTIONS", "");
    assert_change("new.AUDIT_TRAIL_EXCLUDE_ACTIONS", "create_*");
    assert_change("new.AUDIT_TRAIL_EXCLUDE_RESOURCES", "");
    assert_change("changed", "[\"AUDIT_TRAIL_LEVEL\",\"AUDIT_TRAIL_EXCLUDE_ACTIONS\"]");
    assert_change("off_seconds", "NULL");
    assert_int_equal(trail_fixture_rows(&fixture,
                                        "action = 'policy_changed' AND seq = 3 AND flags = 64 AND operation = "
                                        "'audit' AND user_id = 'system'"),
                     1); /* After the start and the read, before the delete. */
}

static void without_a_change_nothing_is_recorded_told_or_kept(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_EXCLUDE_ACTIONS=a,b\n");
    const struct rules *before = fixture.trail->rules;
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_EXCLUDE_ACTIONS=\" a , b,\"\nAUDIT_TRAIL_LEVEL=all\n", NULL), TRAIL_OK);
    assert_int_equal(changes(), 0);
    assert_ptr_equal(fixture.trail->rules, before);
    assert_null(before->former);
    assert_int_equal(trail_fixture_notices(&fixture), 0);
}

static void a_reload_before_the_first_event_is_told_by_the_start(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=deletes_only\n", NULL), TRAIL_OK);
    assert_line("level deletes_only");
    assert_int_equal(temp_dir_count(fixture.spool_dir), 0);
    assert_int_equal(record("get_tool"), TRAIL_REFUSED);
    assert_int_equal(record("delete_tool"), TRAIL_OK);
    assert_int_equal(changes(), 0);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND json_extract(context, "
                                                  "'$.AUDIT_TRAIL_LEVEL') = 'deletes_only'"),
                     1);
}

static void a_change_is_recorded_although_nothing_else_was(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=deletes_only\n");
    assert_int_equal(record("get_tool"), TRAIL_REFUSED);
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=all\n", NULL), TRAIL_OK);
    assert_int_equal(changes(), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND seq = 1 AND json_extract(context, "
                                                  "'$.AUDIT_TRAIL_LEVEL') = 'deletes_only'"),
                     1);
}

static void lists_of_any_length_are_recorded(void **state)
{
    (void)state;
    static char env[3 * 60000];
    size_t      size = 0;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    size += (size_t)snprintf(env, sizeof env, "AUDIT_TRAIL_EXCLUDE_ACTIONS=");
    while (size < 30000)
        size += (size_t)snprintf(env + size, sizeof env - size, "x\"%080zu,", size); /* A quote has to be escaped. */
    assert_int_equal(reload(env, NULL), TRAIL_OK);
    assert_int_equal(changes(), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'policy_changed' AND json_extract(context, "
                                                  "'$.new.AUDIT_TRAIL_EXCLUDE_ACTIONS') LIKE '%% ... (_____ bytes)'"),
                     1);
}

/* ---- Sampling ---- */

/* Whether all three events of a request got the same answer, and which. */
static bool request_is_kept(unsigned number)
{
    enum trail_err answers[3];
    char           id[32];
    snprintf(id, sizeof id, "request-%u", number);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct trail_event event = trail_fixture_event("create_tool");
        event.correlation_id = trail_str(id);
        answers[i] = trail_record(fixture.trail, &event, NULL, NULL);
    }
    assert_true(answers[0] == TRAIL_OK || answers[0] == TRAIL_REFUSED);
    assert_int_equal(answers[1], answers[0]);
    assert_int_equal(answers[2], answers[0]);
    return answers[0] == TRAIL_OK;
}

/* How many of 200 requests are kept whole, the rest being left out whole. */
static unsigned requests_kept(void)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < 200; i++)
        kept += request_is_kept(i);
    return kept;
}

static void a_reload_to_a_policy_that_samples_makes_the_key_and_keeps_requests_whole(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(requests_kept(), 200); /* The control. */
    assert_int_not_equal(access(temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME), F_OK), 0);
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_SAMPLE_RATE=0.5\n", NULL), TRAIL_OK);
    assert_int_equal(access(temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME), F_OK), 0);
    unsigned kept = requests_kept();
    print_message("%u of 200 requests were kept\n", kept);
    assert_true(kept > 200 / 2 - 50 && kept < 200 / 2 + 50); /* Seven standard deviations. */
    assert_false(trail_fixture_was_told(&fixture, "by a key of its own"));
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "weight = 2"), 3 * kept);
    assert_int_equal(trail_fixture_rows(&fixture, "weight = 1 AND action = 'create_tool'"), 3 * 200);
}

static void a_reload_to_a_policy_that_samples_tells_of_a_key_that_is_damaged(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("create_tool"), TRAIL_OK);
    assert_int_equal(os_replace_file(temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME), TRAIL_TEXT("short"), NULL),
                     TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_SAMPLE_RATE=0.5\n", NULL), TRAIL_OK);
    assert_true(trail_fixture_was_told(&fixture, "has less than the 16 bytes of a key"));
    assert_true(trail_fixture_was_told(&fixture, "by a key of its own"));
    unsigned kept = requests_kept();
    assert_true(kept > 200 / 2 - 50 && kept < 200 / 2 + 50);
}

/* Nothing is open, so a reload has no reason to read a key; the trail opens with an event that may have been given the
 * policy before. */
static void a_policy_that_sampled_before_the_first_event_still_gets_its_key(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_SAMPLE_RATE=0.5\n");
    const struct policy *former = fixture.trail->rules->policy;
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=all\n", NULL), TRAIL_OK);
    assert_ptr_not_equal(fixture.trail->rules->policy, former);
    assert_false(fixture.trail->has_sampling_key);
    assert_int_equal(record("create_tool"), TRAIL_OK);
    assert_true(fixture.trail->has_sampling_key);
    assert_int_equal(access(temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME), F_OK), 0);
}

/* ---- No change ---- */

static void a_wrong_setting_is_told_and_changes_nothing(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    const struct rules *before = fixture.trail->rules;
    assert_int_equal(
        reload("AUDIT_TRAIL_LEVEL=some\nAUDIT_TRAIL_ENABLED=maybe\nAUDIT_TRAIL_EXCLUDE_ACTIONS=x\n", &error),
        TRAIL_ECONFIG);
    assert_int_equal(error.code, TRAIL_ECONFIG);
    assert_string_equal(error.message, fixture.notices[0].message);
    assert_int_equal(trail_fixture_notices(&fixture), 2);
    assert_true(trail_fixture_was_told(&fixture, "AUDIT_TRAIL_LEVEL=some"));
    assert_true(trail_fixture_was_told(&fixture, "AUDIT_TRAIL_ENABLED=maybe"));
    assert_ptr_equal(fixture.trail->rules, before);
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(changes(), 0);

    /* Repaired, it takes effect. */
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=deletes_only\n", NULL), TRAIL_OK);
    assert_int_equal(record("get_tool"), TRAIL_REFUSED);
}

static void what_the_policy_itself_refuses_is_told_as_well(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    char               env[600] = "AUDIT_TRAIL_EXCLUDE_ACTIONS=";
    memset(env + strlen(env), 'x', 500); /* Longer than a pattern may be. */
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(reload(env, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_EXCLUDE_ACTIONS"));
    assert_true(trail_fixture_was_told(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS"));
    assert_line("level all");
}

static void a_call_within_a_second_does_nothing_and_says_so(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(trail_reload(fixture.trail, NULL), TRAIL_OK); /* The first may come at once. */
    trail_fixture_write_env(&fixture, "AUDIT_TRAIL_LEVEL=none\n");
    manual_clock_advance(&turned, SECOND_US - 1);
    assert_int_equal(trail_reload(fixture.trail, &error), TRAIL_EAGAIN);
    assert_int_equal(error.code, TRAIL_EAGAIN);
    assert_int_equal(trail_fixture_notices(&fixture), 0); /* It was not read. */
    manual_clock_advance(&turned, 1);
    assert_int_equal(trail_reload(fixture.trail, NULL), TRAIL_ECONFIG);
    assert_int_equal(trail_reload(fixture.trail, NULL), TRAIL_EAGAIN); /* A failure counts, too. */
}

static void what_needs_a_restart_is_named(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(
        reload("AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_MAX_VALUE_BYTES=1KiB\nAUDIT_TRAIL_REDACT_FIELDS=x\n", NULL),
        TRAIL_OK);
    assert_int_equal(trail_fixture_notices(&fixture), 1);
    assert_true(trail_fixture_was_told(
        &fixture, "AUDIT_TRAIL_REDACT_FIELDS, AUDIT_TRAIL_MAX_VALUE_BYTES changed; that takes effect with a restart"));
    assert_int_equal(changes(), 0);
    assert_int_equal(fixture.trail->settings.max_value_bytes, 16384);

    assert_int_equal(
        reload("AUDIT_TRAIL_LEVEL=deletes_only\nAUDIT_TRAIL_ASYNC=false\nAUDIT_TRAIL_BUFFER_ENABLED=false\n"
               "AUDIT_TRAIL_SYNC_TIMEOUT_MS=1\nAUDIT_TRAIL_OVERFLOW=drop\nAUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=1\n"
               "AUDIT_TRAIL_SPOOL_MAX_BYTES=512MiB\nAUDIT_TRAIL_SYNC_INTERVAL=2\n",
               NULL),
        TRAIL_OK);
    assert_true(trail_fixture_was_told(&fixture, "AUDIT_TRAIL_ASYNC, AUDIT_TRAIL_BUFFER_ENABLED, "));
    assert_true(trail_fixture_was_told(&fixture, " more changed; that takes effect with a restart"));
    assert_true(trail_fixture_was_told(&fixture, "the policy changed: level deletes_only"));
}

static void a_change_that_cannot_be_recorded_does_not_happen(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    fault_arm(&append_fault, 0, 1, 0);
    assert_int_equal(reload("AUDIT_TRAIL_ENABLED=false\n", &error), TRAIL_EFULL);
    assert_int_equal(fault_struck(&append_fault), 1);
    assert_int_equal(error.code, TRAIL_EFULL);
    assert_non_null(strstr(error.message, "cannot be recorded"));
    assert_true(trail_fixture_was_told(&fixture, "cannot be recorded"));
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_ENABLED=false\n", NULL), TRAIL_OK); /* The control. */
    assert_int_equal(record("get_tool"), TRAIL_REFUSED);
}

static void no_trail_is_an_error(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    assert_int_equal(trail_reload(NULL, &error), TRAIL_EINVAL);
    assert_int_equal(error.code, TRAIL_EINVAL);
}

/* ---- Off and on ---- */

static void off_is_recorded_before_it_holds_and_on_says_for_how_long_it_was_off(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_ENABLED=false\n", NULL), TRAIL_OK);
    assert_line("disabled; nothing is recorded");
    for (int i = 0; i < 7; i++)
        assert_int_equal(record("delete_tool"), TRAIL_REFUSED);
    assert_int_equal(trail_record_json(fixture.trail, TRAIL_TEXT("[]"), NULL, NULL), TRAIL_EINVAL);
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.disabled, 8);
    assert_int_equal(trail_fixture_offered(&stats), 1);
    assert_int_equal(changes(), 1);
    assert_change("new.policy", "disabled; nothing is recorded");
    assert_change("changed", "[\"AUDIT_TRAIL_ENABLED\"]");

    manual_clock_advance(&turned, 99 * SECOND_US);
    assert_int_equal(reload("AUDIT_TRAIL_LEVEL=writes_only\n", NULL), TRAIL_OK);
    assert_int_equal(changes(), 2);
    assert_change("off_seconds", "100");
    assert_change("old.policy", "disabled; nothing is recorded");
    assert_change("new.policy", "level writes_only; not recorded: read, access");
    assert_int_equal(record("delete_tool"), TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 1);
}

static void a_trail_that_was_opened_disabled_opens_with_the_first_event_after_it_is_on(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_ENABLED=false\n");
    assert_int_equal(record("create_tool"), TRAIL_REFUSED);
    assert_int_equal(reload("AUDIT_TRAIL_ENABLED=false\nAUDIT_TRAIL_LEVEL=deletes_only\n", NULL), TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_ENABLED=true\n", NULL), TRAIL_OK);
    assert_int_equal(temp_dir_count(fixture.dir.path), 1); /* The env file. */
    assert_int_equal(record("create_tool"), TRAIL_OK);
    assert_int_equal(trail_fixture_stats(&fixture).disabled, 1);
    assert_int_equal(changes(), 0);
    assert_int_equal(trail_fixture_rows(&fixture, "1"), 2);
}

static void the_next_start_knows_the_policy_that_was_reloaded(void **state)
{
    (void)state;
    open_with("AUDIT_TRAIL_LEVEL=all\n");
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(reload("AUDIT_TRAIL_ENABLED=false\n", NULL), TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    manual_clock_advance(&turned, 60 * SECOND_US);
    open_with("AUDIT_TRAIL_LEVEL=deletes_only\n");
    assert_int_equal(record("delete_tool"), TRAIL_OK);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture,
                                        "json_extract(context, '$.last_run.ended') = 'stopped' AND "
                                        "json_extract(context, '$.last_run.off_seconds') = 60 AND "
                                        "json_extract(context, '$.changed') = "
                                        "'{\"AUDIT_TRAIL_ENABLED\":{\"old\":\"false\",\"new\":\"true\"},"
                                        "\"AUDIT_TRAIL_LEVEL\":{\"old\":\"writes_only\",\"new\":\"deletes_only\"}}'"),
                     1);
}

/* ---- Under load ---- */

#define THREADS 4
#define RELOADS 1000
#define EVENTS_PER_RELOAD 20

/* Two policies that take turns; both leave out create_both and get_b, and sample what they do not leave out. Only one
 * of them knows `poll` for a creation, and only the other keeps the failures that both exclude: when it does, whole. */
static const char *const policies[] = {
    "AUDIT_TRAIL_LEVEL=all\nAUDIT_TRAIL_EXCLUDE_ACTIONS=create_b,create_both,create_failing,get_b\n"
    "AUDIT_TRAIL_SAMPLE_RATE=0.5\nAUDIT_TRAIL_ACTION_MAP=poll=create\n",
    "AUDIT_TRAIL_LEVEL=writes_only\nAUDIT_TRAIL_EXCLUDE_ACTIONS=create_a,create_both,create_failing\n"
    "AUDIT_TRAIL_SAMPLE_RATE=0.25\nAUDIT_TRAIL_ALWAYS_RECORD=failures\n",
};

enum kind { KIND_A, KIND_B, KIND_BOTH, KIND_NEITHER, KIND_READ, KIND_FAILING, KIND_MAPPED, KIND_COUNT };

/* weights[i]: of what policies[i] keeps; 0: it leaves the kind out. */
static const struct {
    const char *action;
    double      weights[2];
} kinds[KIND_COUNT] = {
    [KIND_A] = { "create_a", { 2, 0 } },       [KIND_B] = { "create_b", { 0, 4 } },
    [KIND_BOTH] = { "create_both", { 0, 0 } }, [KIND_NEITHER] = { "create_neither", { 2, 4 } },
    [KIND_READ] = { "get_b", { 0, 0 } },       [KIND_FAILING] = { "create_failing", { 0, 1 } },
    [KIND_MAPPED] = { "poll", { 2, 1 } }, /* An operation that is not known is not sampled. */
};

struct load {
    pthread_t thread;
    unsigned  number;
    uint64_t  events;
    uint64_t  recorded[KIND_COUNT];
    uint64_t  refused[KIND_COUNT];
    uint64_t  other; /* Any other answer. */
};

static void *record_across_reloads(void *argument)
{
    struct load *load = argument;
    char         user[16];
    snprintf(user, sizeof user, "thread-%u", load->number);
    for (uint64_t i = 0; i < load->events; i++) {
        while (__atomic_load_n(&round_now, __ATOMIC_ACQUIRE) * EVENTS_PER_RELOAD < i)
            (void)sched_yield(); /* Each change meets some events. */
        enum kind          kind = (enum kind)(i % KIND_COUNT);
        struct trail_event event = trail_fixture_event(kinds[kind].action);
        event.user_id = trail_str(user);
        if (kind == KIND_FAILING)
            event.outcome = TRAIL_OUTCOME_FAILURE;
        enum trail_err err = trail_record(fixture.trail, &event, NULL, NULL);
        load->recorded[kind] += err == TRAIL_OK;
        load->refused[kind] += err == TRAIL_REFUSED;
        load->other += err != TRAIL_OK && err != TRAIL_REFUSED;
    }
    return NULL;
}

/* Let two policies take turns while four threads record. */
static void reload_under_load(const char *const turns[2], size_t reloads, struct load loads[THREADS])
{
    assert_int_equal(record("delete_tool"), TRAIL_OK); /* So that it runs when the first reload comes. */
    __atomic_store_n(&round_now, 0, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < THREADS; i++) {
        loads[i] = (struct load){ .number = i, .events = reloads * EVENTS_PER_RELOAD };
        assert_int_equal(pthread_create(&loads[i].thread, NULL, record_across_reloads, &loads[i]), 0);
    }
    for (size_t i = 1; i <= reloads; i++)
        assert_int_equal(reload(turns[i % 2], NULL), TRAIL_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(loads[i].thread, NULL);
        assert_int_equal(loads[i].other, 0);
    }
}

static const double *weights_of(const char *action)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].action, action) == 0)
            return kinds[i].weights;
    }
    fail_msg("%s was not offered", action);
    return NULL;
}

/* The records in their order. Behind policy_changed a thread may have one event that the policy before decided: its
 * first. One in any other place was decided by a policy that was not in force. */
static void assert_every_record_stands_under_its_policy(void)
{
    sqlite3      *db = NULL;
    sqlite3_stmt *rows = NULL;
    uint64_t      late = 0;
    size_t        in_force = 0;
    bool          has_recorded[THREADS] = { false };

    assert_int_equal(sqlite3_open_v2(fixture.database, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT action, user_id, weight FROM audit_trail ORDER BY seq", -1, &rows, NULL),
        SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        const char *action = (const char *)sqlite3_column_text(rows, 0);
        const char *user = (const char *)sqlite3_column_text(rows, 1);
        if (strcmp(action, "policy_changed") == 0) {
            in_force = 1 - in_force;
            memset(has_recorded, 0, sizeof has_recorded);
        }
        if (strncmp(user, "thread-", 7) != 0)
            continue;
        size_t        thread = (size_t)(user[7] - '0');
        double        weight = sqlite3_column_double(rows, 2);
        const double *weights = weights_of(action);
        bool          fits = weight == weights[in_force]; /* Powers of two are exact. */
        if (!fits && (has_recorded[thread] || weight != weights[1 - in_force] || weight == 0))
            fail_msg("%s of %s with the weight %g stands under the policy that gives it %g", action, user, weight,
                     weights[in_force]);
        late += !fits;
        has_recorded[thread] = true;
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
    print_message("%" PRIu64 " events were in flight across %d reloads\n", late, RELOADS);
}

static void a_thousand_reloads_under_load_leave_every_event_one_verdict(void **state)
{
    (void)state;
    static struct load loads[THREADS];
    uint64_t           recorded = 0;
    uint64_t           refused = 0;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL=86400");
    open_with(policies[0]);
    reload_under_load(policies, RELOADS, loads);

    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(loads[i].recorded[KIND_BOTH] + loads[i].recorded[KIND_READ], 0);
        /* Both policies had a say, or this shows nothing. */
        assert_true(loads[i].recorded[KIND_A] > 0 && loads[i].recorded[KIND_B] > 0);
        assert_true(loads[i].recorded[KIND_NEITHER] > 0 && loads[i].refused[KIND_NEITHER] > 0);
        assert_true(loads[i].recorded[KIND_FAILING] > 0 && loads[i].refused[KIND_FAILING] > 0);
        assert_true(loads[i].recorded[KIND_MAPPED] > 0 && loads[i].refused[KIND_MAPPED] > 0);
        for (size_t kind = 0; kind < KIND_COUNT; kind++) {
            recorded += loads[i].recorded[kind];
            refused += loads[i].refused[kind];
        }
    }
    struct trail_stats          stats = trail_fixture_stats(&fixture);
    const struct trail_account *create = &stats.operations[TRAIL_OPERATION_CREATE];
    const struct trail_account *read = &stats.operations[TRAIL_OPERATION_READ];
    assert_int_equal(recorded + refused, (uint64_t)THREADS * RELOADS * EVENTS_PER_RELOAD);
    const struct trail_account *other = &stats.operations[TRAIL_OPERATION_OTHER]; /* `poll`, without the map. */
    assert_int_equal(create->recorded + other->recorded, recorded);
    assert_int_equal(create->excluded + create->sampled + read->excluded + read->level + other->level, refused);
    assert_int_equal(create->level + read->recorded + other->sampled, 0);
    assert_true(create->sampled > 0);
    assert_int_equal(trail_fixture_offered(&stats), recorded + refused + 1);

    assert_int_equal(changes(), RELOADS);
    assert_int_equal(trail_fixture_rows(&fixture, "user_id LIKE 'thread-%%'"), recorded);
    assert_every_record_stands_under_its_policy();
}

#define SWITCHES 200

static void a_switch_that_is_turned_under_load_counts_every_event_once(void **state)
{
    (void)state;
    static const char *const on_and_off[] = { "AUDIT_TRAIL_LEVEL=all\n", "AUDIT_TRAIL_ENABLED=false\n" };
    static struct load       loads[THREADS];
    uint64_t                 recorded = 0;
    uint64_t                 refused = 0;
    open_with(on_and_off[0]);
    reload_under_load(on_and_off, SWITCHES, loads);
    for (size_t i = 0; i < THREADS; i++) {
        for (size_t kind = 0; kind < KIND_COUNT; kind++) {
            recorded += loads[i].recorded[kind];
            refused += loads[i].refused[kind];
        }
    }
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(recorded + refused, (uint64_t)THREADS * SWITCHES * EVENTS_PER_RELOAD);
    assert_true(recorded > 0 && refused > 0);
    assert_int_equal(stats.disabled, refused);
    assert_int_equal(trail_fixture_offered(&stats), recorded + 1);
    assert_int_equal(changes(), SWITCHES);
    assert_int_equal(trail_fixture_rows(&fixture, "user_id LIKE 'thread-%%'"), recorded);
    assert_int_equal(trail_fixture_rows(&fixture, "json_extract(context, '$.off_seconds') = 1"), SWITCHES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_change_holds_for_the_next_event_and_is_recorded_with_the_old_and_the_new_policy, make, stop),
        cmocka_unit_test_setup_teardown(without_a_change_nothing_is_recorded_told_or_kept, make, stop),
        cmocka_unit_test_setup_teardown(a_reload_before_the_first_event_is_told_by_the_start, make, stop),
        cmocka_unit_test_setup_teardown(a_change_is_recorded_although_nothing_else_was, make, stop),
        cmocka_unit_test_setup_teardown(lists_of_any_length_are_recorded, make, stop),
        cmocka_unit_test_setup_teardown(a_reload_to_a_policy_that_samples_makes_the_key_and_keeps_requests_whole, make,
                                        stop),
        cmocka_unit_test_setup_teardown(a_reload_to_a_policy_that_samples_tells_of_a_key_that_is_damaged, make, stop),
        cmocka_unit_test_setup_teardown(a_policy_that_sampled_before_the_first_event_still_gets_its_key, make, stop),
        cmocka_unit_test_setup_teardown(a_wrong_setting_is_told_and_changes_nothing, make, stop),
        cmocka_unit_test_setup_teardown(what_the_policy_itself_refuses_is_told_as_well, make, stop),
        cmocka_unit_test_setup_teardown(a_call_within_a_second_does_nothing_and_says_so, make, stop),
        cmocka_unit_test_setup_teardown(what_needs_a_restart_is_named, make, stop),
        cmocka_unit_test_setup_teardown(a_change_that_cannot_be_recorded_does_not_happen, make, stop),
        cmocka_unit_test_setup_teardown(no_trail_is_an_error, make, stop),
        cmocka_unit_test_setup_teardown(off_is_recorded_before_it_holds_and_on_says_for_how_long_it_was_off, make,
                                        stop),
        cmocka_unit_test_setup_teardown(a_trail_that_was_opened_disabled_opens_with_the_first_event_after_it_is_on,
                                        make, stop),
        cmocka_unit_test_setup_teardown(the_next_start_knows_the_policy_that_was_reloaded, make, stop),
        cmocka_unit_test_setup_teardown(a_switch_that_is_turned_under_load_counts_every_event_once, make, stop),
        cmocka_unit_test_setup_teardown(a_thousand_reloads_under_load_leave_every_event_one_verdict, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
