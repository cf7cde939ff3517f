/* pattern.h -- a compiled list of names and patterns, as the exclusions are written.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * "health_check, metrics_*": items separated by commas, white space around them ignored, empty ones skipped. `*`
 * stands for any characters, `?` for one; everything else is itself, ASCII letters without their case. Names without
 * either go to a hash set, so that a long list costs no more than a short one; patterns are tried in turn.
 *
 * The matcher is our own because fnmatch(3) depends on the locale of the program that loaded us: under UTF-8 it
 * takes 160-415 ns per pattern instead of 16-67, and under C a `?` does not match the two bytes of an accented letter.
 *
 * Thread: build on one thread; read-only afterwards.
 * Memory: owns copies of its items; pattern_list_done() frees them.
 * Errors: only building can fail; the list needs no pattern_list_done() then.
 */
#ifndef TRAIL_POLICY_PATTERN_H
#define TRAIL_POLICY_PATTERN_H

#include "base/err.h"

#define PATTERN_ITEMS_MAX 1000     /* Per list. All of them patterns: some 15 us per event; nobody needs more. */
#define PATTERN_ITEM_BYTES_MAX 100 /* The limit of action and resource_type: a longer one could never match. */

struct pattern_list {
    size_t             item_count; /* 0: nothing matches. */
    uint64_t           sieve[2];   /* A bit for each listed name (not pattern); most other names miss it. */
    uint32_t           slot_mask;  /* Slots - 1, a power of two - 1. */
    uint32_t           wild_count;
    uint16_t          *slots; /* Open addressing by hash: index into items + 1; 0 = empty. */
    uint16_t          *wild;  /* Indices of the items that are patterns. */
    struct trail_text *items; /* As listed, in lower case. */
    char              *bytes; /* What the items point into, each at a multiple of 8, filled up with NUL. */
    size_t             bytes_used;
};

/* Compile `list`, the value of the setting called `setting`. TRAIL_ENOMEM; TRAIL_ECONFIG: over a limit; the message
 * names the setting and the item. */
TRAIL_MUST_CHECK enum trail_err pattern_list_init(struct pattern_list *list, const char *setting,
                                                  struct trail_text value, struct trail_error *ret_error);
void                            pattern_list_done(struct pattern_list *list);

#define PATTERN_NONE SIZE_MAX

/* Which item matches the whole of `name`, as an index into list->items: the name itself if it is listed, else the first
 * pattern. The name is trimmed first and cut to PATTERN_ITEM_BYTES_MAX as it will be when it is stored. PATTERN_NONE:
 * none does. */
size_t pattern_list_find(const struct pattern_list *list, struct trail_text name);

/* True when an item matches. */
static inline bool pattern_list_matches(const struct pattern_list *list, struct trail_text name)
{
    return pattern_list_find(list, name) != PATTERN_NONE;
}

/* True when one item, a name or a pattern, stands for the whole of `name`; both are in lower case. */
bool pattern_matches(struct trail_text pattern, struct trail_text name);

#endif
