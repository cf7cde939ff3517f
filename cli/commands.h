/* commands.h -- the subcommands: one function and one file each, listed in the table of main.c.
 *
 * argv[0] is the command's own name ("record"), the rest is what stands behind it on the command line. Every
 * command answers --help itself. The result is an enum exit_code.
 *
 * Thread: the main thread only.
 * Memory: argv is borrowed and may be kept for as long as the process lives.
 * Errors: told on stderr, as "audittrail <command>: <sentence>".
 */
#ifndef AUDITTRAIL_CLI_COMMANDS_H
#define AUDITTRAIL_CLI_COMMANDS_H

#include "cli/exit_codes.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* One line. */
};

int cmd_record(int argc, char **argv);
int cmd_query(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_cleanup(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
