/* test_remains.c -- what a dead process left is opened whatever state it is in, and only set aside when it is ours to
 * touch.
 *
 * Goal:   no damaged file stops a take-over; what it held is a gap; a newer format is left alone.
 * Method: spools of several segments with one of them missing, unused, damaged or of a newer format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "spool/remains.h"
#include "support/image.h"
#include "support/temp_dir.h"

static struct temp_dir dir;
static struct home     home; /* Of the dead writer; released. */

static int set_up(void **state)
{
    (void)state;
    struct spool_identity identity = image_identity('w');
    temp_dir_make(&dir);
    assert_int_equal(home_create(&home, dir.path, &identity.writer, NULL), TRAIL_OK);
    home_release(&home);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static void add_segment(uint32_t number, uint64_t first, uint64_t last)
{
    struct segment *segment = image_make(home.path, number, first);
    image_put(segment, first, last);
    segment_free(segment);
}

static void add_accounts(void)
{
    struct accounts       accounts;
    struct spool_identity identity = image_identity('w');
    assert_int_equal(accounts_create(&accounts, home.path, &identity, NULL), TRAIL_OK);
    accounts_count(&accounts, TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    accounts_close(&accounts);
}

static const char *segment_path(uint32_t number, const char *suffix)
{
    static char path[OS_PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/%08u.seg%s", home.path, number, suffix);
    return path;
}

static void overwrite(uint32_t number, size_t offset, const void *bytes, size_t size)
{
    FILE *file = fopen(segment_path(number, ""), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static struct remains open_as(enum remains_mode mode)
{
    struct remains remains;
    struct home    claimed = home;
    if (mode == REMAINS_TAKE)
        assert_int_equal(home_claim(&claimed, dir.path, &home.writer, NULL), TRAIL_OK);
    assert_int_equal(remains_open(&remains, &claimed, mode, NULL), TRAIL_OK);
    return remains;
}

static void segments_are_read_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    add_segment(10, 7, 8);
    add_segment(2, 4, 6);
    add_segment(1, 1, 3);
    add_accounts();
    assert_int_equal(mkdir(temp_dir_at(&dir, "x"), 0700), 0);
    struct remains remains = open_as(REMAINS_TAKE);
    assert_string_equal(image_read_from(remains.first, 1), "1 2 3 4 5 6 7 8");
    assert_true(remains.has_identity);
    assert_string_equal(remains.identity.service, "image");
    assert_non_null(remains.accounts.slots);
    assert_int_equal(remains.disk_bytes, 3 * IMAGE_SIZE);
    assert_int_equal(remains.quarantined, 0);
    remains_remove(&remains);
    assert_false(temp_dir_exists(home.path));
}

static void a_damaged_segment_is_set_aside_once_and_shows_as_a_gap(void **state)
{
    (void)state;
    add_segment(1, 1, 3);
    add_segment(2, 4, 6);
    add_segment(3, 7, 8);
    overwrite(2, 100, "damage", 6);

    struct remains look = open_as(REMAINS_LOOK);
    assert_string_equal(image_read_from(look.first, 1), "1 2 3 [4-6] 7 8");
    remains_close(&look);
    assert_true(temp_dir_exists(segment_path(2, ""))); /* A look changes nothing. */

    for (unsigned i = 0; i < 2; i++) { /* The second time it is aside already. */
        struct remains remains = open_as(REMAINS_TAKE);
        assert_string_equal(image_read_from(remains.first, 1), "1 2 3 [4-6] 7 8");
        assert_int_equal(remains.quarantined, 1);
        assert_int_equal(remains.quarantined_last, 2);
        assert_int_equal(remains.last_number, 3);
        assert_true(temp_dir_exists(segment_path(2, ".quarantine")));
        remains_close(&remains);
    }
    struct remains remains = open_as(REMAINS_TAKE);
    remains_remove(&remains);
    assert_int_equal(temp_dir_count(home.path), 1); /* What was set aside stays for a person to look at. */
}

static void a_missing_segment_in_the_middle_shows_as_a_gap(void **state)
{
    (void)state;
    add_segment(1, 1, 3);
    add_segment(2, 4, 6);
    add_segment(3, 7, 8);
    assert_int_equal(unlink(segment_path(2, "")), 0);
    struct remains remains = open_as(REMAINS_TAKE);
    assert_string_equal(image_read_from(remains.first, 1), "1 2 3 [4-6] 7 8");
    remains_close(&remains);
}

static void a_prepared_segment_holds_nothing(void **state)
{
    (void)state;
    add_segment(1, 1, 3);
    segment_free(image_make(home.path, 2, 0));
    struct remains remains = open_as(REMAINS_TAKE);
    assert_string_equal(image_read_from(remains.first, 1), "1 2 3");
    assert_int_equal(remains.quarantined, 0);
    remains_close(&remains);
}

/* Killed while the disk space of the next segment was being reserved: nothing is damaged, and nothing may be left. */
static void a_segment_that_was_being_made_goes_with_the_rest(void **state)
{
    (void)state;
    add_segment(1, 1, 3);
    add_accounts();
    fclose(fopen(segment_path(2, ".new"), "wb"));
    struct remains remains = open_as(REMAINS_TAKE);
    assert_string_equal(image_read_from(remains.first, 1), "1 2 3");
    assert_int_equal(remains.quarantined, 0);
    remains_remove(&remains);
    assert_false(temp_dir_exists(home.path));
}

static void a_newer_format_is_left_alone(void **state)
{
    (void)state;
    add_segment(1, 1, 3);
    add_segment(2, 4, 6);
    struct segment_header header;
    FILE                 *file = fopen(segment_path(2, ""), "rb");
    assert_int_equal(fread(&header, sizeof header, 1, file), 1);
    fclose(file);
    header.incompatible = 4;
    header.crc = crc32c(0, &header, offsetof(struct segment_header, crc));
    overwrite(2, 0, &header, sizeof header);

    struct remains remains;
    struct home    claimed;
    assert_int_equal(home_claim(&claimed, dir.path, &home.writer, NULL), TRAIL_OK);
    assert_int_equal(remains_open(&remains, &claimed, REMAINS_TAKE, NULL), TRAIL_EVERSION);
    assert_int_equal(temp_dir_count(home.path), 3);
    assert_false(home_is_owned(home.path)); /* A newer program may take it. */
}

static void without_any_valid_file_nobody_knows_whose_it_is(void **state)
{
    (void)state;
    struct spool_identity identity = image_identity('w');
    add_segment(1, 1, 3);
    overwrite(1, 0, "XXXX", 4);
    struct remains remains = open_as(REMAINS_LOOK);
    assert_false(remains.has_identity);
    assert_null(remains.first);
    assert_false(remains_belong_to(&remains, &identity.destination, &identity.destination));
    remains_close(&remains);

    add_accounts(); /* They say so too. */
    remains = open_as(REMAINS_TAKE);
    assert_true(remains_belong_to(&remains, &identity.writer, &identity.destination));
    assert_int_equal(remains.quarantined_last, 1);
    assert_int_equal(remains.last_number, 0);
    remains_close(&remains);
}

static void they_belong_to_the_store_that_the_newest_header_names(void **state)
{
    (void)state;
    const struct uuid a = { { 'a' } };
    const struct uuid b = { { 'b' } };
    static const struct {
        enum spool_destination_kind kind;
        bool                        destination_is_a;
        bool                        ours; /* Asked by the store a, whose URL hashes to b. */
    } cases[] = {
        { SPOOL_DESTINATION_STORE, true, true },         { SPOOL_DESTINATION_STORE, false, false },
        { SPOOL_DESTINATION_URL, true, false },          { SPOOL_DESTINATION_URL, false, true },
        { (enum spool_destination_kind)9, true, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct remains remains = { .has_identity = true };
        remains.identity.destination = cases[i].destination_is_a ? a : b;
        remains.identity.destination_kind = cases[i].kind;
        assert_int_equal(remains_belong_to(&remains, &a, &b), cases[i].ours);
    }
}

static void the_newest_segment_of_a_living_owner_may_still_grow(void **state)
{
    (void)state;
    add_segment(1, 1, 3);
    struct remains look = open_as(REMAINS_LOOK);
    assert_false(segment_is_sealed(look.first));
    remains_close(&look);
    struct remains taken = open_as(REMAINS_TAKE);
    assert_true(segment_is_sealed(taken.first));
    remains_close(&taken);
    remains_close(NULL);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(segments_are_read_in_the_order_of_their_numbers),
        FACT(a_damaged_segment_is_set_aside_once_and_shows_as_a_gap),
        FACT(a_missing_segment_in_the_middle_shows_as_a_gap),
        FACT(a_prepared_segment_holds_nothing),
        FACT(a_segment_that_was_being_made_goes_with_the_rest),
        FACT(a_newer_format_is_left_alone),
        FACT(without_any_valid_file_nobody_knows_whose_it_is),
        FACT(they_belong_to_the_store_that_the_newest_header_names),
        FACT(the_newest_segment_of_a_living_owner_may_still_grow),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
