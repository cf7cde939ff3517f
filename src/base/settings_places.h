/* settings_places.h -- where things are kept and under whose name: the settings whose defaults are derived.
 *
 * AUDIT_TRAIL_STATE_DIR comes from the environment, the spool and the database from the state directory, the
 * service from the program, so all of them wait until every source has been read. Paths become absolute
 * here, once.
 *
 * Thread: as settings_load().
 * Memory: strings in *settings are heap strings that belong to it.
 * Errors: a value that cannot be used is told to the caller in words.
 */
#ifndef TRAIL_BASE_SETTINGS_PLACES_H
#define TRAIL_BASE_SETTINGS_PLACES_H

#include "base/buf.h"
#include "base/settings.h"

/* Check the text that was given for `id` and bring it into its final form, in place. Other settings than the
 * derived ones pass. TRAIL_EINVAL: why not is appended to *reason. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err places_check(struct settings *settings, enum setting_id id, struct buf *reason);

/* Fill in those that nobody gave (those that are NULL). `environment` may be NULL; `program` NULL: this program.
 * TRAIL_EINVAL: a state directory is needed and cannot be derived. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err places_derive(struct settings *settings, const char *const *environment,
                                              const char *program, struct buf *reason);

#endif
