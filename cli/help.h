/* help.h -- what --help prints, made of the same table as the parsing.
 *
 * Thread: the main thread.
 * Memory: none.
 * Errors: write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_HELP_H
#define AUDITTRAIL_CLI_HELP_H

#include <stdio.h>

#include "cli/options.h"

/* The help of one command. */
void help_print(const struct usage *usage, FILE *out);

void help_print_exit_codes(FILE *out);

/* Of an option's argument: "[=yes|no]" may be left out. */
bool help_is_optional(const struct option_info *option);

#endif
