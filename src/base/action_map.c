/* action_map.c -- what an operator says about single actions: a checked, compiled AUDIT_TRAIL_ACTION_MAP. */
#include "base/action_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

_Static_assert(ACTION_MAP_ITEMS_MAX < UINT16_MAX, "entries are counted in 16 bits");
_Static_assert(ACTION_MAP_NAME_BYTES_MAX <= UINT8_MAX, "the size of a name is one byte");

/* A name as words in lower case, with one `_` between two of them. */
struct folded {
    char    bytes[ACTION_MAP_NAME_BYTES_MAX];
    uint8_t size;
};

struct action_map_entry {
    struct folded name;
    uint8_t       operation;
};

/* ---- Names -------------------------------------------------------------------------------------- */

static bool is_separator(char c)
{
    return c == '_' || c == '-' || c == '.' || c == '/';
}

/* Of a longer name only what will be stored counts. */
static void fold(struct trail_text name, struct folded *ret_folded)
{
    size_t size = 0;

    name = text_trim(name);
    if (name.size > ACTION_MAP_NAME_BYTES_MAX)
        name.size = ACTION_MAP_NAME_BYTES_MAX;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!is_separator(c))
            ret_folded->bytes[size++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        else if (size > 0 && ret_folded->bytes[size - 1] != '_')
            ret_folded->bytes[size++] = '_';
    }
    if (size > 0 && ret_folded->bytes[size - 1] == '_')
        size--;
    ret_folded->size = (uint8_t)size;
}

static bool is_same(const struct folded *a, const struct folded *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The slot that holds `name`, or the empty one where it belongs. The key is no secret: the names in the table are the
 * operator's own, and a name from outside is only looked up. */
static uint16_t *find_slot(const struct action_map *map, const struct folded *name)
{
    static const struct hash_key fixed = { 0 };

    uint32_t at = (uint32_t)hash_bytes(&fixed, name->bytes, name->size) & map->slot_mask;
    while (map->slots[at] != 0 && !is_same(&map->entries[map->slots[at] - 1].name, name))
        at = (at + 1) & map->slot_mask;
    return &map->slots[at];
}

/* ---- Operations --------------------------------------------------------------------------------- */

static const char *const operation_names[TRAIL_OPERATION_COUNT] = {
#define NAME(symbol, number, name) [number] = name,
    TRAIL_OPERATION_MAP(NAME)
#undef NAME
};

/* 0: there is none of this name. */
static uint8_t operation_of(struct trail_text name)
{
    for (uint8_t i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        if (text_equal_nocase(name, trail_str(operation_names[i])))
            return i;
    }
    return 0;
}

static void append_operations(struct buf *reason)
{
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++)
        buf_printf(reason, "%s%s", i > 1 ? ", " : "", operation_names[i]);
}

/* ---- Building ----------------------------------------------------------------------------------- */

/* How much of an item is repeated to the operator. */
#define SHOWN_BYTES_MAX 48

static int shown_size(struct trail_text text)
{
    return (int)(text.size < SHOWN_BYTES_MAX ? text.size : SHOWN_BYTES_MAX);
}

/* What is wrong with the name of an item; NULL: nothing. */
static const char *problem_of_name(struct trail_text name)
{
    struct folded folded;

    if (name.size > ACTION_MAP_NAME_BYTES_MAX)
        return "has a name of more than 100 bytes, which no action has";
    if (memchr(name.data, '*', name.size) != NULL || memchr(name.data, '?', name.size) != NULL)
        return "has a pattern in it; here a name is meant whole";
    fold(name, &folded);
    return folded.size == 0 ? "has no name; write name=operation" : NULL;
}

static enum trail_err add_item(struct action_map *map, struct trail_text item, struct buf *reason)
{
    const char *equals = memchr(item.data, '=', item.size);
    size_t      name_size = equals != NULL ? (size_t)(equals - item.data) : item.size;

    struct trail_text name = text_trim(text_of(item.data, name_size));
    const char       *problem = problem_of_name(name);
    if (problem != NULL) {
        buf_printf(reason, "\"%.*s\" %s", shown_size(item), item.data, problem);
        return TRAIL_EINVAL;
    }

    struct action_map_entry entry = { .operation = 0 };
    if (equals != NULL)
        entry.operation = operation_of(text_trim(text_of(equals + 1, item.size - name_size - 1)));
    if (entry.operation == 0) {
        buf_printf(reason, "\"%.*s\" %s an operation; write name=operation, with one of ", shown_size(item), item.data,
                   equals != NULL ? "does not end in" : "lacks");
        append_operations(reason);
        return TRAIL_EINVAL;
    }

    fold(name, &entry.name);
    uint16_t *slot = find_slot(map, &entry.name);
    if (*slot != 0) {
        uint8_t before = map->entries[*slot - 1].operation;
        if (before == entry.operation)
            return TRAIL_OK; /* Said twice. */
        buf_printf(reason, "\"%.*s\" contradicts %s, which was given for the same name before", shown_size(item),
                   item.data, operation_names[before]);
        return TRAIL_EINVAL;
    }
    map->entries[map->entry_count++] = entry;
    *slot = (uint16_t)map->entry_count;
    return TRAIL_OK;
}

static size_t count_items(struct trail_text value)
{
    size_t            count = 0;
    struct trail_text item;
    while (text_next_item(&value, &item))
        count += item.size > 0;
    return count;
}

enum trail_err action_map_init(struct action_map *map, struct trail_text value, struct buf *reason)
{
    assert(map != NULL);

    *map = (struct action_map){ 0 };
    size_t count = count_items(value);
    if (count == 0)
        return TRAIL_OK;
    if (count > ACTION_MAP_ITEMS_MAX) {
        buf_printf(reason, "it has %zu items; allowed are %d", count, ACTION_MAP_ITEMS_MAX);
        return TRAIL_EINVAL;
    }

    /* At most half full, so that a probe is short and always ends. */
    size_t slot_count = 4;
    while (slot_count < 2 * count)
        slot_count *= 2;
    map->slot_mask = (uint32_t)(slot_count - 1);
    map->slots = calloc(slot_count, sizeof *map->slots);
    map->entries = calloc(count, sizeof *map->entries);
    enum trail_err    err = map->slots != NULL && map->entries != NULL ? TRAIL_OK : TRAIL_ENOMEM;
    struct trail_text item;
    while (err == TRAIL_OK && text_next_item(&value, &item)) {
        if (item.size > 0)
            err = add_item(map, item, reason);
    }
    if (err != TRAIL_OK)
        action_map_done(map);
    return err;
}

void action_map_done(struct action_map *map)
{
    if (map == NULL)
        return;
    free(map->slots);
    free(map->entries);
    *map = (struct action_map){ 0 };
}

/* ---- Finding ------------------------------------------------------------------------------------ */

bool action_map_find(const struct action_map *map, struct trail_text action, enum trail_operation *ret_operation)
{
    if (map->entry_count == 0)
        return false;

    struct folded name;
    fold(action, &name);
    uint16_t index = *find_slot(map, &name);
    if (index == 0)
        return false;
    *ret_operation = (enum trail_operation)map->entries[index - 1].operation;
    return true;
}
