/* test_adopt.c -- the spools of the dead that were meant for our store are emptied, each exactly once, and nobody
 * else's touched.
 *
 * Goal:   neither the living nor other stores lose anything; what cannot be read is told; a take-over may be
 *         interrupted at any point and done again.
 * Method: spools of dead writers in one folder, a store in memory that goes away or loses its answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drain/adopt.h"
#include "support/fake_store.h"
#include "support/image.h"
#include "support/manual_clock.h"
#include "support/temp_dir.h"

static struct temp_dir          dir;
static struct manual_clock      manual;
static struct fake_store_state *db;
static struct store            *store;
static struct adopt             adopt;
static struct adopt_report      last_report;

static void begin(void)
{
    adopt = (struct adopt){
        .spool_dir = dir.path,
        .own = image_identity('o').writer,
        .url_hash = image_identity('o').destination,
        .clock = &manual.clock,
        .value_bytes_max = 16384,
    };
    adopt_scan(&adopt);
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    manual_clock_init(&manual);
    fake_store_reset();
    db = fake_store_lock();
    fake_store_unlock();
    assert_int_equal(store_open(&store, "fake:", NULL, NULL), TRAIL_OK);
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    adopt_done(&adopt);
    store_close(store);
    temp_dir_remove(&dir);
    return 0;
}

/* Make the spool of a writer with segments of three events each; the home stays claimed when *ret_home is given. */
static void leave(char letter, char destination, uint32_t segments, struct home *ret_home)
{
    struct home           home;
    struct spool_identity identity = image_identity(letter);
    memset(identity.destination.bytes, destination, sizeof identity.destination.bytes);
    assert_int_equal(home_create(&home, dir.path, &identity.writer, NULL), TRAIL_OK);
    for (uint32_t number = 1; number <= segments; number++) {
        struct segment *segment = NULL;
        uint64_t        base = (number - 1) * 3 + 1;
        assert_int_equal(segment_create(&segment, home.path, number, IMAGE_SIZE, NULL), TRAIL_OK);
        segment_activate(segment, &identity, base, IMAGE_WALL_US);
        image_put_events(segment, base, base + 2, "left");
        segment_free(segment);
    }
    if (ret_home != NULL)
        *ret_home = home;
    else
        home_release(&home);
}

static const char *path_of(char letter, const char *file)
{
    static char path[OS_PATH_SIZE + 64];
    char        name[UUID_TEXT_SIZE];
    struct uuid writer = image_identity(letter).writer;
    uuid_format(&writer, name);
    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    if (file != NULL)
        snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", file);
    return path;
}

static void damage(char letter, const char *file)
{
    FILE *at = fopen(path_of(letter, file), "r+b");
    assert_non_null(at);
    assert_int_equal(fwrite("damage", 1, 6, at), 6);
    fclose(at);
}

/* Step until there is nothing to do, as the drain does: failures are tried again. Returns how many spools were
 * finished. */
static unsigned adopt_all(void)
{
    struct trail_error error;
    unsigned           finished = 0;
    for (unsigned steps = 0;; steps++) {
        assert_true(steps < 200); /* Ends. */
        enum adopt_result result = adopt_step(&adopt, store, &last_report, &error);
        if (result == ADOPT_IDLE)
            return finished;
        finished += result == ADOPT_FINISHED;
    }
}

static const char *stored(char letter)
{
    struct uuid writer = image_identity(letter).writer;
    return fake_store_text(&writer);
}

static void a_dead_spool_is_stored_and_goes(void **state)
{
    (void)state;
    leave('a', 'u', 2, NULL);
    assert_int_equal(adopt_all(), 1);
    assert_string_equal(stored('a'), "1 2 3 4 5 6");
    assert_false(temp_dir_exists(path_of('a', NULL)));
    assert_int_equal(last_report.events, 6);
    assert_int_equal(last_report.gaps, 0);
    assert_true(last_report.other_boot); /* The image names none. */
}

static void the_living_other_stores_and_ourselves_are_left_alone(void **state)
{
    (void)state;
    struct home living;
    leave('l', 'u', 1, &living);
    leave('x', 'X', 1, NULL);
    leave('o', 'u', 1, NULL);
    assert_int_equal(adopt_all(), 0);
    assert_int_equal(fake_store_rows(), 0);
    assert_int_equal(temp_dir_count(dir.path), 3);
    assert_int_equal(temp_dir_count(path_of('x', NULL)), 2);

    home_release(&living); /* It dies; the next scan finds it. */
    adopt_scan(&adopt);
    assert_int_equal(adopt_all(), 1);
    assert_string_equal(stored('l'), "1 2 3");
}

static void a_take_over_goes_on_where_the_store_stands(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        leave('a', 'u', 2, NULL);
        fake_store_fail(lost ? &db->lost_commit : &db->away_write, 0, 1);
        adopt_scan(&adopt);
        struct trail_error error;
        while (adopt_step(&adopt, store, &last_report, &error) != ADOPT_FAILED)
            continue;
        adopt_done(&adopt); /* This process dies; another one comes. */
        begin();
        assert_int_equal(adopt_all(), 1);
        assert_string_equal(stored('a'), "1 2 3 4 5 6");
        fake_store_reset();
    }
}

