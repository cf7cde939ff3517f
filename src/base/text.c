/* text.c -- compares and cuts borrowed text, and makes any bytes valid UTF-8. */
#include "base/text.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

static unsigned char lower(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') ? (unsigned char)(c | 0x20) : c;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool text_equal(struct trail_text a, struct trail_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool text_equal_nocase(struct trail_text a, struct trail_text b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        if (lower((unsigned char)a.data[i]) != lower((unsigned char)b.data[i]))
            return false;
    }
    return true;
}

bool text_starts_with(struct trail_text text, struct trail_text prefix)
{
    return text.size >= prefix.size && (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

struct trail_text text_trim(struct trail_text text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

bool text_next_item(struct trail_text *rest, struct trail_text *ret_item)
{
    if (rest->size == 0)
        return false;

    const char *comma = memchr(rest->data, ',', rest->size);
    size_t      size = comma != NULL ? (size_t)(comma - rest->data) : rest->size;
    *ret_item = text_trim(text_of(rest->data, size));
    size_t consumed = comma != NULL ? size + 1 : size;
    rest->data += consumed;
    rest->size -= consumed;
    return true;
}

enum trail_err text_list_count(struct trail_text list, const struct text_list_limits *limits, size_t *ret_count,
                               struct trail_error *ret_error)
{
    size_t            count = 0;
    struct trail_text item;
    while (text_next_item(&list, &item)) {
        if (item.size == 0)
            continue;
        if (item.size > limits->item_bytes_max)
            return error_set(ret_error, TRAIL_ECONFIG, 0, "%s: \"%.*s...\" has %zu bytes; an item has at most %zu",
                             limits->setting, 40, item.data, item.size, limits->item_bytes_max);
        if (++count > limits->items_max)
            return error_set(ret_error, TRAIL_ECONFIG, 0, "%s: \"%.*s\" is one item too many; a list has at most %zu",
                             limits->setting, (int)item.size, item.data, limits->items_max);
    }
    *ret_count = count;
    return TRAIL_OK;
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The length of the valid character at `p`, or 0: no surrogates, no overlong forms, nothing above
 * U+10FFFF, no NUL. The second byte's range is what rules these out (Unicode, table 3-7). */
static size_t character_size(const unsigned char *p, size_t available)
{
    if (p[0] < 0x80)
        return p[0] != 0 ? 1 : 0;

    size_t        size = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    unsigned char second_min = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char second_max = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    if (p[0] < 0xC2 || p[0] > 0xF4 || available < size)
        return 0;
    if (p[1] < second_min || p[1] > second_max)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return size;
}

/* How many leading bytes are plain ASCII without NUL, counted eight at a time: nearly all of them are,
 * and this runs on every text of every event. */
static size_t ascii_prefix(const char *data, size_t size)
{
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        uint64_t has_zero = (word - 0x0101010101010101u) & ~word;
        if (((word | has_zero) & 0x8080808080808080u) != 0)
            break;
    }
    while (i < size && (unsigned char)(data[i] - 1) < 0x7F)
        i++;
    return i;
}

bool text_is_clean(struct trail_text text)
{
    size_t i = ascii_prefix(text.data, text.size);
    while (i < text.size) {
        size_t size = character_size((const unsigned char *)text.data + i, text.size - i);
        if (size == 0)
            return false;
        i += size;
    }
    return true;
}

/* Sixteen bytes at once; as signed numbers the ASCII characters but NUL are exactly those above zero. */
typedef signed char byte_vector __attribute__((vector_size(16)));
typedef uint64_t    word_vector __attribute__((vector_size(16)));

static inline byte_vector copy_vector(const char *data, char *out)
{
    byte_vector bytes;
    memcpy(&bytes, data, sizeof bytes);
    memcpy(out, &bytes, sizeof bytes);
    return bytes;
}

static bool copy_long_ascii(const char *data, size_t size, char *out)
{
    byte_vector least = copy_vector(data, out) > 0;
    for (size_t i = sizeof least; i + sizeof least <= size; i += sizeof least)
        least &= copy_vector(data + i, out + i) > 0;
    least &= copy_vector(data + size - sizeof least, out + size - sizeof least) > 0;

    word_vector halves = (word_vector)least;
    return (halves[0] & halves[1]) == UINT64_MAX;
}

/* The top bit of each byte is set when the byte is ASCII and not NUL. A carry comes only out of a byte that is not. */
static inline uint64_t ascii_bits(uint64_t word)
{
    return (word + 0x7F7F7F7F7F7F7F7Fu) & ~word;
}

/* Fewer than 16 bytes: two words that overlap, or the same with halves or bytes. */
static bool copy_short_ascii(const char *data, size_t size, char *out)
{
    uint64_t front = 0x0101010101010101u;
    uint64_t back = 0x0101010101010101u;
    if (size >= 8) {
        memcpy(&front, data, 8);
        memcpy(&back, data + size - 8, 8);
        memcpy(out, &front, 8);
        memcpy(out + size - 8, &back, 8);
    } else if (size >= 4) {
        memcpy(&front, data, 4);
        memcpy(&back, data + size - 4, 4);
        memcpy(out, &front, 4);
        memcpy(out + size - 4, &back, 4);
    } else {
        for (size_t i = 0; i < size; i++) {
            front = front << 8 | (unsigned char)data[i];
            out[i] = data[i];
        }
    }
    return (ascii_bits(front) & ascii_bits(back) & 0x8080808080808080u) == 0x8080808080808080u;
}

/* Copy and find out in the same pass whether all of it is ASCII without NUL; nearly every text of every event is. The
 * last bytes are looked at in a piece that overlaps the one before. */
static inline bool copy_ascii(const char *data, size_t size, char *out)
{
    return size >= sizeof(byte_vector) ? copy_long_ascii(data, size, out) : copy_short_ascii(data, size, out);
}

/* Out of line: what nearly every text needs should not set up a frame for what few need. */
__attribute__((noinline)) static size_t clean_by_character(struct trail_text text, size_t limit, char *out,
                                                           uint32_t *flags)
{
    static const char replacement[3] = { '\xEF', '\xBF', '\xBD' };

    size_t written = ascii_prefix(text.data, text.size < limit ? text.size : limit);
    size_t read = written;
    if (written > 0)
        memcpy(out, text.data, written);

    while (read < text.size) {
        size_t      size = character_size((const unsigned char *)text.data + read, text.size - read);
        const char *source = size > 0 ? text.data + read : replacement;
        size_t      step = size > 0 ? size : sizeof replacement;
        if (written + step > limit) {
            *flags |= TRAIL_FLAG_TRUNCATED;
            break;
        }
        if (size == 0)
            *flags |= TRAIL_FLAG_REPAIRED;
        memcpy(out + written, source, step);
        written += step;
        read += size > 0 ? size : 1;
    }
    return written;
}

size_t text_control_size(struct trail_text text, size_t at)
{
    unsigned char c = (unsigned char)text.data[at];
    if (c < 0x20 || c == 0x7F)
        return 1;
    return c == 0xC2 && at + 1 < text.size && (unsigned char)text.data[at + 1] < 0xA0 ? 2 : 0;
}

size_t text_clean(struct trail_text text, size_t limit, char *out, uint32_t *flags)
{
    assert(flags != NULL);

    if (text.size <= limit && copy_ascii(text.data, text.size, out))
        return text.size;
    return clean_by_character(text, limit, out, flags);
}
