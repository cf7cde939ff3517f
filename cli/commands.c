/* commands.c -- the table of subcommands, and finding one in it. */
#include "cli/commands.h"

#include <string.h>

#include "cli/help.h"
#include "cli/suggest.h"

const struct command commands[] = {
#define COMMAND_ROW(name, help) { #name, help, cmd_##name, usage_##name },
    COMMAND_MAP(COMMAND_ROW)
#undef COMMAND_ROW
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

void command_tell_unknown(const char *name)
{
    struct suggestion suggestion = SUGGESTION_FOR(name);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        suggest_consider(&suggestion, commands[i].name);

    fprintf(stderr, "audittrail: %.80s is not a command", name);
    if (suggestion.nearest != NULL)
        fprintf(stderr, "; did you mean `audittrail %s`?\n", suggestion.nearest);
    else
        fputs(" (see `audittrail help`)\n", stderr);
}

void commands_print(FILE *out)
{
    fputs("usage: audittrail <command> [options]\n\n"
          "Who did what to which resource: recorded without making anyone wait, stored exactly once.\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n`audittrail help <command>` or `audittrail <command> --help` explains one of them.\n"
          "Settings are AUDIT_TRAIL_* variables, in the environment, in .env, or as --set AUDIT_TRAIL_X=value.\n",
          out);
    help_print_exit_codes(out);
}
