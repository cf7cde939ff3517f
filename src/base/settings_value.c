/* settings_value.c -- reads and writes the value of a setting, one reader per type. */
#include "base/settings_value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/action_map.h"
#include "base/text.h"

/* The suffixes of BYTES, largest first so that writing finds the shortest form. */
static const struct {
    const char *name;
    const char *short_name;
    unsigned    shift;
} suffixes[] = { { "TiB", "T", 40 }, { "GiB", "G", 30 }, { "MiB", "M", 20 }, { "KiB", "K", 10 } };

#define SUFFIX_COUNT (sizeof suffixes / sizeof suffixes[0])

static bool apply_suffix(struct trail_text suffix, uint64_t *number)
{
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        if (!text_equal_nocase(suffix, trail_str(suffixes[i].name)) &&
            !text_equal_nocase(suffix, trail_str(suffixes[i].short_name)))
            continue;
        if (*number > UINT64_MAX >> suffixes[i].shift)
            return false;
        *number <<= suffixes[i].shift;
        return true;
    }
    return false;
}

bool setting_number_read(struct trail_text text, bool with_suffixes, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t   i = 0;
    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (i == 0)
        return false;

    struct trail_text rest = text_trim(text_of(text.data + i, text.size - i));
    if (rest.size > 0 && (!with_suffixes || !apply_suffix(rest, &number)))
        return false;
    *ret_number = number;
    return true;
}

/* 10^15: with it a rate is a whole number that a double holds exactly, and so is what it is divided by. */
#define RATE_DIGITS_MAX 15
#define RATE_UNITS 1e15

/* Digits and nothing else, not even the white space that a number may have before its suffix. */
static bool read_digits(struct trail_text text, uint64_t *ret_number)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return setting_number_read(text, false, ret_number);
}

bool setting_rate_read(struct trail_text text, double *ret_rate)
{
    struct trail_text whole = text;
    const char       *point = text.size > 0 ? memchr(text.data, '.', text.size) : NULL;
    uint64_t          ones = 0;
    uint64_t          digits = 0;

    if (point != NULL) {
        whole.size = (size_t)(point - text.data);
        struct trail_text part = text_of(point + 1, text.size - whole.size - 1);
        if (part.size > RATE_DIGITS_MAX || !read_digits(part, &digits))
            return false;
        for (size_t i = part.size; i < RATE_DIGITS_MAX; i++)
            digits *= 10;
    }
    /* ".5" is how many write it. */
    if (!(whole.size == 0 && point != NULL) && !read_digits(whole, &ones))
        return false;
    *ret_rate = (double)ones + (double)digits / RATE_UNITS;
    return true;
}

const char *setting_rate_format(double rate, char out[SETTING_RATE_SIZE])
{
    assert(rate >= 0 && rate <= 1);

    /* Half a unit is more than what dividing and multiplying can have rounded. */
    uint64_t units = (uint64_t)(rate * RATE_UNITS + 0.5);
    uint64_t one = (uint64_t)RATE_UNITS;
    int      size = snprintf(out, SETTING_RATE_SIZE, "%" PRIu64 ".%015" PRIu64, units / one, units % one);
    while (out[size - 1] == '0' && out[size - 2] != '.')
        out[--size] = '\0';
    return out;
}

static bool read_rate(const struct setting_info *info, struct trail_text text, double *ret_rate)
{
    double least = 0;
    double most = 0;
    double rate = 0;

    bool bounded = setting_rate_read(trail_str(info->least), &least) && setting_rate_read(trail_str(info->most), &most);
    assert(bounded);
    (void)bounded;
    if (!setting_rate_read(text, &rate) || rate < least || rate > most)
        return false;
    *ret_rate = rate;
    return true;
}

static bool read_bool(struct trail_text text, bool *ret_value)
{
    static const char *const words[2][4] = { { "false", "no", "off", "0" }, { "true", "yes", "on", "1" } };

    for (size_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < 4; i++) {
            if (text_equal_nocase(text, trail_str(words[value][i]))) {
                *ret_value = value == 1;
                return true;
            }
        }
    }
    return false;
}

static bool read_choice(const struct setting_info *info, struct trail_text text, uint32_t *ret_index)
{
    struct trail_text rest = trail_str(info->choices);
    struct trail_text word;
    for (uint32_t index = 0; text_next_item(&rest, &word); index++) {
        if (text_equal_nocase(text, word)) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

/* Words in any order, as often as one likes. */
static enum trail_err read_set(const struct setting_info *info, struct trail_text text, uint32_t *ret_bits,
                               struct buf *reason)
{
    uint32_t          bits = 0;
    struct trail_text word;
    while (text_next_item(&text, &word)) {
        uint32_t index = 0;
        if (word.size == 0)
            continue;
        if (!read_choice(info, word, &index)) {
            buf_printf(reason, "\"%.*s\" is none of %s", (int)(word.size < 48 ? word.size : 48), word.data,
                       info->choices);
            return TRAIL_EINVAL;
        }
        bits |= UINT32_C(1) << index;
    }
    *ret_bits = bits;
    return TRAIL_OK;
}

static bool read_number(const struct setting_info *info, struct trail_text text, uint64_t *ret_number)
{
    bool     with_suffixes = info->type == SETTING_TYPE_BYTES;
    uint64_t least = 0;
    uint64_t most = 0;
    uint64_t number = 0;

    bool bounded = setting_number_read(trail_str(info->least), with_suffixes, &least) &&
                   setting_number_read(trail_str(info->most), with_suffixes, &most);
    assert(bounded);
    (void)bounded;
    if (!setting_number_read(text, with_suffixes, &number) || number < least || number > most)
        return false;
    *ret_number = number;
    return true;
}

bool setting_text_is_plain(struct trail_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text_control_size(text, i) > 0)
            return false;
    }
    return text_is_clean(text);
}

