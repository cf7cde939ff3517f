/* printable.c -- makes stored text safe to show on a terminal, and measures and cuts it by columns. */
#include "cli/printable.h"

#include "base/text.h"

struct range {
    uint32_t first;
    uint32_t last;
};

/* Obeyed or believed instead of seen: C0 and C1 controls, direction marks and overrides, line separators, invisible
 * fillers, tag characters. */
static const struct range unseen[] = {
    { 0x0000, 0x001F }, { 0x007F, 0x009F }, { 0x00AD, 0x00AD }, { 0x061C, 0x061C },
    { 0x180E, 0x180E }, { 0x200B, 0x200B }, { 0x200E, 0x200F }, { 0x2028, 0x202E },
    { 0x2060, 0x206F }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE007F },
};

/* Combining marks and joiners of the scripts that have them; sorted. */
static const struct range no_width[] = {
    { 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x0591, 0x05BD }, { 0x0610, 0x061A },   { 0x064B, 0x065F },
    { 0x0900, 0x0902 }, { 0x093C, 0x093C }, { 0x0941, 0x0948 }, { 0x094D, 0x094D },   { 0x0E31, 0x0E31 },
    { 0x0E34, 0x0E3A }, { 0x0E47, 0x0E4E }, { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF },   { 0x200C, 0x200D },
    { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F }, { 0xE0100, 0xE01EF },
};

/* East Asian Wide and Fullwidth (Unicode Annex 11), and emoji; sorted. */
static const struct range two_wide[] = {
    { 0x1100, 0x115F }, { 0x2E80, 0x303E },   { 0x3041, 0x33FF },   { 0x3400, 0x4DBF },   { 0x4E00, 0x9FFF },
    { 0xA000, 0xA4CF }, { 0xAC00, 0xD7A3 },   { 0xF900, 0xFAFF },   { 0xFE30, 0xFE6F },   { 0xFF00, 0xFF60 },
    { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF }, { 0x20000, 0x3FFFD },
};

#define IS_IN(ranges, c) is_in((ranges), sizeof(ranges) / sizeof((ranges)[0]), (c))

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

/* The character that begins at `i`, and its bytes; 0 bytes if there is no valid one. */
static uint32_t character_at(struct trail_text text, size_t i, size_t *ret_size)
{
    unsigned char first = (unsigned char)text.data[i];
    size_t   size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    uint32_t c = size == 1 ? first : first & (0x7Fu >> size);

    *ret_size = 0;
    if (size == 0 || text.size - i < size || (first != 0 && !text_is_clean(text_of(text.data + i, size))))
        return 0;
    for (size_t k = 1; k < size; k++)
        c = c << 6 | ((unsigned char)text.data[i + k] & 0x3F);
    *ret_size = size;
    return c;
}

static void append_spelled_out(struct buf *out, uint32_t c)
{
    if (c == '\n')
        buf_append_string(out, "\\n");
    else if (c == '\t')
        buf_append_string(out, "\\t");
    else if (c == '\r')
        buf_append_string(out, "\\r");
    else if (c < 0x80)
        buf_printf(out, "\\x%02x", c);
    else
        buf_printf(out, c <= 0xFFFF ? "\\u%04x" : "\\U%08x", c);
}

void printable_append(struct buf *out, struct trail_text text)
{
    size_t plain_from = 0;
    size_t i = 0;
    while (i < text.size) {
        size_t   size = 0;
        uint32_t c = character_at(text, i, &size);
        if (size > 0 && !IS_IN(unseen, c)) {
            i += size;
            continue;
        }
        buf_append(out, text.data + plain_from, i - plain_from);
        if (size > 0)
            append_spelled_out(out, c);
        else
            buf_append_string(out, "\xEF\xBF\xBD");
        i += size > 0 ? size : 1;
        plain_from = i;
    }
    buf_append(out, text.data + plain_from, text.size - plain_from);
}

static size_t width_of(uint32_t c)
{
    if (c < 0x300)
        return 1;
    return IS_IN(no_width, c) ? 0 : IS_IN(two_wide, c) ? 2 : 1;
}

struct trail_text printable_cut(struct trail_text printable, size_t width)
{
    size_t i = 0;
    size_t used = 0;
    while (i < printable.size) {
        size_t   size = 0;
        uint32_t c = character_at(printable, i, &size);
        if (used + width_of(c) > width)
            break;
        used += width_of(c);
        i += size > 0 ? size : 1;
    }
    return text_of(printable.data, i);
}

size_t printable_width(struct trail_text printable)
{
    size_t width = 0;
    for (size_t i = 0; i < printable.size;) {
        size_t size = 0;
        width += width_of(character_at(printable, i, &size));
        i += size > 0 ? size : 1;
    }
    return width;
}
