/* test_trail.c -- opening touches nothing, closing says what is left, and the next start stores it.
 *
 * Goal:   a wrong setting is told before anything is recorded; a disabled trail costs and leaves nothing; no accepted event is lost
 *         at a stop.
 * Method: a real trail in a folder of its own, with a store that cannot be reached and then can.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "support/trail_bench.h"

static struct trail_bench bench;

static int set_up(void **state)
{
    (void)state;
    trail_bench_init(&bench);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trail_bench_done(&bench);
    return 0;
}

static enum trail_err close_trail(uint64_t *ret_waiting)
{
    struct trail *trail = bench.trail;
    bench.trail = NULL;
    return trail_close(trail, ret_waiting);
}

static void opening_touches_nothing(void **state)
{
    (void)state;
    uint64_t waiting = 7;
    trail_bench_open(&bench, NULL);
    assert_int_equal(temp_dir_count(bench.dir.path), 0);
    assert_int_equal(trail_flush(bench.trail, 0), TRAIL_OK);
    assert_int_equal(close_trail(&waiting), TRAIL_OK);
    assert_int_equal(waiting, 0);
    assert_int_equal(temp_dir_count(bench.dir.path), 0);
    assert_int_equal(trail_close(NULL, NULL), TRAIL_OK);
}

static void a_disabled_trail_counts_in_memory_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const settings[] = { "AUDIT_TRAIL_ENABLED=false", NULL };
    struct trail_stats       stats = { .struct_size = sizeof stats };
    trail_bench_open(&bench, settings);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_REFUSED);
    trail_stats(bench.trail, &stats);
    assert_int_equal(stats.disabled, 5);
    assert_int_equal(close_trail(NULL), TRAIL_OK);
    assert_int_equal(temp_dir_count(bench.dir.path), 0);
}

static void count_notice(void *context, const struct trail_error *notice)
{
    *(unsigned *)context += notice->code == TRAIL_ECONFIG;
}

static void every_wrong_setting_is_told_and_the_first_is_returned(void **state)
{
    (void)state;
    static const char *const settings[] = { "AUDIT_TRAIL_LEVEL=loud", "AUDIT_TRAIL_BUFFER_MAX_SIZE=-3", NULL };
    unsigned                 told = 0;
    struct trail_error       error = { 0 };
    struct trail            *trail = NULL;
    struct trail_options     options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = "",
                                         .on_notice = count_notice, .notice_context = &told };
    assert_int_equal(trail_open(&trail, &options, &error), TRAIL_ECONFIG);
    assert_null(trail);
    assert_int_equal(told, 2);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_LEVEL"));
    assert_int_equal(trail_open(NULL, &options, NULL), TRAIL_EINVAL);
}

static void the_policy_is_said_in_one_line_of_whatever_size(void **state)
{
    (void)state;
    char line[1024];
    char little[8];
    trail_bench_open(&bench, NULL);
    size_t size = trail_describe(bench.trail, line, sizeof line);
    assert_int_equal(strlen(line), size);
    assert_null(strchr(line, '\n'));
    assert_int_equal(trail_describe(bench.trail, little, sizeof little), size);
    assert_int_equal(strlen(little), sizeof little - 1);
}

static void a_caller_with_a_smaller_struct_gets_the_numbers_it_knows(void **state)
{
    (void)state;
    struct trail_stats stats;
    memset(&stats, 0xAB, sizeof stats);
    stats.struct_size = sizeof stats - 8;
    trail_bench_open(&bench, NULL);
    trail_stats(bench.trail, &stats);
    assert_int_equal(stats.struct_size, sizeof stats - 8);
    const unsigned char *bytes = (const unsigned char *)&stats;
    for (size_t i = sizeof stats - 8; i < sizeof stats; i++)
        assert_int_equal(bytes[i], 0xAB);
}

static void what_a_stop_could_not_store_the_next_start_does(void **state)
{
    (void)state;
    char              url[OS_PATH_SIZE + 64];
    const char *const settings[] = { "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=0", url, NULL };
    uint64_t          waiting = 0;
    snprintf(url, sizeof url, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s/mount/audit.db", bench.dir.path);

    trail_bench_open(&bench, settings); /* The database's folder is a file: it cannot be made. */
    FILE *in_the_way = fopen(temp_dir_at(&bench.dir, "mount"), "w");
    assert_non_null(in_the_way);
    fclose(in_the_way);
    for (unsigned i = 0; i < 25; i++)
        assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_OK);
    assert_int_equal(close_trail(&waiting), TRAIL_PENDING);
    assert_int_equal(waiting, 25);

    assert_int_equal(remove(temp_dir_at(&bench.dir, "mount")), 0);
    assert_int_equal(mkdir(temp_dir_at(&bench.dir, "mount"), 0700), 0);
    trail_bench_open(&bench, settings + 1);
    assert_int_equal(trail_bench_record(&bench, "create"), TRAIL_OK);
    assert_int_equal(close_trail(&waiting), TRAIL_OK);
    assert_int_equal(rename(temp_dir_at(&bench.dir, "mount/audit.db"), temp_dir_at(&bench.dir, "audit.db")), 0);
    assert_int_equal(trail_bench_count(&bench, "create"), 26);
    assert_int_equal(trail_bench_count(&bench, "trail_recovered"), 1);
    assert_int_equal(temp_dir_count(temp_dir_at(&bench.dir, "spool")), 0);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(opening_touches_nothing),
        FACT(a_disabled_trail_counts_in_memory_and_leaves_nothing),
        FACT(every_wrong_setting_is_told_and_the_first_is_returned),
        FACT(the_policy_is_said_in_one_line_of_whatever_size),
        FACT(a_caller_with_a_smaller_struct_gets_the_numbers_it_knows),
        FACT(what_a_stop_could_not_store_the_next_start_does),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
