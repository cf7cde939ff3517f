/* draft_settings.h -- the settings of a draft policy: those in force with some changed, or those of an env file.
 *
 * KEY=VALUE changes the policy in force; a file replaces it, what it leaves out being the default, as it would be for
 * a service started with that file; both together: the file, with KEY=VALUE on top. KEY is the name of a setting,
 * AUDIT_TRAIL_ may be left out. Only settings that decide what is recorded make a draft: another KEY is refused,
 * another line of a file is named as having no effect.
 *
 * Thread: the main thread.
 * Memory: give *ret_settings to settings_done() whatever is returned.
 * Errors: every problem is told on stderr, with what would be allowed.
 */
#ifndef AUDITTRAIL_CLI_DRAFT_SETTINGS_H
#define AUDITTRAIL_CLI_DRAFT_SETTINGS_H

#include "base/settings.h"

struct draft_request {
    const struct settings *now;
    const char            *file;    /* NULL: none. */
    const char *const     *changes; /* "LEVEL=all", "AUDIT_TRAIL_LEVEL=all". */
    size_t                 change_count;
    const char            *command; /* Who speaks on stderr. */
};

/* False: the draft is not valid. */
bool draft_settings_load(struct settings *ret_settings, const struct draft_request *request);

/* True for a setting that decides what is recorded. */
bool is_policy_setting(enum setting_id id);

#endif