enum trail_err setting_string_set(char **field, struct trail_text text)
{
    char *copy = malloc(text.size + 1);
    if (copy == NULL)
        return TRAIL_ENOMEM;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    free(*field);
    *field = copy;
    return TRAIL_OK;
}

static enum trail_err read_list(struct trail_text text, char **field)
{
    struct buf items;
    buf_init(&items, NULL, 0);

    struct trail_text item;
    while (text_next_item(&text, &item)) {
        if (item.size == 0)
            continue;
        if (items.size > 0)
            buf_append_string(&items, ",");
        buf_append_text(&items, item);
    }
    enum trail_err err = buf_failed(&items) ? TRAIL_ENOMEM : setting_string_set(field, buf_text(&items));
    buf_done(&items);
    return err;
}

bool setting_is_string(const struct setting_info *info)
{
    return info->type == SETTING_TYPE_LIST || info->type == SETTING_TYPE_MAP || info->type == SETTING_TYPE_TEXT;
}

static enum trail_err read_map(struct trail_text text, char **field, struct buf *reason)
{
    struct action_map map;
    enum trail_err    err = action_map_init(&map, text, reason);
    if (err != TRAIL_OK)
        return err;
    action_map_done(&map);
    return read_list(text, field);
}

static enum trail_err read_string(const struct setting_info *info, struct trail_text text, char **field,
                                  struct buf *reason)
{
    if (!setting_text_is_plain(text)) {
        buf_append_string(reason, "it holds a control character or bytes that are not UTF-8");
        return TRAIL_EINVAL;
    }
    if (info->type == SETTING_TYPE_MAP)
        return read_map(text, field, reason);
    return info->type == SETTING_TYPE_LIST ? read_list(text, field) : setting_string_set(field, text);
}

enum trail_err setting_value_read(const struct setting_info *info, struct trail_text text, void *field,
                                  struct buf *reason)
{
    bool valid = false;

    text = text_trim(text);
    switch (info->type) {
    case SETTING_TYPE_BOOL: valid = read_bool(text, field); break;
    case SETTING_TYPE_CHOICE: valid = read_choice(info, text, field); break;
    case SETTING_TYPE_NUMBER:
    case SETTING_TYPE_BYTES: valid = read_number(info, text, field); break;
    case SETTING_TYPE_RATE: valid = read_rate(info, text, field); break;
    case SETTING_TYPE_SET: return read_set(info, text, field, reason);
    case SETTING_TYPE_LIST:
    case SETTING_TYPE_MAP:
    case SETTING_TYPE_TEXT: return read_string(info, text, field, reason);
    }
    if (!valid) {
        buf_printf(reason, "allowed are %s", info->allowed);
        return TRAIL_EINVAL;
    }
    return TRAIL_OK;
}

static void write_bytes(uint64_t bytes, struct buf *out)
{
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        uint64_t unit = UINT64_C(1) << suffixes[i].shift;
        if (bytes >= unit && bytes % unit == 0) {
            buf_printf(out, "%" PRIu64 "%s", bytes / unit, suffixes[i].name);
            return;
        }
    }
    buf_printf(out, "%" PRIu64, bytes);
}

/* The choices whose bits are set. */
static void write_choices(const struct setting_info *info, uint32_t bits, struct buf *out)
{
    const char       *separator = "";
    struct trail_text rest = trail_str(info->choices);
    struct trail_text word;
    for (uint32_t i = 0; text_next_item(&rest, &word); i++) {
        if ((bits >> i & 1) == 0)
            continue;
        buf_append_string(out, separator);
        buf_append_text(out, word);
        separator = ",";
    }
}

static void write_rate(double rate, struct buf *out)
{
    char text[SETTING_RATE_SIZE];
    buf_append_string(out, setting_rate_format(rate, text));
}

/* An empty value means the default, so a list that has one and is empty is written as what made it so. */
static void write_string(const struct setting_info *info, const char *string, struct buf *out)
{
    if (string == NULL)
        return;
    bool emptied = info->type == SETTING_TYPE_LIST && string[0] == '\0' && info->default_value[0] != '\0';
    buf_append_string(out, emptied ? "," : string);
}

void setting_value_write(const struct setting_info *info, const void *field, struct buf *out)
{
    switch (info->type) {
    case SETTING_TYPE_BOOL: buf_append_string(out, *(const bool *)field ? "true" : "false"); break;
    case SETTING_TYPE_CHOICE: write_choices(info, UINT32_C(1) << *(const uint32_t *)field, out); break;
    case SETTING_TYPE_SET: write_choices(info, *(const uint32_t *)field, out); break;
    case SETTING_TYPE_NUMBER: buf_printf(out, "%" PRIu64, *(const uint64_t *)field); break;
    case SETTING_TYPE_BYTES: write_bytes(*(const uint64_t *)field, out); break;
    case SETTING_TYPE_RATE: write_rate(*(const double *)field, out); break;
    case SETTING_TYPE_LIST:
    case SETTING_TYPE_MAP:
    case SETTING_TYPE_TEXT: write_string(info, *(char *const *)field, out); break;
    }
}