static void damage_is_told_and_stops_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *damaged;
        const char *expected;
        uint64_t    events;
    } cases[] = {
        { "00000001.seg", "-1 4 5 6 7 8 9", 6 },
        { "00000002.seg", "1 2 3 -4 7 8 9", 6 },
        { "00000003.seg", "1 2 3 4 5 6 -7", 6 }, /* An open end. */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        leave('a', 'u', 3, NULL);
        damage('a', cases[i].damaged);
        adopt_scan(&adopt);
        assert_int_equal(adopt_all(), 1);
        assert_string_equal(stored('a'), cases[i].expected);
        assert_int_equal(last_report.events, cases[i].events);
        assert_int_equal(last_report.gaps, 1);
        assert_int_equal(last_report.quarantined, 1);
        adopt_scan(&adopt);
        assert_int_equal(adopt_all(), 0); /* What was set aside is not found again. */
        temp_dir_remove(&dir);
        temp_dir_make(&dir);
        fake_store_reset();
    }
}

static void a_spool_of_which_nothing_can_be_read_is_told_once_and_ends(void **state)
{
    (void)state;
    struct accounts       accounts;
    struct spool_identity identity = image_identity('a');
    leave('a', 'u', 2, NULL);
    assert_int_equal(accounts_create(&accounts, path_of('a', NULL), &identity, NULL), TRAIL_OK);
    accounts_close(&accounts);
    damage('a', "00000001.seg");
    damage('a', "00000002.seg");
    assert_int_equal(adopt_all(), 1);
    assert_string_equal(stored('a'), "-1");
    assert_int_equal(last_report.quarantined, 2);
    assert_int_equal(last_report.gaps, 1);
}

static void accounts_of_the_dead_reach_the_store(void **state)
{
    (void)state;
    struct accounts       accounts;
    struct spool_identity identity = image_identity('a');
    leave('a', 'u', 1, NULL);
    assert_int_equal(accounts_create(&accounts, path_of('a', NULL), &identity, NULL), TRAIL_OK);
    for (unsigned i = 0; i < 9; i++)
        accounts_count(&accounts, TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    accounts_close(&accounts);
    assert_int_equal(adopt_all(), 1);
    assert_int_equal(db->writers[0].accounts[TRAIL_OPERATION_READ].level, 9);
}

static void letting_go_in_a_child_closes_what_it_inherited(void **state)
{
    (void)state;
    struct trail_error error;
    leave('a', 'u', 1, NULL);
    assert_int_equal(adopt_step(&adopt, store, &last_report, &error), ADOPT_WORKING);
    assert_true(home_is_owned(path_of('a', NULL)));
    adopt_abandon(&adopt);
    assert_false(home_is_owned(path_of('a', NULL)));
    closedir(adopt.list);       /* Frees it; its descriptor is closed already. */
    stream_done(&adopt.stream); /* This test is the child; the rest of it is meant to stay behind. */
    remains_close(&adopt.remains);
    adopt = (struct adopt){ 0 };
}

static void without_a_folder_there_is_nothing_to_do(void **state)
{
    (void)state;
    adopt.spool_dir = "/nonexistent/audittrail";
    adopt_scan(&adopt);
    assert_int_equal(adopt_all(), 0);
}

static void what_is_left_for_our_store_is_counted_and_not_touched(void **state)
{
    (void)state;
    struct uuid unknown = { { 0 } };
    struct home alive;
    adopt_done(&adopt);
    assert_int_equal(adopt_count_left(&adopt, &unknown), 0);
    leave('a', 'u', 1, NULL);
    leave('b', 'u', 2, NULL);
    leave('c', 'x', 1, NULL); /* For another store. */
    leave('d', 'u', 1, &alive);
    leave('o', 'u', 1, NULL); /* Our own. */
    assert_int_equal(adopt_count_left(&adopt, &unknown), 2);
    home_release(&alive);
    assert_int_equal(adopt_count_left(&adopt, &unknown), 3);
    assert_int_equal(temp_dir_count(dir.path), 5);

    begin();
    assert_int_equal(adopt_all(), 3);
    assert_int_equal(adopt_count_left(&adopt, &unknown), 0);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(a_dead_spool_is_stored_and_goes),
        FACT(the_living_other_stores_and_ourselves_are_left_alone),
        FACT(a_take_over_goes_on_where_the_store_stands),
        FACT(damage_is_told_and_stops_nothing),
        FACT(a_spool_of_which_nothing_can_be_read_is_told_once_and_ends),
        FACT(accounts_of_the_dead_reach_the_store),
        FACT(letting_go_in_a_child_closes_what_it_inherited),
        FACT(what_is_left_for_our_store_is_counted_and_not_touched),
        FACT(without_a_folder_there_is_nothing_to_do),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
