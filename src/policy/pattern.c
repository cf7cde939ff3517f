/* pattern.c -- a compiled list of names and patterns, as the exclusions are written. */
#include "policy/pattern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

_Static_assert(PATTERN_ITEMS_MAX < UINT16_MAX, "items are counted in 16 bits");

#define WORDS_OF(bytes) (((bytes) + 7) / 8)

/* ---- Names -------------------------------------------------------------------------------------- */

/* Up to eight bytes as a number, without reading past them: overlapping loads put the same bytes to the same place. */
static uint64_t load(const char *data, size_t size)
{
    if (size >= 8) {
        uint64_t bytes;
        memcpy(&bytes, data, 8);
        return bytes;
    }
    if (size >= 4) {
        uint32_t front;
        uint32_t back;
        memcpy(&front, data, 4);
        memcpy(&back, data + size - 4, 4);
        return front | (uint64_t)back << (8 * (size - 4));
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < size; i++)
        bytes |= (uint64_t)(unsigned char)data[i] << (8 * i);
    return bytes;
}

/* A name in lower case as whole words, the last one filled up with NUL: what is hashed, compared and matched. */
struct folded {
    uint64_t words[WORDS_OF(PATTERN_ITEM_BYTES_MAX)];
    size_t   size; /* Bytes. */
};

static void fold(struct folded *folded, struct trail_text name)
{
    folded->size = name.size;
    for (size_t i = 0; i < WORDS_OF(name.size); i++)
        folded->words[i] = text_lower_8(load(name.data + 8 * i, name.size - 8 * i));
}

static struct trail_text folded_text(const struct folded *folded)
{
    return text_of((const char *)folded->words, folded->size);
}

/* The bit of the sieve for a name: of 128, by its size and the five bits of its first byte that case does not change. A
 * short list refuses most names here, before anything is hashed. */
static unsigned sieve_bit(struct trail_text name)
{
    unsigned first = name.size > 0 ? (unsigned char)name.data[0] & 0x1F : 0;
    return ((unsigned)name.size ^ first << 2) & 127;
}

