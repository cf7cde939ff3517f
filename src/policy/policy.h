/* policy.h -- decides which events enter the trail.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * Questions in a fixed order: is the trail enabled, does the level take this operation, is it excluded.
 * The first "no" decides. A doubtful case keeps the event: losing one is worse than storing
 * one too many. (Always-record and sampling will take their places in the same order.)
 *
 * Thread: build on one thread. Once built it is never written again, and policy_decide()
 *         may be called from any thread without a lock.
 * Memory: owns its patterns; policy_free() frees them.
 * Errors: only building can fail. Deciding cannot.
 */
#ifndef TRAIL_POLICY_POLICY_H
#define TRAIL_POLICY_POLICY_H

#include "base/settings.h"
#include "event/event.h"

enum policy_verdict { POLICY_KEEP, POLICY_DISABLED, POLICY_LEVEL, POLICY_EXCLUDED };

struct policy;

/* What refuses most events: the first bytes of every policy, in the open so that a refusal by level needs no call. */
struct policy_level {
    uint32_t operations[2]; /* Taken, as bits 1 << operation: of events that succeeded, of others. */
};

/* Compile the settings' level and exclusions. TRAIL_ENOMEM; TRAIL_ECONFIG: a list is over a limit. */
TRAIL_MUST_CHECK enum trail_err policy_new(struct policy **ret_policy, const struct settings *settings,
                                           struct trail_error *ret_error);
void                            policy_free(struct policy *policy);

/* True when the level leaves the event out: the verdict is POLICY_LEVEL (or, with the trail disabled, worse). */
static inline bool policy_level_refuses(const struct policy *policy, const struct trail_event *event,
                                        enum trail_operation operation)
{
    const struct policy_level *level = (const struct policy_level *)policy; /* Its first member. */
    return (level->operations[event->outcome != TRAIL_OUTCOME_SUCCESS] >> (unsigned)operation & 1) == 0;
}

/* Say what to do with one event. `operation` is the effective one (given, or classified).
 * Allocates nothing, blocks on nothing. */
enum policy_verdict policy_decide(const struct policy *policy, const struct trail_event *event,
                                  enum trail_operation operation);

/* The policy in one line, with what it will not record:
 * "level writes_only; not recorded: read, access; excluded actions: health_check; excluded resources: metric".
 * Writes at most `size` bytes, NUL included, and returns the length of the whole line. */
size_t policy_describe(const struct policy *policy, char *out, size_t size);

#endif
