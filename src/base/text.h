/* text.h -- compares and cuts borrowed text (struct trail_text), and makes any bytes valid UTF-8.
 *
 * The absent text is {NULL, 0}; an empty one counts as absent everywhere in the product.
 *
 * Thread: any. Nothing here keeps state.
 * Memory: every result is a view into its argument, except text_clean(), which writes where it is told.
 * Errors: text_list_count() alone.
 */
#ifndef TRAIL_BASE_TEXT_H
#define TRAIL_BASE_TEXT_H

#include "audittrail.h"

static inline struct trail_text text_of(const char *data, size_t size)
{
    struct trail_text text = { data, size };
    return text;
}

/* Eight bytes, loaded as a number, with their ASCII capitals made small. Adding raises bit 7 of a byte when it is "A or
 * above", and of another sum when it is "above Z"; with bit 7 masked off first nothing carries into the next byte. */
static inline uint64_t text_lower_8(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t       low7 = bytes & (0x7F * ones);
    uint64_t       capital = (low7 + (0x80 - 'A') * ones) ^ (low7 + (0x7F - 'Z') * ones);
    return bytes | ((capital & ~bytes & (0x80 * ones)) >> 2);
}

bool text_equal(struct trail_text a, struct trail_text b);

/* Equal when ASCII letters are compared without their case. */
bool text_equal_nocase(struct trail_text a, struct trail_text b);

bool text_starts_with(struct trail_text text, struct trail_text prefix);

/* Without white space at either end. */
struct trail_text text_trim(struct trail_text text);

/* Cut the first item off a comma-separated list. False when *rest is empty; items are trimmed and
 * may be empty ("a,,b" has three). */
bool text_next_item(struct trail_text *rest, struct trail_text *ret_item);

/* What an operator may write as the list of one setting. */
struct text_list_limits {
    const char *setting;        /* Its name, for what is said of a mistake. */
    size_t      item_bytes_max; /* A longer item is refused. */
    size_t      items_max;      /* So is one more item. Empty ones do not count. */
};

/* Count the items of a comma-separated list; TRAIL_ECONFIG: it is over a limit. */
TRAIL_MUST_CHECK enum trail_err text_list_count(struct trail_text list, const struct text_list_limits *limits,
                                                size_t *ret_count, struct trail_error *ret_error);

/* What a hexadecimal digit stands for; -1: it is none. */
int text_hex_digit(char c);

/* True when the bytes are UTF-8 without NUL: what every stored text is. */
bool text_is_clean(struct trail_text text);

/* How many bytes the control character takes that stands at text.data[at]: C0 and DEL one, C1 (U+0080 to U+009F) two.
 * 0: there stands none. */
size_t text_control_size(struct trail_text text, size_t at);

/* Copy `text` to `out`, at most `limit` bytes, NUL and invalid bytes replaced by U+FFFD, cut between
 * characters. `out` has room for `limit` bytes. Returns the bytes written; adds TRAIL_FLAG_REPAIRED and
 * TRAIL_FLAG_TRUNCATED to *flags. */
size_t text_clean(struct trail_text text, size_t limit, char *out, uint32_t *flags);

#endif
