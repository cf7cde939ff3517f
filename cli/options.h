/* options.h -- a command's options: one const table from which both parsing and --help come.
 *
 * Taken are --name value, --name=value, -x value, -xvalue, and flags; operands may stand anywhere, and all that
 * stands behind -- is one. There are no abbreviations: a script must not change its meaning when an option is
 * added. Every command also has --env-file, --set, --color and --help, which are handled here.
 *
 * Thread: the main thread.
 * Memory: values and operands are views of argv.
 * Errors: told on stderr with what would be allowed; options->exit_code then says how to end.
 */
#ifndef AUDITTRAIL_CLI_OPTIONS_H
#define AUDITTRAIL_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/exit_codes.h"

/* Every setting there is, and some of them twice. */
#define OPTIONS_SET_MAX 64

/* Files named on one command line. */
#define OPTIONS_OPERANDS_MAX 1024

/* Take an option's value. NULL: taken. Else what would be allowed, as it stands after "expected ". */
typedef const char *(*option_take_fn)(void *context, const char *value);

struct option_info {
    const char    *name;     /* Without the dashes. */
    char           letter;   /* 0: no short form. */
    const char    *argument; /* "FILE"; NULL: a flag; "[yes|no]": may be left out, and is then given as NULL. */
    const char    *help;     /* Wrapped by the printer. */
    option_take_fn take;
    const char    *choices; /* The values it takes, separated by blanks; NULL: any. Of "NAME,..." any number of them. */
};

/* What usage.operands can say besides the words themselves. */
#define USAGE_OPERANDS_FILES "FILE"
#define USAGE_OPERANDS_COMMANDS "COMMAND"
#define USAGE_OPERANDS_SETTINGS "SETTING=VALUE"

struct usage {
    const char               *command;
    const char               *synopsis; /* Behind "audittrail <command> ". */
    const char               *about;    /* One paragraph, no newline at its end. */
    const struct option_info *options;  /* Ends with a NULL name. */
    const char               *notes;    /* Behind the options; may be NULL. */
    size_t                    operands_max;
    const char               *operands; /* Words separated by blanks, or one of the above; NULL: anything. */
};

struct options {
    const char *env_file;                      /* NULL: not given. */
    const char *settings[OPTIONS_SET_MAX + 1]; /* "AUDIT_TRAIL_X=value", NULL last. */
    size_t      setting_count;
    const char *operands[OPTIONS_OPERANDS_MAX];
    size_t      operand_count;
    int         exit_code; /* When options_parse() returned false. */
};

/* What every command has: --env-file, --set, --color and --help. Their context is the struct options itself. */
extern const struct option_info options_common[];

/* Parse a command line; each option goes to its take function with `context`. False: help was printed
 * or the line is wrong; return options->exit_code. */
bool options_parse(struct options *options, const struct usage *usage, char **argv, void *context);

/* Add a setting as --set would, behind those of the command line; `text` is borrowed. One that --set gave already
 * is left as it is. False: there are too many. */
bool options_add_setting(struct options *options, const char *text);

/* "a number": what a take function says about numbers, and the parsing that goes with it. */
bool options_number(const char *value, unsigned long long max, unsigned long long *ret_number);

#endif
