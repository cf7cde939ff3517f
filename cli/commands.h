/* commands.h -- the subcommands: one row in the table below, and one file each.
 *
 * From the row NAME come cmd_NAME(), which runs the command, and usage_NAME(), which says what it takes: --help, the
 * completion and the manual are all made of that. argv[0] is the command's own name ("record"), the rest is what
 * stands behind it on the command line. Every command answers --help itself. The result is an enum exit_code.
 *
 * Thread: the main thread only.
 * Memory: argv is borrowed and may be kept for as long as the process lives; usages are static.
 * Errors: told on stderr, as "audittrail <command>: <sentence>".
 */
#ifndef AUDITTRAIL_CLI_COMMANDS_H
#define AUDITTRAIL_CLI_COMMANDS_H

#include <stdio.h>

#include "cli/exit_codes.h"
#include "cli/options.h"

/* Name, what it does in one line. The order is that of `audittrail help`. */
#define COMMAND_MAP(X)                                                         \
    X(record, "record events given as NDJSON, one object per line")            \
    X(query, "find recorded events")                                           \
    X(tail, "show the newest events, and new ones as they are recorded")       \
    X(stats, "show where every event went, over all writers")                  \
    X(simulate, "show what another policy would keep, before switching to it") \
    X(cleanup, "delete what is older than the retention period")               \
    X(migrate, "create the schema of the store, or bring it up to date")       \
    X(config, "show and check the settings")                                   \
    X(completion, "print the completion script of a shell")                    \
    X(version, "show the version and what it was built with")                  \
    X(help, "show this, or the help of a command")

struct command {
    const char *name;
    const char *help; /* One line. */
    int (*run)(int argc, char **argv);
    const struct usage *(*usage)(void);
};

/* COMMAND_COUNT rows, in the order of the table. */
extern const struct command commands[];

#define COMMAND_ONE(name, help) +1
enum { COMMAND_COUNT = 0 COMMAND_MAP(COMMAND_ONE) };
#undef COMMAND_ONE

/* All of them, one line each. */
void commands_print(FILE *out);

/* NULL: there is no such command. */
const struct command *command_find(const char *name);

/* Say on stderr that `name` is no command, and which one may have been meant. */
void command_tell_unknown(const char *name);

#define COMMAND_DECLARE(name, help)                        \
    int                 cmd_##name(int argc, char **argv); \
    const struct usage *usage_##name(void);
COMMAND_MAP(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
