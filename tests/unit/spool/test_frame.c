/* test_frame.c -- a frame is valid where it was written and as it was written, and nowhere and nowise else.
 *
 * Goal:   no damage, no stale byte, no copy and no quotation passes for a frame.
 * Method: every bit of a frame is flipped; frames are copied to other places, other segments and into payloads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "spool/frame.h"

#define AREA_SIZE (4 * SPOOL_PAGE_SIZE)
#define HERE SPOOL_PAGE_SIZE

static _Alignas(8) uint8_t map[AREA_SIZE];
static struct frame_area area = { map, AREA_SIZE, 0x1122334455667788 };

static int clear(void **state)
{
    (void)state;
    memset(map, 0, sizeof map);
    return 0;
}

static void put(size_t offset, uint64_t seq, struct trail_text payload)
{
    struct frame frame = { .seq = seq, .wall_us = 99, .type = FRAME_EVENT, .flags = 3, .payload = payload };
    frame_write(&area, offset, &frame, crc32c(0, payload.data, payload.size));
}

static enum frame_state look(size_t offset)
{
    struct frame frame;
    size_t       next;
    return frame_read(&area, offset, &frame, &next);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    static char         payload[2 * SPOOL_PAGE_SIZE];
    static const size_t sizes[] = { 0, 1, 3, 4, 5, 11, 12, 4096, sizeof payload };
    memset(payload, 'p', sizeof payload);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct frame frame = { 0 };
        size_t       next = 0;
        clear(NULL);
        assert_int_equal(look(HERE), FRAME_ABSENT);
        put(HERE, 7, text_of(payload, sizes[i]));
        assert_int_equal(frame_read(&area, HERE, &frame, &next), FRAME_VALID);
        assert_int_equal(frame.seq, 7);
        assert_int_equal(frame.wall_us, 99);
        assert_int_equal(frame.type, FRAME_EVENT);
        assert_int_equal(frame.flags, 3);
        assert_true(text_equal(frame.payload, text_of(payload, sizes[i])));
        assert_int_equal(next, HERE + frame_size(sizes[i]));
        assert_int_equal(next % FRAME_ALIGNMENT, 0);
        assert_true(next >= HERE + FRAME_HEADER_SIZE + sizes[i] && next < HERE + FRAME_HEADER_SIZE + sizes[i] + 8);
    }
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    const struct trail_text payload = TRAIL_TEXT("{\"who\":\"alice\"}");
    size_t                  size = FRAME_HEADER_SIZE + payload.size;

    put(HERE, 7, payload);
    for (size_t bit = 0; bit < size * 8; bit++) {
        map[HERE + bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(look(HERE), FRAME_VALID);
        assert_int_equal(frame_find(&area, HERE), 0);
        map[HERE + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(look(HERE), FRAME_VALID); /* The control. */
}

static void every_damaged_byte_of_a_pad_header_is_noticed(void **state)
{
    (void)state;
    frame_write_pad(&area, HERE, 2 * HERE, 5);
    for (size_t i = 0; i < FRAME_HEADER_SIZE; i++) {
        map[HERE + i] ^= 0x55;
        assert_int_not_equal(look(HERE), FRAME_VALID);
        map[HERE + i] ^= 0x55;
    }
    assert_int_equal(look(HERE), FRAME_VALID);
}

static void a_pad_takes_no_seq_and_ends_where_it_should(void **state)
{
    (void)state;
    struct frame frame = { 0 };
    size_t       next = 0;
    frame_write_pad(&area, HERE + 8, 2 * HERE, 5);
    assert_int_equal(frame_read(&area, HERE + 8, &frame, &next), FRAME_VALID);
    assert_int_equal(frame.type, FRAME_PAD);
    assert_int_equal(frame.seq, 0);
    assert_int_equal(frame.payload.size, 0);
    assert_int_equal(next, 2 * HERE);

    frame_write_pad(&area, 2 * HERE, 2 * HERE + 40, 5); /* The smallest. */
    assert_int_equal(frame_read(&area, 2 * HERE, &frame, &next), FRAME_VALID);
    assert_int_equal(next, 2 * HERE + 40);
}

static void a_frame_of_another_place_or_segment_is_invalid(void **state)
{
    (void)state;
    const struct trail_text payload = TRAIL_TEXT("moved");
    put(HERE, 7, payload);
    memcpy(map + 2 * HERE, map + HERE, frame_size(payload.size));
    assert_int_equal(look(2 * HERE), FRAME_INVALID);

    struct frame_area other = area;
    struct frame      frame;
    size_t            next;
    other.nonce++;
    assert_int_equal(frame_read(&other, HERE, &frame, &next), FRAME_INVALID);
    assert_int_equal(frame_find(&other, HERE), 0);
    assert_int_equal(look(HERE), FRAME_VALID);
}

static void a_frame_quoted_in_a_payload_is_not_found(void **state)
{
    (void)state;
    _Alignas(8) char quote[4 + 64]; /* Behind the 36 bytes of the header and 4 more it is aligned like a frame. */
    memset(quote, 0, sizeof quote);
    put(HERE, 7, TRAIL_TEXT("secret"));
    memcpy(quote + 4, map + HERE, frame_size(6));
    put(2 * HERE, 8, text_of(quote, sizeof quote));

    memset(map + HERE, 0xFF, frame_size(6));
    assert_int_equal(frame_find(&area, HERE), 2 * HERE);
    assert_int_equal(frame_find(&area, 2 * HERE + 8), 0);
}

static void lengths_that_lead_out_of_the_segment_are_invalid(void **state)
{
    (void)state;
    static const uint32_t lengths[] = { 1, FRAME_HEADER_SIZE - 1, AREA_SIZE - HERE + 1, 0x7FFFFFFF, 0xFFFFFFFF };
    put(HERE, 7, TRAIL_TEXT("x"));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memcpy(map + HERE, &lengths[i], sizeof lengths[i]);
        assert_int_equal(look(HERE), FRAME_INVALID);
    }
    memcpy(map + HERE, &(uint32_t){ 0 }, 4);
    assert_int_equal(look(HERE), FRAME_ABSENT);
    assert_int_equal(look(AREA_SIZE - 32), FRAME_ABSENT); /* No room for a header. */
}

static void a_frame_may_end_with_the_segment(void **state)
{
    (void)state;
    static char payload[64];
    size_t      at = AREA_SIZE - frame_size(sizeof payload);
    put(at, 9, text_of(payload, sizeof payload));
    assert_int_equal(look(at), FRAME_VALID);
    assert_int_equal(frame_find(&area, HERE), at);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup(name, clear)
    const struct CMUnitTest tests[] = {
        FACT(what_was_written_is_read),
        FACT(every_flipped_bit_is_noticed),
        FACT(every_damaged_byte_of_a_pad_header_is_noticed),
        FACT(a_pad_takes_no_seq_and_ends_where_it_should),
        FACT(a_frame_of_another_place_or_segment_is_invalid),
        FACT(a_frame_quoted_in_a_payload_is_not_found),
        FACT(lengths_that_lead_out_of_the_segment_are_invalid),
        FACT(a_frame_may_end_with_the_segment),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