/* The multiplier is 2^64 divided by the golden ratio: it spreads every input bit over the upper half. */
static uint32_t hash_name(const struct folded *name)
{
    uint64_t hash = name->size;
    for (size_t i = 0; i < WORDS_OF(name->size); i++) {
        hash = (hash ^ name->words[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

/* Items lie in memory as folded names do. */
static bool is_item(struct trail_text item, const struct folded *name)
{
    if (item.size != name->size)
        return false;
    for (size_t i = 0; i < WORDS_OF(name->size); i++) {
        uint64_t word;
        memcpy(&word, item.data + 8 * i, 8);
        if (word != name->words[i])
            return false;
    }
    return true;
}

/* The slot that holds `name`, or the empty one where it belongs. */
static uint16_t *find_slot(const struct pattern_list *list, const struct folded *name)
{
    uint32_t at = hash_name(name) & list->slot_mask;
    while (list->slots[at] != 0 && !is_item(list->items[list->slots[at] - 1], name))
        at = (at + 1) & list->slot_mask;
    return &list->slots[at];
}

/* ---- Patterns ----------------------------------------------------------------------------------- */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Skip one character. A byte that belongs to none counts as one: it will be stored as U+FFFD. */
static size_t next_character(struct trail_text name, size_t at)
{
    at++;
    while (at < name.size && is_continuation(name.data[at]))
        at++;
    return at;
}

/* Match a folded name with one fall-back: when it fails, the latest `*` takes one byte more. Earlier ones need not
 * be tried again, so the worst case is pattern times name, not exponential. */
bool pattern_matches(struct trail_text pattern, struct trail_text name)
{
    size_t p = 0;
    size_t n = 0;
    size_t star = SIZE_MAX; /* Of the latest `*`, or none. */
    size_t star_end = 0;    /* What it has taken ends here. */
    while (n < name.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            star_end = n;
        } else if (p < pattern.size && pattern.data[p] == '?') {
            p++;
            n = next_character(name, n);
        } else if (p < pattern.size && pattern.data[p] == name.data[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++star_end;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

/* ---- Building ----------------------------------------------------------------------------------- */

static bool is_wild(struct trail_text item)
{
    return memchr(item.data, '*', item.size) != NULL || memchr(item.data, '?', item.size) != NULL;
}

static void add_item(struct pattern_list *list, struct trail_text item)
{
    struct folded folded;
    fold(&folded, item);

    uint16_t *slot = is_wild(item) ? NULL : find_slot(list, &folded);
    if (slot != NULL && *slot != 0)
        return; /* Listed twice. */

    char *copy = list->bytes + list->bytes_used;
    memcpy(copy, folded.words, 8 * WORDS_OF(item.size));
    list->bytes_used += 8 * WORDS_OF(item.size);
    list->items[list->item_count] = text_of(copy, item.size);
    if (slot != NULL) {
        unsigned bit = sieve_bit(item);
        *slot = (uint16_t)(list->item_count + 1);
        list->sieve[bit / 64] |= UINT64_C(1) << (bit % 64);
    } else {
        list->wild[list->wild_count++] = (uint16_t)list->item_count;
    }
    list->item_count++;
}

enum trail_err pattern_list_init(struct pattern_list *list, const char *setting, struct trail_text value,
                                 struct trail_error *ret_error)
{
    assert(list != NULL);

    *list = (struct pattern_list){ 0 };
    const struct text_list_limits limits = { setting, PATTERN_ITEM_BYTES_MAX, PATTERN_ITEMS_MAX };
    size_t                        count = 0;
    enum trail_err                err = text_list_count(value, &limits, &count, ret_error);
    if (err != TRAIL_OK || count == 0)
        return err;

    /* At most half full, so that a probe is short and always ends. */
    size_t slot_count = 4;
    while (slot_count < 2 * count)
        slot_count *= 2;
    list->slots = calloc(slot_count, sizeof *list->slots);
    list->wild = calloc(count, sizeof *list->wild);
    list->items = calloc(count, sizeof *list->items);
    list->bytes = malloc(value.size + 8 * count);
    if (list->slots == NULL || list->wild == NULL || list->items == NULL || list->bytes == NULL) {
        pattern_list_done(list);
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the %zu items of %s", count, setting);
    }
    list->slot_mask = (uint32_t)(slot_count - 1);

    struct trail_text item;
    while (text_next_item(&value, &item)) {
        if (item.size > 0)
            add_item(list, item);
    }
    return TRAIL_OK;
}

void pattern_list_done(struct pattern_list *list)
{
    if (list == NULL)
        return;
    free(list->slots);
    free(list->wild);
    free(list->items);
    free(list->bytes);
    *list = (struct pattern_list){ 0 };
}

/* ---- Matching ----------------------------------------------------------------------------------- */

static bool may_be_space(char c)
{
    return (unsigned char)c <= ' ';
}

static struct trail_text as_stored(struct trail_text name)
{
    if (name.size > 0 && (may_be_space(name.data[0]) || may_be_space(name.data[name.size - 1])))
        name = text_trim(name);
    if (name.size > PATTERN_ITEM_BYTES_MAX) {
        name.size = PATTERN_ITEM_BYTES_MAX;
        while (name.size > 0 && is_continuation(name.data[name.size]))
            name.size--;
    }
    return name;
}

size_t pattern_list_find(const struct pattern_list *list, struct trail_text name)
{
    if (list->item_count == 0)
        return PATTERN_NONE;

    name = as_stored(name);
    unsigned bit = sieve_bit(name);
    bool     may_be_listed = (list->sieve[bit / 64] >> (bit % 64) & 1) != 0;
    if (!may_be_listed && list->wild_count == 0)
        return PATTERN_NONE;

    struct folded folded;
    fold(&folded, name);
    uint16_t slot = may_be_listed ? *find_slot(list, &folded) : 0;
    if (slot != 0)
        return slot - 1U;
    for (size_t i = 0; i < list->wild_count; i++) {
        if (pattern_matches(list->items[list->wild[i]], folded_text(&folded)))
            return list->wild[i];
    }
    return PATTERN_NONE;
}
