/* settings_pages.h -- the table of settings as texts for people: .env.example and the page of the documentation.
 *
 * Both files of the repository are made by these two functions, and a test compares them, so neither can say
 * anything that the program does not do.
 *
 * Thread: any.
 * Memory: appended to the caller's buffer.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_SETTINGS_PAGES_H
#define AUDITTRAIL_CLI_SETTINGS_PAGES_H

#include "base/buf.h"

/* .env.example: every setting commented out at its default, then the ready blocks. */
void settings_env_page(struct buf *out);

/* docs/docs/reference/settings.md: a table of all, a part for each, then the ready blocks. */
void settings_markdown_page(struct buf *out);

#endif
