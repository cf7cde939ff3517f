/* settings_profiles.h -- ready blocks of settings for the usual situations, each line with its reason.
 *
 * `config env` and `config docs` print them; a unit test loads every one, so that none can become invalid.
 *
 * Thread: any.
 * Memory: static.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_SETTINGS_PROFILES_H
#define AUDITTRAIL_CLI_SETTINGS_PROFILES_H

#define PROFILE_COUNT 3
#define PROFILE_LINES_MAX 12

struct profile_line {
    const char *setting; /* "AUDIT_TRAIL_LEVEL=all"; NULL: the block ends. */
    const char *reason;  /* One line. */
};

struct profile {
    const char         *title;
    const char         *about; /* One line. */
    struct profile_line lines[PROFILE_LINES_MAX];
};

extern const struct profile settings_profiles[PROFILE_COUNT];

#endif
