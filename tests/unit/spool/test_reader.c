/* test_reader.c -- every number of a writer comes out of the reader once: as an event, or inside a gap.
 *
 * Goal:   damage of every kind gives the exact gap where that can be known, and one gap with an open end where it
 * cannot;
 *         a recovery that is interrupted and done again tells the same.
 * Method: images of dead spools are cut, holed and overwritten; what the reader says is compared as text. A live
 *         image is read while another thread appends to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "spool/reader.h"
#include "support/image.h"
#include "support/temp_dir.h"

#define FRAME(n) ((size_t)SPOOL_PAGE_SIZE + ((n)-1) * 48) /* Of event n < 10: 36 + 7 bytes, aligned. */

static struct temp_dir dir;

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

/* Read a file as a take-over does. */
static const char *reopen_and_read(const struct segment *written, uint64_t next_seq)
{
    struct segment       *opened = NULL;
    struct segment_header header;
    assert_int_equal(segment_open(&opened, written->path, &header, NULL), TRAIL_OK);
    const char *text = image_read_from(opened, next_seq);
    segment_free(opened);
    return text;
}

static void seal_and_link(struct segment *first, struct segment *second)
{
    first->next = second;
    first->sealed = true;
    if (second != NULL)
        second->sealed = true;
}

static void what_the_store_has_is_passed_over(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 4);
    image_pad(segment);
    image_put(segment, 5, 6);
    assert_string_equal(reopen_and_read(segment, 1), "1 2 3 4 5 6");
    assert_string_equal(reopen_and_read(segment, 5), "5 6");
    assert_string_equal(reopen_and_read(segment, 7), "");
    segment_free(segment);
}

static void a_file_cut_anywhere_gives_what_stands_before_the_cut_and_an_open_end(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 4);
    assert_int_equal(segment->tail, FRAME(5));

    static const char *const expected[] = { "[1..]", "1 [2..]", "1 2 [3..]", "1 2 3 [4..]", "1 2 3 4 [5..]" };
    for (size_t cut = FRAME(5); cut >= SPOOL_PAGE_SIZE; cut--) {
        assert_int_equal(truncate(segment->path, (off_t)cut), 0);
        /* The last bytes of a frame's place are alignment: event n is whole 43 bytes behind its beginning. */
        size_t whole = (cut - SPOOL_PAGE_SIZE) / 48 + ((cut - SPOOL_PAGE_SIZE) % 48 >= 43);
        assert_string_equal(reopen_and_read(segment, 1), expected[whole]);
    }
    segment_free(segment);
}

static void the_end_of_a_whole_file_is_no_damage(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    assert_string_equal(reopen_and_read(segment, 1), "");
    image_put(segment, 1, 2);
    assert_string_equal(reopen_and_read(segment, 1), "1 2");
    segment_free(segment);
}

static void a_hole_with_valid_frames_behind_it_is_an_exact_gap(void **state)
{
    (void)state;
    static const struct {
        unsigned    first;
        unsigned    last;
        int         fill;
        const char *expected;
    } cases[] = {
        { 1, 1, 0, "[1-1] 2 3 4 5 6 7 8" }, { 3, 3, 0, "1 2 [3-3] 4 5 6 7 8" },
        { 3, 5, 0, "1 2 [3-5] 6 7 8" },     { 3, 3, 0xFF, "1 2 [3-3] 4 5 6 7 8" },
        { 1, 7, 0xA5, "[1-7] 8" },          { 8, 8, 0xFF, "1 2 3 4 5 6 7 [8..]" },
        { 6, 8, 0x01, "1 2 3 4 5 [6..]" },  { 1, 8, 0xFF, "[1..]" },
        { 8, 8, 0, "1 2 3 4 5 6 7" }, /* A zeroed end cannot be told from the end. */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct segment *segment = image_make(dir.path, 1, 1);
        image_put(segment, 1, 8);
        memset(segment->area.map + FRAME(cases[i].first), cases[i].fill,
               FRAME(cases[i].last + 1) - FRAME(cases[i].first));
        assert_string_equal(reopen_and_read(segment, 1), cases[i].expected);
        segment_unlink(segment);
        segment_free(segment);
    }
}

static void two_holes_are_two_gaps(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 8);
    memset(segment->area.map + FRAME(2), 0, 48);
    segment->area.map[FRAME(5) + 40] ^= 1;
    assert_string_equal(reopen_and_read(segment, 1), "1 [2-2] 3 4 [5-5] 6 7 8");
    assert_string_equal(reopen_and_read(segment, 4), "4 [5-5] 6 7 8");
    segment_free(segment);
}

