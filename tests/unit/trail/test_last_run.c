/* test_last_run.c -- what a start says of the run before is what that run was, and nothing that goes wrong stops it.
 *
 * Goal:   an ordered end, a kill and a service that goes on are told apart; the time without a trail is exact, also
 *         when a run in between had nothing to record, or the trail was switched off while its process lived; a change
 *         of the rules is told once; what is damaged, missing or not to be written is told once and harms nobody.
 * Method: real files in a folder, a clock turned by hand. A kill is a lock that is dropped without a word
 *         (last_run_cancel); other processes are other open files, which is all that a lock sees of them.
 *         More than 600 lines, because a run can end, and be wrong about the time, in that many ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/manual_clock.h"
#include "support/temp_dir.h"
#include "trail/last_run.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_US INT64_C(1000000)

static struct temp_dir     dir;
static struct manual_clock turned;
static struct settings     wide;   /* AUDIT_TRAIL_LEVEL=all */
static struct settings     narrow; /* AUDIT_TRAIL_LEVEL=deletes_only */
static struct settings     off;    /* AUDIT_TRAIL_ENABLED=false */

static void load(struct settings *settings, const char *option)
{
    struct settings_report report;
    const char *const      options[] = { "AUDIT_TRAIL_STATE_DIR=/nowhere", option, NULL };
    struct settings_input  input = { .options = options, .env_file = "" };
    assert_int_equal(settings_load(settings, &input, &report), TRAIL_OK);
    settings_report_done(&report);
}

static int make(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    manual_clock_init(&turned);
    load(&wide, "AUDIT_TRAIL_LEVEL=all");
    load(&narrow, "AUDIT_TRAIL_LEVEL=deletes_only");
    load(&off, "AUDIT_TRAIL_ENABLED=false");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    settings_done(&wide);
    settings_done(&narrow);
    settings_done(&off);
    temp_dir_remove(&dir);
    return 0;
}

/* ---- Runs ---- */

static void open_as(struct last_run *run, const char *service, const struct settings *settings)
{
    last_run_open(run, &(struct last_run_options){ dir.path, service, &turned.clock });
    last_run_begin(run, settings);
}

static void open_run(struct last_run *run, const struct settings *settings)
{
    open_as(run, "fixture", settings);
}

/* A whole run of ten seconds that records something under these rules and ends in order. */
static void run_once(const struct settings *settings)
{
    struct last_run run;
    open_run(&run, settings);
    manual_clock_advance(&turned, 10 * SECOND_US);
    last_run_close(&run, settings);
}

static void wait_seconds(int64_t seconds)
{
    manual_clock_advance(&turned, seconds * SECOND_US);
}

/* What a start would say. */
static void description(struct last_run *run, const struct settings *settings, char out[1024])
{
    struct buf text;
    buf_init(&text, NULL, 0);
    buf_append_string(&text, "{");
    last_run_describe(run, settings, &text);
    buf_append_string(&text, "}");
    assert_false(buf_failed(&text));
    assert_true(text.size < 1024);
    snprintf(out, 1024, "%.*s", (int)text.size, text.data);
    buf_done(&text);
}

static void assert_says(struct last_run *run, const struct settings *settings, const char *expected)
{
    char text[1024];
    description(run, settings, text);
    if (strstr(text, expected) == NULL)
        fail_msg("%s lacks %s", text, expected);
}

/* Start, compare with what is expected, and be killed. */
static void assert_next_start_says(const struct settings *settings, const char *expected)
{
    struct last_run run;
    open_run(&run, settings);
    assert_says(&run, settings, expected);
    last_run_cancel(&run);
}

static void assert_no_problem(struct last_run *run)
{
    struct trail_error problem = { .message = "" };
    if (last_run_take_problem(run, &problem))
        fail_msg("%s", problem.message);
}

/* ---- A clock that was wrong ---- */

/* A run an hour ahead of the right time; then the clock is put right and the trail runs for ten seconds. */
static void a_clock_that_was_ahead_does_not_hide_the_time_off(void **state)
{
    (void)state;
    struct last_run run;
    manual_clock_step_wall(&turned, 3600 * SECOND_US);
    run_once(&wide);
    manual_clock_step_wall(&turned, -3600 * SECOND_US);
    open_run(&run, &wide);
    wait_seconds(10);
    last_run_stamp(&run);
    last_run_cancel(&run); /* Killed. */
    wait_seconds(600);
    assert_next_start_says(&wide, "\"off_seconds\":600");
}

