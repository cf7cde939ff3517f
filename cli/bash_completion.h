/* bash_completion.h -- the script with which bash completes our command lines, made of the tables that we parse by.
 *
 * Offered are commands, options, the values that an option's row lists (one by one behind commas where there may be
 * several), files, and the names and values of settings behind --set.
 *
 * Thread: the main thread.
 * Memory: appended to the caller's buffer.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_BASH_COMPLETION_H
#define AUDITTRAIL_CLI_BASH_COMPLETION_H

#include "base/buf.h"

void bash_completion(struct buf *out);

#endif
