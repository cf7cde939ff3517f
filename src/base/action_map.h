/* action_map.h -- what an operator says about single actions: "poll_queue=read, tools/warm=execute".
 *
 * Items are separated by commas, white space around names and operations is ignored, empty items are skipped. A name
 * is meant whole: letters without their case, and `.` `/` `-` as `_`, any number of them in a row or at the ends: two
 * names that are the same to operation_classify() are the same here. Operations have the names of
 * TRAIL_OPERATION_MAP.
 *
 * It stands in base so that reading the setting and using it are one piece of code: what `config check` accepts is what
 * the policy understands.
 *
 * Thread: build on one thread; read-only afterwards.
 * Memory: owns copies of its names; action_map_done() frees them.
 * Errors: only building can fail; the map needs no action_map_done() then.
 */
#ifndef TRAIL_BASE_ACTION_MAP_H
#define TRAIL_BASE_ACTION_MAP_H

#include "base/buf.h"

#define ACTION_MAP_ITEMS_MAX 1000
#define ACTION_MAP_NAME_BYTES_MAX 100 /* The limit of an event's action: a longer name could never match. */

struct action_map_entry;

struct action_map {
    size_t                   entry_count; /* 0: nothing is found. */
    uint32_t                 slot_mask;   /* Slots - 1, a power of two - 1. */
    uint16_t                *slots;       /* Open addressing by hash: index into entries + 1; 0 = empty. */
    struct action_map_entry *entries;
};

/* Compile the value of AUDIT_TRAIL_ACTION_MAP. TRAIL_ENOMEM; TRAIL_EINVAL: an item is wrong; *reason says which, and
 * what is allowed. */
TRAIL_MUST_CHECK enum trail_err action_map_init(struct action_map *map, struct trail_text value, struct buf *reason);
void                            action_map_done(struct action_map *map);

/* False: the map says nothing about this action; *ret_operation is untouched. */
bool action_map_find(const struct action_map *map, struct trail_text action, enum trail_operation *ret_operation);

#endif
