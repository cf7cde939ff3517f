/* settings_value.h -- what an operator writes for a setting, turned into a value and back.
 *
 * Every type has one reader, which takes the whole text or refuses it: no trailing junk, no overflow, no
 * rounding. White space at the ends does not count. The table's own defaults go through the same readers.
 *
 * Thread: any.
 * Memory: a LIST, MAP or TEXT value is a heap string that the caller frees; everything else is stored in place.
 * Errors: setting_value_read() leaves the field untouched and says in words what would be allowed.
 */
#ifndef TRAIL_BASE_SETTINGS_VALUE_H
#define TRAIL_BASE_SETTINGS_VALUE_H

#include "base/buf.h"
#include "base/settings.h"

/* "30", or for BYTES "16KiB". False: not such a number, or it does not fit. */
bool setting_number_read(struct trail_text text, bool suffixes, uint64_t *ret_number);

/* "0.25", up to 15 digits behind the point: such a number has one nearest double. Nothing here asks the locale. */
bool setting_rate_read(struct trail_text text, double *ret_rate);

/* The rate (0 to 1) with at least one digit behind the point, "0.1" and "1.0". Returns `out`. */
#define SETTING_RATE_SIZE 24
const char *setting_rate_format(double rate, char out[SETTING_RATE_SIZE]);

/* True when the field is a heap string. */
bool setting_is_string(const struct setting_info *info);
/* What TEXT and LIST may be: UTF-8 without control characters. It goes into messages, file names and the store: a line
 * break or an escape sequence in it is never meant. */
bool setting_text_is_plain(struct trail_text text);

/* Store `text` in the field (of the C type of info->type; a string in it is freed first).
 * TRAIL_EINVAL: not valid; what is allowed is appended to *reason. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err setting_value_read(const struct setting_info *info, struct trail_text text, void *field,
                                                   struct buf *reason);

/* Append the field's value as an operator would write it; nothing is masked. */
void setting_value_write(const struct setting_info *info, const void *field, struct buf *out);

/* Replace the heap string *field by a copy of `text`. */
TRAIL_MUST_CHECK enum trail_err setting_string_set(char **field, struct trail_text text);

#endif
