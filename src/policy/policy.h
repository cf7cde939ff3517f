/* policy.h -- decides which events enter the trail.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * Questions in a fixed order: is the trail enabled, must the event be recorded whatever the rules say, does the level
 * take this operation, is it excluded, does sampling keep it. The first answer decides. A doubtful case keeps the
 * event: losing one is worse than storing one too many.
 *
 * Thread: build on one thread. Once built it is never written again, and policy_decide()
 *         may be called from any thread without a lock.
 * Memory: owns its patterns; policy_free() frees them. Borrows the sampling key.
 * Errors: only building can fail. Deciding cannot.
 */
#ifndef TRAIL_POLICY_POLICY_H
#define TRAIL_POLICY_POLICY_H

#include "base/hash.h"
#include "base/settings.h"
#include "event/event.h"

enum policy_verdict { POLICY_KEEP, POLICY_DISABLED, POLICY_LEVEL, POLICY_EXCLUDED, POLICY_SAMPLED_OUT };

struct policy;

/* What refuses most events: the first bytes of every policy, in the open so that a refusal by level needs no call. */
struct policy_level {
    /* By outcome, as bits 1 << operation: what is always recorded or what the level takes. There are five outcomes; the
     * other three places take everything, so that an event with such an outcome goes on to where it is told. */
    uint32_t operations[8];
};

/* Compile the settings' rules. `sampling_key` is borrowed as long as the policy lives, and need not be filled before
 * the first event is decided; NULL will do for settings that do not sample. TRAIL_ENOMEM; TRAIL_ECONFIG: a list is over
 * a limit. */
TRAIL_MUST_CHECK enum trail_err policy_new(struct policy **ret_policy, const struct settings *settings,
                                           const struct hash_key *sampling_key, struct trail_error *ret_error);
void                            policy_free(struct policy *policy);

/* True when verdicts hang on the sampling key, which must then be filled. */
bool policy_samples(const struct policy *policy);

/* The operation that an action's name tells of: as the action map says, else as the name reads. */
enum trail_operation policy_classify(const struct policy *policy, struct trail_text action);

/* True when the action map says what the action does: its operation is then known, even if it is `other`. */
bool policy_maps(const struct policy *policy, struct trail_text action);

/* True when the level leaves the event out and nothing else demands it: the verdict is POLICY_LEVEL (or, with the
 * trail disabled, worse). */
static inline bool policy_level_refuses(const struct policy *policy, const struct trail_event *event,
                                        enum trail_operation operation)
{
    const struct policy_level *level = (const struct policy_level *)policy; /* Its first member. */
    return (level->operations[(unsigned)event->outcome & 7] >> (unsigned)operation & 1) == 0;
}

/* Say what to do with one event. `operation` is the effective one (given, or classified). *ret_weight is set when the
 * event is kept: how many it stands for. Allocates nothing, blocks on nothing. */
enum policy_verdict policy_decide(const struct policy *policy, const struct trail_event *event,
                                  enum trail_operation operation, double *ret_weight);

/* The policy in one line, with what it will not record:
 * "level all; always recorded: failures; not recorded: nothing; excluded actions: health_check; sampled, the rest is
 * not recorded: 0.01 of read".
 * Writes at most `size` bytes, NUL included, and returns the length of the whole line. */
size_t policy_describe(const struct policy *policy, char *out, size_t size);

#endif
