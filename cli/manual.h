/* manual.h -- the manual pages of the command, made of the tables that it works by, as scdoc reads them.
 *
 * The build pipes each through scdoc. Nothing is written twice: options come from the usages, settings from
 * settings.def; what stands here are the frames and what no table knows.
 *
 * Thread: the main thread.
 * Memory: appended to the caller's buffer.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_MANUAL_H
#define AUDITTRAIL_CLI_MANUAL_H

#include "base/buf.h"
#include "cli/commands.h"

/* audittrail(1). */
void manual_overview(struct buf *out);

/* audittrail-<command>(1). */
void manual_command(struct buf *out, const struct command *command);

/* audittrail-settings(5). */
void manual_settings(struct buf *out);

#endif
