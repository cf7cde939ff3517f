/* test_memory.c -- whichever allocation fails: no crash, no leak, no lie.
 *
 * Goal:   an event that was accepted is in the store exactly once, if need be after the next start; one that was not is
 *         not, and was counted; nothing that the trail says is wrong. Leaks are for the AddressSanitizer build.
 * Method: one run opens a trail, offers events of every shape, asks for numbers, flushes, reads the store and closes.
 *         It is repeated with its first allocation failing, then with its second, and so on until a run needs no
 *         further one; each time a start with enough memory follows, and a count of what the store holds. Controls: a
 *         run that uses an allocation without a look at it, and one that tells a lie, must be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/settings_value.h"
#include "support/scarcity.h"
#include "trail/trail_fixture.h"

/* The libraries allocate some ten thousand times in a run, mostly SQLite over the schema: one in 101 fails in
 * `make test`, each in `make soak`, which sets AUDITTRAIL_ALLOCATION_STRIDE. */
#define LIBRARY_STRIDE 101

/* Longer than any back-off; never waited out. */
#define FLUSH_MS 20000

/* ---- The events: all shapes ---- */

enum verdict { KEPT, EXCLUDED, INVALID };

static const struct {
    const char  *json;
    enum verdict verdict;
} lines[] = {
    { "{\"action\":\"create_tool\",\"resource_type\":\"tool\",\"user_id\":\"a\",\"user_email\":\"a@x\"}", KEPT },
    { "{\"action\":\"list_tools\",\"resource_type\":\"tool\",\"user_id\":\"b\",\"request_path\":\"/x?y\"}", KEPT },
    { "{\"action\":\"update_server\",\"resource_type\":\"server\",\"user_id\":\"a\",\"old_values\":{\"a\":1,\"b\":[1,"
      "2],\"password\":\"p\"},\"new_values\":{\"a\":2,\"c\":\"\\u00e4\",\"password\":\"q\"}}",
      KEPT },
    { "{\"action\":\"fr\\u00e4sen\",\"resource_type\":\"x\",\"user_id\":\"a\",\"unknown\":[1],\"context\":{\"e\":1}}",
      KEPT },
    { "{\"action\":\"delete_server\",\"resource_type\":\"server\",\"user_id\":\"a\",\"context\":[\"no object\"]}",
      KEPT },
    { "{\"action\":\"health_check\",\"resource_type\":\"x\",\"user_id\":\"a\"}", EXCLUDED },
    { "{\"action\":\"create_tool\",\"resource_type\":\"tool\"}", INVALID },
    { "{\"action\":\"create_tool\",", INVALID },
};

#define LINE_COUNT (sizeof lines / sizeof lines[0])

/* And these by struct: a value that is too large, one that is no JSON, an update whose changes are derived (kept
 * twice, so that caches are met full too), and one through the guard. */
#define STRUCT_COUNT 6
#define EVENT_COUNT (LINE_COUNT + STRUCT_COUNT)

struct tally {
    bool     accepted[EVENT_COUNT];
    uint64_t offered;
    uint64_t excluded;
    uint64_t rejected;
    char     lie[256]; /* "": none so far. */
};