static void a_lost_tail_is_told_once_even_if_recovery_is_done_again(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 5);
    memset(segment->area.map + FRAME(4), 0xEE, 96);

    assert_string_equal(reopen_and_read(segment, 1), "1 2 3 [4..]");
    assert_string_equal(reopen_and_read(segment, 3), "3 [4..]"); /* Interrupted before the gap was stored. */
    assert_string_equal(reopen_and_read(segment, 4), "[4..]");
    assert_string_equal(reopen_and_read(segment, 5), ""); /* The gap stands at 4: it is known. */
    segment_free(segment);
}

static void a_writer_of_whom_nothing_is_left_is_told_once_too(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 2);
    memset(segment->area.map + FRAME(1), 0xEE, 96);
    assert_string_equal(reopen_and_read(segment, 1), "[1..]");
    assert_string_equal(reopen_and_read(segment, 2), "");
    segment_free(segment);
}

static void the_end_may_be_asked_for_again_and_again(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    struct reader   reader;
    char            text[IMAGE_TEXT_SIZE];
    image_put(segment, 1, 3);
    memset(segment->area.map + FRAME(3), 0xEE, 48);
    segment->sealed = true;
    reader_init(&reader, segment, 1);
    image_read(&reader, text);
    assert_string_equal(text, "1 2 [3..]");
    for (unsigned i = 0; i < 3; i++) {
        image_read(&reader, text);
        assert_string_equal(text, "");
    }
    segment_free(segment);
}

static void a_missing_segment_is_an_exact_gap(void **state)
{
    (void)state;
    struct segment *first = image_make(dir.path, 1, 1);
    struct segment *third = image_make(dir.path, 3, 9);
    image_put(first, 1, 3);
    seal_and_link(first, third);
    /* The header alone says up to where events are missing. */
    assert_string_equal(image_read_from(first, 1), "1 2 3 [4-8]");
    assert_string_equal(image_read_from(first, 5), "[5-8]");
    assert_string_equal(image_read_from(first, 9), "");
    image_put(third, 9, 10);
    assert_string_equal(image_read_from(first, 1), "1 2 3 [4-8] 9 10");
    segment_free(first);
    segment_free(third);
}

static void a_tail_lost_before_another_segment_is_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t    events_behind;
        const char *expected;
    } cases[] = { { 0, "1 2 [3-4]" }, { 2, "1 2 [3-4] 5 6" } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct segment *first = image_make(dir.path, 1, 1);
        struct segment *second = image_make(dir.path, 2, 5);
        image_put(first, 1, 4);
        memset(first->area.map + FRAME(3), 0xEE, 96);
        image_put(second, 5, 4 + cases[i].events_behind);
        seal_and_link(first, second);
        assert_string_equal(image_read_from(first, 1), cases[i].expected);
        segment_unlink(first);
        segment_unlink(second);
        segment_free(first);
        segment_free(second);
    }
}

static void what_is_known_to_be_lost_behind_the_last_segment_is_told_last_and_once(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    char            text[IMAGE_TEXT_SIZE];
    image_put(segment, 1, 3);
    segment->sealed = true;
    static const char *const expected[] = { "1 2 3 [4..]", "2 3 [4..]", "3 [4..]", "[4..]", "" };
    for (uint64_t next_seq = 1; next_seq <= 5; next_seq++) {
        struct reader reader;
        reader_init(&reader, segment, next_seq);
        reader.tail_lost = true;
        image_read(&reader, text);
        assert_string_equal(text, expected[next_seq - 1]);
    }
    segment_free(segment);
}

static void a_lost_tail_without_any_segment_is_told_once(void **state)
{
    (void)state;
    struct reader reader;
    char          text[IMAGE_TEXT_SIZE];
    reader_init(&reader, NULL, 8);
    image_read(&reader, text);
    assert_string_equal(text, "");
    reader.tail_lost = true;
    image_read(&reader, text);
    assert_string_equal(text, "[8..]");
    image_read(&reader, text);
    assert_string_equal(text, "");
}

static void frames_of_lower_numbers_are_never_told_again(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 3);
    image_put(segment, 2, 4); /* As a segment that was copied under a second name has them. */
    assert_string_equal(reopen_and_read(segment, 1), "1 2 3 4");
    segment_free(segment);
}

/* ---- Reading while it grows ---- */

#define LIVE_EVENTS 3000

