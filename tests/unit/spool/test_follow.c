/* test_follow.c -- a spool that grows, loses segments and goes, read by an onlooker.
 *
 * Goal:   frames are read as they are published; a segment is final when the next has a header; at most two are mapped;
 *         what was unlinked, damaged or only prepared is passed over, and shows as a gap.
 * Method: segments made by hand in a folder, grown between two reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/follow.h"
#include "support/image.h"
#include "support/temp_dir.h"

static struct temp_dir dir;
static struct follow   follow;

static int make(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    follow_init(&follow, dir.path);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    follow_done(&follow);
    temp_dir_remove(&dir);
    return 0;
}

/* What can be read now: "1 2 [3-5] 6". */
static const char *read_now(void)
{
    static char        text[IMAGE_TEXT_SIZE];
    struct frame       frame;
    struct reader_gap  gap;
    enum reader_result result;
    size_t             size = 0;

    text[0] = '\0';
    while ((result = follow_next(&follow, &frame, &gap)) != READER_END) {
        if (result == READER_EVENT)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%d", size > 0 ? " " : "", (int)frame.seq);
        else
            size += (size_t)snprintf(text + size, sizeof text - size, "%s[%d-%d]", size > 0 ? " " : "", (int)gap.first,
                                     (int)gap.last);
        assert_true(size < sizeof text);
    }
    return text;
}

static size_t mapped(void)
{
    size_t count = 0;
    for (const struct segment *segment = follow.first; segment != NULL; segment = segment_next(segment))
        count++;
    return count;
}

static void frames_are_read_as_they_are_published(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    assert_true(follow_open(&follow));
    follow_start(&follow, 0);
    assert_string_equal(read_now(), "");
    image_put(segment, 1, 2);
    assert_string_equal(read_now(), "1 2");
    assert_string_equal(read_now(), "");
    image_pad(segment);
    image_put(segment, 3, 3);
    assert_string_equal(read_now(), "3");
    assert_int_equal(follow.identity.pid, 4711);
    segment_free(segment);
}

static void segments_follow_each_other_and_go(void **state)
{
    (void)state;
    struct segment *segments[5];
    for (uint32_t i = 0; i < 5; i++) {
        segments[i] = image_make(dir.path, i + 1, 1 + 2 * i);
        image_put(segments[i], 1 + 2 * i, 2 + 2 * i);
    }
    assert_true(follow_open(&follow));
    follow_start(&follow, 0);
    for (int seq = 1; seq <= 10; seq++) {
        struct frame      frame;
        struct reader_gap gap;
        assert_int_equal(follow_next(&follow, &frame, &gap), READER_EVENT);
        assert_int_equal(frame.seq, seq);
        assert_true(mapped() <= 2);
        follow_release(&follow);
        assert_int_equal(mapped(), 1);
    }
    assert_string_equal(read_now(), "");
    for (size_t i = 0; i < 5; i++)
        segment_free(segments[i]);
}

static void a_prepared_segment_is_waited_for(void **state)
{
    (void)state;
    struct segment       *first = image_make(dir.path, 1, 0);
    struct spool_identity identity = image_identity('w');
    assert_false(follow_open(&follow));
    segment_activate(first, &identity, 1, IMAGE_WALL_US);
    assert_true(follow_open(&follow));
    follow_start(&follow, 0);
    image_put(first, 1, 1);
    struct segment *second = image_make(dir.path, 2, 0);
    assert_string_equal(read_now(), "1");
    image_put(first, 2, 2);
    segment_activate(second, &identity, 3, IMAGE_WALL_US);
    image_put(second, 3, 3);
    assert_string_equal(read_now(), "2 3");
    segment_free(first);
    segment_free(second);
}

static void an_unlinked_segment_is_read_on_and_a_lost_one_is_a_gap(void **state)
{
    (void)state;
    struct segment *first = image_make(dir.path, 1, 1);
    assert_true(follow_open(&follow));
    follow_start(&follow, 0);
    segment_unlink(first);
    image_put(first, 1, 2); /* In memory that is still shared. */
    assert_string_equal(read_now(), "1 2");
    struct segment *third = image_make(dir.path, 3, 6);
    image_put(third, 6, 6);
    assert_string_equal(read_now(), "[3-5] 6");
    segment_free(first);
    segment_free(third);
}

static void a_damaged_header_is_passed_over(void **state)
{
    (void)state;
    struct segment *first = image_make(dir.path, 1, 1);
    struct segment *second = image_make(dir.path, 2, 3);
    image_put(first, 1, 2);
    image_put(second, 3, 4);
    second->area.map[64] ^= 1;
    assert_true(follow_open(&follow));
    follow_start(&follow, 0);
    assert_string_equal(read_now(), "1 2");
    /* It was being written, and no more than that. */
    second->area.map[64] ^= 1;
    assert_string_equal(read_now(), "3 4");
    struct segment *third = image_make(dir.path, 3, 5);
    struct segment *fourth = image_make(dir.path, 4, 7);
    image_put(third, 5, 6);
    image_put(fourth, 7, 7);
    third->area.map[64] ^= 1;
    assert_string_equal(read_now(), "[5-6] 7");
    segment_free(first);
    segment_free(second);
    segment_free(third);
    segment_free(fourth);
}

static void a_start_in_the_middle_passes_over_what_is_before(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 7, 100);
    image_put(segment, 100, 105);
    assert_true(follow_open(&follow));
    follow_start(&follow, 104);
    assert_string_equal(read_now(), "104 105");
    follow_done(&follow);
    follow_init(&follow, dir.path);
    assert_true(follow_open(&follow));
    follow_start(&follow, 98);
    assert_string_equal(read_now(), "[98-99] 100 101 102 103 104 105");
    segment_free(segment);
}

static void a_folder_that_is_gone_is_noticed(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 1);
    assert_true(follow_open(&follow));
    follow_start(&follow, 0);
    segment_unlink(segment);
    assert_string_equal(read_now(), "1");
    assert_false(follow.gone);
    temp_dir_remove(&dir);
    assert_string_equal(read_now(), "");
    assert_true(follow.gone);
    segment_free(segment);
    temp_dir_make(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_are_read_as_they_are_published, make, remove_all),
        cmocka_unit_test_setup_teardown(segments_follow_each_other_and_go, make, remove_all),
        cmocka_unit_test_setup_teardown(a_prepared_segment_is_waited_for, make, remove_all),
        cmocka_unit_test_setup_teardown(an_unlinked_segment_is_read_on_and_a_lost_one_is_a_gap, make, remove_all),
        cmocka_unit_test_setup_teardown(a_damaged_header_is_passed_over, make, remove_all),
        cmocka_unit_test_setup_teardown(a_start_in_the_middle_passes_over_what_is_before, make, remove_all),
        cmocka_unit_test_setup_teardown(a_folder_that_is_gone_is_noticed, make, remove_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