/* Only the first is kept. */
__attribute__((format(printf, 2, 3))) static void lie(struct tally *tally, const char *format, ...)
{
    va_list arguments;
    if (tally->lie[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(tally->lie, sizeof tally->lie, format, arguments);
    va_end(arguments);
}

static void note(struct tally *tally, size_t index, enum verdict verdict, enum trail_err err)
{
    tally->offered++;
    tally->accepted[index] = err == TRAIL_OK || err == TRAIL_PENDING;
    tally->excluded += err == TRAIL_REFUSED;
    tally->rejected += err < 0;
    if (verdict == KEPT && err != TRAIL_OK && err != TRAIL_ENOMEM)
        lie(tally, "event %zu should be kept, and the answer is %d", index, err);
    if (verdict == EXCLUDED && err != TRAIL_REFUSED && err != TRAIL_ENOMEM)
        lie(tally, "event %zu is excluded, and the answer is %d", index, err);
    if (verdict == INVALID && err != TRAIL_EINVAL && err != TRAIL_ENOMEM)
        lie(tally, "event %zu is not valid, and the answer is %d", index, err);
}

static void offer_line(struct trail *trail, struct tally *tally, size_t index)
{
    char        line[512];
    const char *json = lines[index].json;
    snprintf(line, sizeof line, "{\"correlation_id\":\"e%zu\",%s", index, json + 1);
    note(tally, index, lines[index].verdict, trail_record_json(trail, trail_str(line), NULL, NULL));
}

static void offer_structs(struct trail *trail, struct tally *tally)
{
    static char large[40000];
    char        ids[STRUCT_COUNT][16];

    snprintf(large, sizeof large, "{\"k\":\"%0*d\"}", (int)sizeof large - 16, 7);
    for (size_t i = 0; i < STRUCT_COUNT; i++) {
        size_t             index = LINE_COUNT + i;
        struct trail_event event = trail_fixture_event(i % 2 == 0 ? "update_tool" : "call_tool");
        snprintf(ids[i], sizeof ids[i], "e%zu", index);
        event.correlation_id = trail_str(ids[i]);
        event.resource_id = trail_str(ids[i]);
        event.context = trail_str(i == 0 ? large : i == 1 ? "token=abc no json" : "{\"token\":\"t\"}");
        event.old_values = i % 2 == 0 ? TRAIL_TEXT("{\"a\":{\"b\":[1]},\"c\":1}") : TRAIL_TEXT("");
        event.new_values = i % 2 == 0 ? TRAIL_TEXT("{\"a\":{\"b\":[2]},\"d\":1}") : TRAIL_TEXT("");
        if (i == STRUCT_COUNT - 1) {
            struct trail_scope scope;
            trail_begin(&scope, trail, &event);
            note(tally, index, KEPT, trail_end(&scope, TRAIL_OUTCOME_FAILURE, TRAIL_TEXT("no")));
        } else {
            note(tally, index, KEPT, trail_record(trail, &event, NULL, NULL));
        }
    }
}

/* ---- One run ---- */

static void check_stats(struct trail_fixture *fixture, struct tally *tally)
{
    struct trail_stats stats = trail_fixture_stats(fixture);
    uint64_t           recorded = 0;
    uint64_t           rejected = 0;
    uint64_t           accepted = 0;
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        recorded += stats.operations[i].recorded;
        rejected += stats.operations[i].rejected;
    }
    for (size_t i = 0; i < EVENT_COUNT; i++)
        accepted += tally->accepted[i];
    if (trail_fixture_offered(&stats) != tally->offered || recorded != accepted || rejected != tally->rejected)
        lie(tally, "stats are not the caller's own tally: %" PRIu64 " recorded, %" PRIu64 " rejected", recorded,
            rejected);
    if (recorded != stats.stored + stats.waiting + stats.dead_lettered)
        lie(tally, "%" PRIu64 " recorded are not what is stored and waits", recorded);
}

/* A reader may end early, but with an error; what it does return is there. */
static void read_back(const struct trail_fixture *fixture, struct tally *tally)
{
    struct trail_filter       filter = { TRAIL_FILTER_INIT, .resource_type = TRAIL_TEXT("tool") };
    struct trail_query       *query = NULL;
    struct trail_stored_event event;
    struct trail_error        error = { .code = TRAIL_OK };
    char                      url[OS_PATH_SIZE + 16];
    size_t                    rows = 0;
    size_t                    kept = 0;

    for (size_t i = 0; i < EVENT_COUNT; i++)
        kept += tally->accepted[i] && (i >= LINE_COUNT || strstr(lines[i].json, "\"tool\"") != NULL);
    snprintf(url, sizeof url, "sqlite:%s", fixture->database);
    enum trail_err err = trail_query_open(&query, url, &filter, &error);
    while (err == TRAIL_OK && (err = trail_query_next(query, &event, &error)) == TRAIL_OK)
        rows++;
    if (err == TRAIL_ENOTFOUND && rows != kept)
        lie(tally, "a query said that %zu rows are all, and not %zu", rows, kept);
    if (err != TRAIL_ENOTFOUND && (error.code != err || error.message[0] == '\0'))
        lie(tally, "a query failed after %zu rows with %d and did not say why", rows, err);
    trail_query_close(query);
}

typedef void (*run_fn)(struct trail_fixture *fixture, struct tally *tally);

static void run(struct trail_fixture *fixture, struct tally *tally)
{
    struct trail_error error = { .code = TRAIL_OK };
    enum trail_err     err = trail_fixture_try_open(fixture, &error);
    if (err != TRAIL_OK) {
        if (error.code != err || error.message[0] == '\0' || fixture->trail != NULL)
            lie(tally, "opening failed with %d and did not say so", err);
        return;
    }
    for (size_t i = 0; i < LINE_COUNT; i++)
        offer_line(fixture->trail, tally, i);
    offer_structs(fixture->trail, tally);
    check_stats(fixture, tally);
    err = trail_flush(fixture->trail, FLUSH_MS);
    check_stats(fixture, tally);
    if (err == TRAIL_OK)
        read_back(fixture, tally);
    else
        lie(tally, "a flush ended with %d", err);
    err = trail_fixture_close(fixture);
    if (err != TRAIL_OK)
        lie(tally, "a close ended with %d", err);
}

/* What the store says after the next start. */
static void check_store(struct trail_fixture *fixture, struct tally *tally)
{
    trail_fixture_open(fixture);
    trail_fixture_record(fixture, "afterwards");
    trail_fixture_flush(fixture);
    if (trail_fixture_close(fixture) != TRAIL_OK)
        lie(tally, "the next start left something behind");
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        int64_t rows = trail_fixture_rows(fixture, "correlation_id = 'e%zu'", i);
        if (rows != (tally->accepted[i] ? 1 : 0))
            lie(tally, "event %zu was %s, and is stored %" PRId64 " times", i,
                tally->accepted[i] ? "accepted" : "not accepted", rows);
    }
    int64_t letters = trail_fixture_number(fixture, "SELECT count(*) FROM audit_dead_letters");
    if (letters != 0)
        lie(tally, "want of memory made %" PRId64 " dead letters", letters);
    if (temp_dir_count(fixture->spool_dir) != 0)
        lie(tally, "%zu spools were left behind", temp_dir_count(fixture->spool_dir));
}

