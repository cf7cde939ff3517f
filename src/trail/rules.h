/* rules.h -- what decides about events from some moment on: a compiled policy, and the settings that it was made from.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store  ->  [trail]
 *
 * The rules are the settings of the section "What is recorded", whatever settings that section has: they, and no
 * others, are taken over by trail_reload(), told in trail_started and policy_changed, and compared with the last run.
 * Every other setting is read once, at trail_open().
 *
 * Thread: read-only once made.
 * Memory: owns the policy, and the settings unless they are lent; rules_free() frees those before it too.
 * Errors: making them only, as policy_new().
 */
#ifndef TRAIL_TRAIL_RULES_H
#define TRAIL_TRAIL_RULES_H

#include "base/buf.h"
#include "policy/policy.h"

/* Of a value, and of the policy's line, records show so many bytes: a list may have 64 KiB, and what the trail says of
 * itself must fit into the room that a full spool keeps for it. */
#define RULES_SHOWN_BYTES 2048

struct rules {
    struct policy         *policy;
    const struct settings *settings;
    struct settings        own;    /* What `settings` points to, if it is ours. */
    struct rules          *former; /* Those in force before: some thread may still read them. */
};

/* True when this setting is one of the rules. */
bool rules_cover(enum setting_id id);

/* Compile them from settings that are lent and outlive them, or from settings that become theirs (on success). The key
 * is borrowed, as by policy_new(). */
TRAIL_MUST_CHECK enum trail_err rules_lend(struct rules **ret_rules, const struct settings *settings,
                                           const struct hash_key *sampling_key, struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err rules_take(struct rules **ret_rules, struct settings *settings,
                                           const struct hash_key *sampling_key, struct trail_error *ret_error);

/* Free them and all that were in force before them. */
void rules_free(struct rules *rules);

/* True when both say the same of every setting that is a rule. */
bool rules_same(const struct settings *a, const struct settings *b);

/* Append text, or the value of a setting, as a JSON string of valid text, cut to about `shown_bytes`. */
void rules_append_text(struct trail_text text, size_t shown_bytes, struct buf *out);
void rules_append_value(const struct settings *settings, enum setting_id id, size_t shown_bytes, struct buf *out);

/* Append "policy" (the policy in one line) and every rule by its name, as members of an object that is open. */
void rules_append_members(const struct rules *rules, struct buf *out);

#endif