/* The same, put right while it runs. */
static void a_clock_put_right_while_it_runs_does_not_hide_it_either(void **state)
{
    (void)state;
    struct last_run run;
    manual_clock_step_wall(&turned, 3600 * SECOND_US);
    open_run(&run, &wide);
    last_run_stamp(&run);
    manual_clock_step_wall(&turned, -3600 * SECOND_US);
    last_run_stamp(&run);
    last_run_cancel(&run);
    wait_seconds(600);
    assert_next_start_says(&wide, "\"off_seconds\":600");
}

/* ---- The file ---- */

static const char *path_of(const char *suffix)
{
    static char    path[OS_PATH_SIZE];
    DIR           *list = opendir(dir.path);
    struct dirent *entry;
    path[0] = '\0';
    assert_non_null(list);
    while ((entry = readdir(list)) != NULL) {
        size_t size = strlen(entry->d_name);
        if (size > strlen(suffix) && strcmp(entry->d_name + size - strlen(suffix), suffix) == 0)
            assert_true(os_path_join(path, dir.path, entry->d_name));
    }
    closedir(list);
    assert_true(path[0] != '\0');
    return path;
}

static void read_run_file(char out[1024])
{
    FILE *file = fopen(path_of(".run"), "r");
    assert_non_null(file);
    out[fread(out, 1, 1023, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void assert_file_says(const char *expected)
{
    char text[1024];
    read_run_file(text);
    if (strstr(text, expected) == NULL)
        fail_msg("%s lacks %s", text, expected);
}

static void write_run_file(const char *text)
{
    FILE *file = fopen(path_of(".run"), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void seen_text(char out[64])
{
    char now[CLOCK_TEXT_SIZE];
    clock_format(turned.wall_us, now);
    snprintf(out, 64, "\"seen\":\"%s\"", now);
}

/* ---- Tests ---- */

static void a_first_run_says_nothing_and_leaves_two_files_for_the_owner_alone(void **state)
{
    (void)state;
    struct last_run run;
    struct stat     status;
    char            text[1024];
    open_run(&run, &wide);
    description(&run, &wide, text);
    assert_string_equal(text, "{}");
    assert_no_problem(&run);
    assert_int_equal(temp_dir_count(dir.path), 2);
    assert_int_equal(stat(path_of(".run"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of(".lock"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    last_run_close(&run, &wide);
    assert_int_equal(temp_dir_count(dir.path), 2);
}

static void an_ordered_end_is_told_with_the_time_since(void **state)
{
    (void)state;
    char seen[64];
    run_once(&wide);
    seen_text(seen);
    wait_seconds(100);
    assert_next_start_says(&wide, seen);
}

static void the_time_without_a_trail_is_exact_and_a_restart_has_none(void **state)
{
    (void)state;
    struct last_run run;
    run_once(&wide);
    wait_seconds(100);
    open_run(&run, &wide);
    assert_says(&run, &wide, "\"ended\":\"stopped\",\"off_seconds\":100},\"changed\":{}");
    last_run_close(&run, &wide);
    wait_seconds(4);
    open_run(&run, &wide);
    assert_says(&run, &wide, "\"ended\":\"stopped\"}");
    last_run_close(&run, &wide);
    manual_clock_step_wall(&turned, -1000 * SECOND_US); /* Somebody set the date back: nothing is known. */
    open_run(&run, &wide);
    assert_says(&run, &wide, "\"ended\":\"stopped\"}");
    last_run_cancel(&run);
}

static void a_kill_is_told_with_the_last_sign_of_life(void **state)
{
    (void)state;
    struct last_run run;
    char            seen[64];
    open_run(&run, &wide);
    last_run_tell_start(&run, &wide);
    wait_seconds(10);
    last_run_stamp(&run);
    seen_text(seen);
    wait_seconds(7);
    last_run_cancel(&run);
    wait_seconds(50);
    open_run(&run, &wide);
    assert_says(&run, &wide, seen);
    assert_says(&run, &wide, "\"ended\":\"killed\",\"off_seconds\":57}");
    assert_no_problem(&run);
    last_run_cancel(&run);
}

static void a_service_of_which_another_process_lives_was_never_off(void **state)
{
    (void)state;
    struct last_run first;
    struct last_run second;
    struct last_run third;
    open_run(&first, &wide);
    last_run_tell_start(&first, &wide);
    wait_seconds(1000); /* Its sign of life is as old as you like: the lock counts. */
    open_run(&second, &wide);
    assert_says(&second, &wide, "\"ended\":\"running\"}");
    last_run_close(&second, &wide);
    assert_file_says("\"running\":true");
    open_run(&third, &wide);
    last_run_close(&first, &wide);
    assert_file_says("\"running\":true");
    last_run_close(&third, &wide);
    assert_file_says("\"running\":false");
    wait_seconds(100);
    assert_next_start_says(&wide, "\"ended\":\"stopped\",\"off_seconds\":100}");
}

#define ENDINGS 60

struct ending {
    struct last_run    run;
    pthread_t          thread;
    pthread_barrier_t *together;
};

static void *end_together(void *argument)
{
    struct ending *ending = argument;
    pthread_barrier_wait(ending->together);
    last_run_close(&ending->run, &wide);
    return NULL;
}

static void of_two_that_end_at_the_same_moment_one_is_the_last(void **state)
{
    (void)state;
    static struct ending endings[2];
    pthread_barrier_t    together;
    pthread_barrier_init(&together, NULL, 2);
    for (int i = 0; i < ENDINGS; i++) {
        for (size_t k = 0; k < 2; k++) {
            endings[k].together = &together;
            open_run(&endings[k].run, &wide);
        }
        assert_file_says("\"running\":true");
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(pthread_create(&endings[k].thread, NULL, end_together, &endings[k]), 0);
        for (size_t k = 0; k < 2; k++)
            pthread_join(endings[k].thread, NULL);
        assert_file_says("\"running\":false");
        assert_file_says("\"AUDIT_TRAIL_LEVEL\":\"all\"");
    }
    pthread_barrier_destroy(&together);
}

static void a_process_that_lives_with_the_trail_off_keeps_nothing_on(void **state)
{
    (void)state;
    struct last_run run;
    struct last_run other;
    struct last_run third;
    open_run(&run, &wide);
    last_run_tell_start(&run, &wide);
    open_run(&other, &wide);
    last_run_tell_change(&run, &off);
    wait_seconds(9);
    open_run(&third, &wide); /* The other one is on, and its next sign is due in a second. */
    assert_says(&third, &wide, "\"ended\":\"running\"}");
    last_run_cancel(&third);
    last_run_tell_change(&other, &off);
    wait_seconds(100);
    open_run(&third, &wide);
    assert_says(&third, &wide, "\"ended\":\"running\",\"off_seconds\":100}");
    last_run_cancel(&third);
    last_run_close(&other, NULL);
    last_run_close(&run, NULL);
}

static void services_do_not_know_of_each_other(void **state)
{
    (void)state;
    struct last_run run;
    char            text[1024];
    run_once(&wide);
    open_as(&run, "another", &wide);
    description(&run, &wide, text);
    assert_string_equal(text, "{}");
    assert_no_problem(&run);
    last_run_close(&run, &wide);
    assert_int_equal(temp_dir_count(dir.path), 4);
}

static void a_name_of_any_bytes_names_a_file(void **state)
{
    (void)state;
    static const char *const names[] = { "../../etc/x", "a/b", ".", "", "\xff\"\\", "\xc3\xa4" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct last_run run;
        open_as(&run, names[i], &wide);
        last_run_close(&run, &wide);
        open_as(&run, names[i], &wide);
        assert_says(&run, &wide, "\"ended\":\"stopped\"");
        assert_no_problem(&run);
        last_run_close(&run, &wide);
        assert_int_equal(temp_dir_count(dir.path), 2 * (i + 1));
    }
}

static void a_sign_of_life_changes_nothing_else_and_does_not_shrink(void **state)
{
    (void)state;
    struct last_run run;
    char            before[1024];
    char            after[1024];
    char            seen[64];
    open_run(&run, &wide);
    last_run_tell_start(&run, &wide);
    read_run_file(before);
    wait_seconds(3600);
    last_run_stamp(&run);
    read_run_file(after);
    assert_int_equal(strlen(before), strlen(after));
    assert_string_equal(strchr(before, 'Z'), strchr(after, 'Z'));
    seen_text(seen);
    assert_file_says(seen);

    manual_clock_step_wall(&turned, -8 * SECOND_US); /* Clocks are put right by so much. */
    last_run_stamp(&run);
    assert_file_says(seen);
    last_run_tell_change(&run, &narrow);
    assert_file_says(seen);
    assert_file_says("deletes_only");
    last_run_close(&run, NULL);
    assert_file_says(seen);
}

static void a_later_sign_of_another_process_is_kept(void **state)
{
    (void)state;
    struct last_run early;
    struct last_run late;
    char            seen[64];
    open_run(&early, &wide);
    last_run_tell_change(&early, &off); /* It will leave no sign of its own any more. */
    open_run(&late, &wide);
    wait_seconds(100);
    last_run_stamp(&late);
    seen_text(seen);
    last_run_cancel(&late);
    last_run_tell_change(&early, &off);
    assert_file_says(seen);
    last_run_close(&early, NULL);
    assert_file_says(seen);
}

static void a_removed_file_is_made_again(void **state)
{
    (void)state;
    struct last_run run;
    open_run(&run, &wide);
    last_run_tell_start(&run, &wide);
    assert_int_equal(remove(path_of(".run")), 0);
    last_run_stamp(&run);
    assert_file_says("\"AUDIT_TRAIL_LEVEL\":\"all\"");
    assert_no_problem(&run);
    last_run_close(&run, NULL);
}

static void changed_rules_are_told_with_the_old_and_the_new_value(void **state)
{
    (void)state;
    run_once(&wide);
    assert_next_start_says(&narrow, "\"changed\":{\"AUDIT_TRAIL_LEVEL\":{\"old\":\"all\",\"new\":\"deletes_only\"}}");
    /* It told of it in its trail_started, or it did not: nobody says so before last_run_tell_start(). */
    assert_next_start_says(&narrow, "\"old\":\"all\"");
    run_once(&narrow);
    assert_next_start_says(&narrow, "\"changed\":{}");
}

static void the_rules_of_other_versions_do_not_disturb(void **state)
{
    (void)state;
    run_once(&wide);
    write_run_file("{\"seen\":\"2026-11-24T04:05:06.123456Z\",\"later\":[1,{\"rules\":{}}],\"service\":\"fixture\","
                   "\"rules\":{\"AUDIT_TRAIL_NO_MORE\":\"x\",\"AUDIT_TRAIL_LEVEL\":\"\\u0061ll\","
                   "\"AUDIT_TRAIL_ENABLED\":[\"y\"]},\"untold_off_seconds\":-3,\"running\":\"yes\"}");
    assert_next_start_says(&narrow, "\"changed\":{\"AUDIT_TRAIL_LEVEL\":{\"old\":\"all\",\"new\":\"deletes_only\"}}");
}

static void a_run_that_recorded_nothing_hands_on_what_it_found(void **state)
{
    (void)state;
    struct last_run run;
    run_once(&wide);
    wait_seconds(100);
    open_run(&run, &narrow);
    wait_seconds(1000);
    last_run_close(&run, NULL); /* On all the time, and nothing to say. */
    wait_seconds(30);
    open_run(&run, &narrow);
    assert_says(&run, &narrow, "\"off_seconds\":130}");
    assert_says(&run, &narrow, "\"old\":\"all\",\"new\":\"deletes_only\"");
    last_run_tell_start(&run, &narrow);
    last_run_close(&run, NULL);
    assert_next_start_says(&narrow, "\"ended\":\"stopped\"},\"changed\":{}");
}

static void a_trail_that_was_switched_off_while_it_ran_was_off_from_then_on(void **state)
{
    (void)state;
    struct last_run run;
    char            seen[64];
    open_run(&run, &wide);
    last_run_tell_start(&run, &wide);
    wait_seconds(20);
    last_run_tell_change(&run, &off);
    seen_text(seen);
    wait_seconds(100);
    last_run_stamp(&run);
    last_run_close(&run, NULL);
    assert_file_says(seen);
    wait_seconds(30);
    open_run(&run, &wide);
    assert_says(&run, &wide, "\"ended\":\"stopped\",\"off_seconds\":130}");
    assert_says(&run, &wide, "\"AUDIT_TRAIL_ENABLED\":{\"old\":\"false\",\"new\":\"true\"}");
    last_run_tell_start(&run, &wide);
    last_run_tell_change(&run, &off);
    wait_seconds(100);
    last_run_tell_change(&run, &wide);
    seen_text(seen);
    assert_file_says(seen);
    last_run_cancel(&run);
}

static void a_damaged_file_is_told_once_and_replaced(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"seen\":\"yesterday\",\"service\":\"fixture\"}",
        "{\"seen\":7,\"service\":\"fixture\"}",
        "{\"seen\":\"2026-11-24T04:05:06.123456Z\"}",
        "{\"seen\":\"2026-11-24T04:05:06.123456Z\",\"service\":\"another\"}",
        "{\"seen\":\"2026-11-24T04:05:06.123456Z\",\"service\":\"fixture\"",
        "{\"seen\":\"2026-11-24T04:05:06.123456Z\",\"service\":\"fixture\"}{",
    };
    run_once(&wide);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct last_run    run;
        struct trail_error problem = { .code = TRAIL_OK };
        char               text[1024];
        write_run_file(texts[i]);
        open_run(&run, &wide);
        description(&run, &wide, text);
        assert_string_equal(text, "{}");
        if (!last_run_take_problem(&run, &problem))
            fail_msg("not told: %s", texts[i]);
        assert_int_equal(problem.code, TRAIL_ECORRUPT);
        assert_non_null(strstr(problem.message, ".run"));
        assert_no_problem(&run);
        last_run_close(&run, &wide);
        assert_next_start_says(&wide, "\"ended\":\"stopped\"");
    }
}

static void a_place_that_is_none_is_told_once_and_stops_nothing(void **state)
{
    (void)state;
    static const char *const places[] = { "/dev/null/state", "/proc/1/no" };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct last_run    run;
        struct trail_error problem = { .code = TRAIL_OK };
        char               text[1024];
        last_run_open(&run, &(struct last_run_options){ places[i], "fixture", &turned.clock });
        last_run_begin(&run, &wide);
        description(&run, &wide, text);
        assert_string_equal(text, "{}");
        last_run_tell_start(&run, &wide);
        last_run_stamp(&run);
        last_run_tell_change(&run, &narrow);
        last_run_close(&run, &narrow);
        assert_true(last_run_take_problem(&run, &problem));
        assert_int_equal(problem.code, TRAIL_EIO);
        assert_no_problem(&run);
    }
}

static void a_file_that_cannot_be_written_is_told_once(void **state)
{
    (void)state;
    struct last_run    run;
    struct trail_error problem = { .code = TRAIL_OK };
    open_run(&run, &wide);
    char path[OS_PATH_SIZE];
    snprintf(path, sizeof path, "%s", path_of(".run"));
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* root writes into what is read-only; nobody replaces a folder. */
    for (int i = 0; i < 3; i++)
        last_run_stamp(&run);
    last_run_tell_start(&run, &wide);
    assert_true(last_run_take_problem(&run, &problem));
    assert_non_null(strstr(problem.message, path));
    last_run_stamp(&run);
    last_run_close(&run, &wide);
    assert_no_problem(&run);
    assert_int_equal(temp_dir_count(dir.path), 2); /* No half-written one is left behind. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_first_run_says_nothing_and_leaves_two_files_for_the_owner_alone, make, stop),
        cmocka_unit_test_setup_teardown(an_ordered_end_is_told_with_the_time_since, make, stop),
        cmocka_unit_test_setup_teardown(the_time_without_a_trail_is_exact_and_a_restart_has_none, make, stop),
        cmocka_unit_test_setup_teardown(a_kill_is_told_with_the_last_sign_of_life, make, stop),
        cmocka_unit_test_setup_teardown(a_service_of_which_another_process_lives_was_never_off, make, stop),
        cmocka_unit_test_setup_teardown(a_process_that_lives_with_the_trail_off_keeps_nothing_on, make, stop),
        cmocka_unit_test_setup_teardown(of_two_that_end_at_the_same_moment_one_is_the_last, make, stop),
        cmocka_unit_test_setup_teardown(services_do_not_know_of_each_other, make, stop),
        cmocka_unit_test_setup_teardown(a_name_of_any_bytes_names_a_file, make, stop),
        cmocka_unit_test_setup_teardown(a_sign_of_life_changes_nothing_else_and_does_not_shrink, make, stop),
        cmocka_unit_test_setup_teardown(a_later_sign_of_another_process_is_kept, make, stop),
        cmocka_unit_test_setup_teardown(a_removed_file_is_made_again, make, stop),
        cmocka_unit_test_setup_teardown(changed_rules_are_told_with_the_old_and_the_new_value, make, stop),
        cmocka_unit_test_setup_teardown(the_rules_of_other_versions_do_not_disturb, make, stop),
        cmocka_unit_test_setup_teardown(a_run_that_recorded_nothing_hands_on_what_it_found, make, stop),
        cmocka_unit_test_setup_teardown(a_trail_that_was_switched_off_while_it_ran_was_off_from_then_on, make, stop),
        cmocka_unit_test_setup_teardown(a_clock_that_was_ahead_does_not_hide_the_time_off, make, stop),
        cmocka_unit_test_setup_teardown(a_clock_put_right_while_it_runs_does_not_hide_it_either, make, stop),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_told_once_and_replaced, make, stop),
        cmocka_unit_test_setup_teardown(a_place_that_is_none_is_told_once_and_stops_nothing, make, stop),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_written_is_told_once, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
