/* settings_report.h -- gathers what is wrong in a configuration, as sentences that an operator can act on.
 *
 * Thread: one owner.
 * Memory: the report owns its problems; settings_report_done() (settings.h) frees them.
 * Errors: a problem for which there is no memory still counts as an error, so a load never passes by luck.
 */
#ifndef TRAIL_BASE_SETTINGS_REPORT_H
#define TRAIL_BASE_SETTINGS_REPORT_H

#include "base/settings.h"

/* "AUDIT_TRAIL_X=value (where) is not valid: reason". The value is masked when the setting is secret. */
void report_invalid(struct settings_report *report, const struct setting_info *info, struct trail_text value,
                    const char *where, struct trail_text reason);

/* "AUDIT_TRAIL_Y (where) is not a setting of audittrail 0.1.0; did you mean AUDIT_TRAIL_X?", a warning or an error.
 * The value is not shown: it may be a password under a misspelt name. */
void report_unknown(struct settings_report *report, struct trail_text name, const char *where, bool warning);

/* Any other sentence, about the setting `name` or about none (""). */
__attribute__((format(printf, 4, 5))) void report_sentence(struct settings_report *report, bool warning,
                                                           const char *name, const char *format, ...);

/* Describe the first error in *ret_error (may be NULL) and return `err`, which the load returned. */
enum trail_err settings_report_first(const struct settings_report *report, enum trail_err err,
                                     struct trail_error *ret_error);

/* The setting whose name is nearest to `name`, or NULL when none is near. */
const struct setting_info *setting_nearest(struct trail_text name);

#endif
