/* test_crc32c.c -- the checksum is Castagnoli's, however the bytes are cut and wherever they stand.
 *
 * Goal:   the processor's instruction and the definition agree.
 * Method: published check values; an own bit-by-bit reference over sizes, alignments and cuts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/crc32c.h"

/* By the definition: a division of polynomials, bits reversed. */
static uint32_t reference(uint32_t crc, const unsigned char *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

static void published_check_values_come_out(void **state)
{
    (void)state;
    unsigned char block[32];

    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(crc32c(0, NULL, 0), 0);
    /* RFC 3720, B.4. */
    memset(block, 0, sizeof block);
    assert_int_equal(crc32c(0, block, sizeof block), 0x8A9136AAu);
    memset(block, 0xFF, sizeof block);
    assert_int_equal(crc32c(0, block, sizeof block), 0x62A8AB43u);
    for (unsigned i = 0; i < sizeof block; i++)
        block[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, block, sizeof block), 0x46DD794Eu);
}

static void every_size_and_alignment_agrees_with_the_reference(void **state)
{
    (void)state;
    unsigned char data[300];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 167 + 13);
    for (size_t start = 0; start < 9; start++) {
        for (size_t size = 0; size <= sizeof data - start; size++)
            assert_int_equal(crc32c(0, data + start, size), reference(0, data + start, size));
    }
}

static void a_checksum_can_be_extended_at_any_cut(void **state)
{
    (void)state;
    unsigned char data[100];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 31 + 7);
    uint32_t whole = crc32c(0, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut++)
        assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, sizeof data - cut), whole);
}

static void any_changed_bit_changes_the_checksum(void **state)
{
    (void)state;
    unsigned char data[64] = { 1, 2, 3 };
    uint32_t      before = crc32c(0, data, sizeof data);
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_not_equal(crc32c(0, data, sizeof data), before);
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_check_values_come_out),
        cmocka_unit_test(every_size_and_alignment_agrees_with_the_reference),
        cmocka_unit_test(a_checksum_can_be_extended_at_any_cut),
        cmocka_unit_test(any_changed_bit_changes_the_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
