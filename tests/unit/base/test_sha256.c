/* test_sha256.c -- digests are SHA-256, also when one context is used many times.
 *
 * Goal:   the values of the standard come out, first use or tenth; hex is lower case and terminated.
 * Method: the test vectors of FIPS 180-4 (empty, "abc", 448 bits, a million times "a").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"

static const struct vector {
    const char *text;
    const char *hex;
} vectors[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void digests_are_those_of_the_standard(void **state)
{
    struct sha256 sha256;
    (void)state;
    assert_int_equal(sha256_init(&sha256), TRAIL_OK);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
            uint8_t digest[SHA256_BYTES];
            char    hex[SHA256_HEX_SIZE];
            assert_int_equal(sha256_digest(&sha256, trail_str(vectors[i].text), digest), TRAIL_OK);
            sha256_hex(digest, hex);
            assert_string_equal(hex, vectors[i].hex);
        }
    }
    sha256_done(&sha256);
}

static void a_million_bytes_digest(void **state)
{
    struct sha256 sha256;
    uint8_t       digest[SHA256_BYTES];
    char          hex[SHA256_HEX_SIZE];
    char         *text = malloc(1000000);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', 1000000);
    assert_int_equal(sha256_init(&sha256), TRAIL_OK);
    assert_int_equal(sha256_digest(&sha256, (struct trail_text){ text, 1000000 }, digest), TRAIL_OK);
    sha256_hex(digest, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_done(&sha256);
    free(text);
}

static void the_absent_text_is_the_empty_one(void **state)
{
    struct sha256 sha256;
    uint8_t       digest[SHA256_BYTES];
    char          hex[SHA256_HEX_SIZE];
    (void)state;
    assert_int_equal(sha256_init(&sha256), TRAIL_OK);
    assert_int_equal(sha256_digest(&sha256, (struct trail_text){ 0 }, digest), TRAIL_OK);
    sha256_hex(digest, hex);
    assert_string_equal(hex, vectors[0].hex);
    sha256_done(&sha256);
}

static void done_accepts_null_and_twice(void **state)
{
    struct sha256 sha256;
    (void)state;
    assert_int_equal(sha256_init(&sha256), TRAIL_OK);
    sha256_done(&sha256);
    sha256_done(&sha256);
    sha256_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(a_million_bytes_digest),
        cmocka_unit_test(the_absent_text_is_the_empty_one),
        cmocka_unit_test(done_accepts_null_and_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
