/* sources.h -- where a trail's settings come from, so that they can be read a second time.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store  ->  [trail]
 *
 * The caller's options are copied at trail_open(), together with the working directory of that moment: a daemon that
 * changes to / afterwards still reads the same env file.
 *
 * Thread: read-only once made. Reading looks at the environment, which nobody may change meanwhile.
 * Memory: owns its copies; sources_done() frees them.
 * Errors: memory; reading them as settings_load().
 */
#ifndef TRAIL_TRAIL_SOURCES_H
#define TRAIL_TRAIL_SOURCES_H

#include "base/settings.h"

struct sources {
    char **options;   /* "AUDIT_TRAIL_X=value", NULL last; NULL: none. */
    char  *env_file;  /* As the caller gave it; NULL: .env if it is there. */
    char  *directory; /* Where a relative path began at the start; NULL: it could not be found out. */
};

/* Copy what the caller gave. *ret_sources is to be given to sources_done() in any case. */
TRAIL_MUST_CHECK enum trail_err sources_init(struct sources *ret_sources, const struct trail_options *options,
                                             struct trail_error *ret_error);
void                            sources_done(struct sources *sources);

/* Read them, as settings_load(). */
TRAIL_MUST_CHECK enum trail_err sources_read(const struct sources *sources, struct settings *settings,
                                             struct settings_report *report);

#endif