static void a_live_spool_ends_for_now_and_goes_on(void **state)
{
    (void)state;
    struct segment *first = image_make(dir.path, 1, 1);
    struct segment *second = image_make(dir.path, 2, 4);
    struct reader   reader;
    char            text[IMAGE_TEXT_SIZE];

    reader_init(&reader, first, 1);
    image_read(&reader, text);
    assert_string_equal(text, "");
    image_put(first, 1, 2);
    image_read(&reader, text);
    assert_string_equal(text, "1 2");
    image_put(first, 3, 3);
    first->next = second;
    image_read(&reader, text); /* A successor, but not sealed yet. */
    assert_string_equal(text, "3");
    first->sealed = true;
    image_read(&reader, text);
    assert_string_equal(text, "");
    assert_ptr_equal(reader.segment, second);
    image_put(second, 4, 4);
    image_read(&reader, text);
    assert_string_equal(text, "4");
    segment_free(first);
    segment_free(second);
}

static void a_segment_sealed_without_a_successor_is_waited_at(void **state)
{
    (void)state;
    struct segment *first = image_make(dir.path, 1, 1);
    struct segment *second = image_make(dir.path, 2, 3);
    struct reader   reader;
    char            text[IMAGE_TEXT_SIZE];

    image_put(first, 1, 2);
    first->sealed = true; /* Its pages could not be synced. */
    reader_init(&reader, first, 1);
    image_read(&reader, text);
    assert_string_equal(text, "1 2");
    image_read(&reader, text);
    assert_string_equal(text, "");
    first->next = second;
    image_put(second, 3, 3);
    image_read(&reader, text);
    assert_string_equal(text, "3");
    segment_free(first);
    segment_free(second);
}

/* Appends as spool.c does: frames, then the successor, then the seal. */
static void *append_live(void *argument)
{
    struct segment *segment = argument;
    uint32_t        number = 1;
    for (uint64_t seq = 1; seq <= LIVE_EVENTS; seq++) {
        if (segment->tail + frame_size(32) > segment->area.size) {
            struct segment *next = image_make(dir.path, ++number, seq);
            __atomic_store_n(&segment->next, next, __ATOMIC_RELEASE);
            __atomic_store_n(&segment->sealed, true, __ATOMIC_RELEASE);
            segment = next;
        }
        image_put(segment, seq, seq);
        if (seq % 50 == 0 && segment->tail + 2 * SPOOL_PAGE_SIZE < segment->area.size)
            image_pad(segment);
    }
    return NULL;
}

static void a_reader_keeps_up_with_an_appender_without_losing_or_inventing_anything(void **state)
{
    (void)state;
    struct segment   *first = image_make(dir.path, 1, 1);
    struct reader     reader;
    struct frame      frame;
    struct reader_gap gap;
    pthread_t         thread;
    uint64_t          expected = 1;

    assert_int_equal(pthread_create(&thread, NULL, append_live, first), 0);
    reader_init(&reader, first, 1);
    while (expected <= LIVE_EVENTS) {
        enum reader_result result = reader_next(&reader, &frame, &gap);
        assert_int_not_equal(result, READER_GAP);
        if (result == READER_EVENT)
            assert_int_equal(frame.seq, expected++);
    }
    pthread_join(thread, NULL);
    for (struct segment *segment = first; segment != NULL;) {
        struct segment *next = segment_next(segment);
        segment_free(segment);
        segment = next;
    }
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(what_the_store_has_is_passed_over),
        FACT(a_file_cut_anywhere_gives_what_stands_before_the_cut_and_an_open_end),
        FACT(the_end_of_a_whole_file_is_no_damage),
        FACT(a_hole_with_valid_frames_behind_it_is_an_exact_gap),
        FACT(two_holes_are_two_gaps),
        FACT(a_lost_tail_is_told_once_even_if_recovery_is_done_again),
        FACT(a_writer_of_whom_nothing_is_left_is_told_once_too),
        FACT(the_end_may_be_asked_for_again_and_again),
        FACT(a_missing_segment_is_an_exact_gap),
        FACT(a_tail_lost_before_another_segment_is_exact),
        FACT(what_is_known_to_be_lost_behind_the_last_segment_is_told_last_and_once),
        FACT(a_lost_tail_without_any_segment_is_told_once),
        FACT(frames_of_lower_numbers_are_never_told_again),
        FACT(a_live_spool_ends_for_now_and_goes_on),
        FACT(a_segment_sealed_without_a_successor_is_waited_at),
        FACT(a_reader_keeps_up_with_an_appender_without_losing_or_inventing_anything),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