/* ---- A campaign: every allocation once ---- */

struct campaign {
    const char *name;
    bool        sync;
    bool        libraries_too;
    unsigned    stride; /* Every so many-th allocation. */
    run_fn      run;
};

static void prepare(struct trail_fixture *fixture, const struct campaign *campaign)
{
    trail_fixture_init(fixture);
    trail_fixture_set(fixture, "AUDIT_TRAIL_SPOOL_MAX_BYTES=4MiB");
    trail_fixture_set(fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=health_check,metrics_*");
    trail_fixture_set(fixture, "AUDIT_TRAIL_ASYNC=%s", campaign->sync ? "false" : "true");
    trail_fixture_set(fixture, "AUDIT_TRAIL_SYNC_TIMEOUT_MS=%d", FLUSH_MS);
}

/* One run whose allocation number `skip` + 1 fails. False: it needed fewer. */
static bool strike(const struct campaign *campaign, unsigned skip, struct tally *tally)
{
    struct trail_fixture fixture;
    prepare(&fixture, campaign);
    *tally = (struct tally){ 0 };
    scarcity_begin(skip, campaign->libraries_too);
    campaign->run(&fixture, tally);
    bool struck = scarcity_end();
    (void)trail_fixture_close(&fixture);
    check_store(&fixture, tally);
    trail_fixture_done(&fixture);
    return struck;
}

/* How often it struck, when nothing was wrong; otherwise *tally says what. */
static unsigned strike_each(const struct campaign *campaign, struct tally *tally)
{
    unsigned struck = 0;
    for (unsigned skip = 0; strike(campaign, skip, tally) && tally->lie[0] == '\0'; skip += campaign->stride)
        struck++;
    if (tally->lie[0] != '\0')
        print_message("%s, allocation %u: %s\n", campaign->name, struck * campaign->stride + 1, tally->lie);
    return struck;
}

static void conduct(const struct campaign *campaign)
{
    struct tally tally;
    unsigned     struck = strike_each(campaign, &tally);
    assert_string_equal(tally.lie, "");
    print_message("%s: %u allocations failed\n", campaign->name, struck);
    assert_true(struck > 20);
}

static void every_allocation_of_ours_fails_once(void **state)
{
    (void)state;
    conduct(&(struct campaign){ "asynchronous", .stride = 1, .run = run });
    conduct(&(struct campaign){ "synchronous", .sync = true, .stride = 1, .run = run });
}

static void every_allocation_of_the_libraries_fails_once(void **state)
{
    (void)state;
    const char     *given = getenv("AUDITTRAIL_ALLOCATION_STRIDE");
    uint64_t        stride = LIBRARY_STRIDE;
    struct campaign campaign = { "libraries too", .libraries_too = true, .run = run };

    if (given != NULL)
        assert_true(setting_number_read(trail_str(given), false, &stride));
    campaign.stride = (unsigned)stride;
    conduct(&campaign);
}

/* ---- Controls ---- */

static void careless_run(struct trail_fixture *fixture, struct tally *tally)
{
    char          *copy = strdup("used without a look");
    volatile char *first = copy; /* What is freed next need not be written, says the compiler. */
    *first = 'U';
    free(copy);
    (void)fixture;
    (void)tally;
}

static void lying_run(struct trail_fixture *fixture, struct tally *tally)
{
    run(fixture, tally);
    tally->accepted[0] = true;
}

/* Ends the process, one way or the other. */
__attribute__((noreturn)) static void be_careless(void)
{
    const struct campaign campaign = { "careless", .stride = 1, .run = careless_run };
    struct tally          tally;

    (void)signal(SIGSEGV, SIG_DFL);           /* cmocka would take it for a failure of the test. */
    (void)!freopen("/dev/null", "w", stderr); /* A sanitizer has a lot to say here. */
    (void)strike_each(&campaign, &tally);
    _exit(0);
}

static void an_unchecked_allocation_is_found(void **state)
{
    (void)state;
    struct temp_dir litter; /* Whoever crashes does not clean up. */
    int             status = 0;

    temp_dir_make(&litter);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        (void)setenv("TMPDIR", litter.path, 1);
    if (child == 0)
        be_careless();
    assert_int_equal(waitpid(child, &status, 0), child);
    temp_dir_remove(&litter);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_lie_is_found(void **state)
{
    (void)state;
    struct tally          tally;
    const struct campaign campaign = { "lying", .stride = 1, .run = lying_run };
    (void)strike_each(&campaign, &tally);
    assert_non_null(strstr(tally.lie, "was accepted, and is stored 0 times"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchecked_allocation_is_found),
        cmocka_unit_test(a_lie_is_found),
        cmocka_unit_test(every_allocation_of_ours_fails_once),
        cmocka_unit_test(every_allocation_of_the_libraries_fails_once),
    };
    scarcity_hook_libraries();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
