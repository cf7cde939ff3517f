/* main.c -- the audittrail command: finds the subcommand in one table and runs it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/suggest.h"

static int cmd_help(int argc, char **argv);

static const struct command commands[] = {
    { "record", cmd_record, "record events given as NDJSON, one object per line" },
    { "query", cmd_query, "find recorded events" },
    { "stats", cmd_stats, "show where every event went, over all writers" },
    { "cleanup", cmd_cleanup, "delete what is older than the retention period" },
    { "config", cmd_config, "show and check the settings" },
    { "version", cmd_version, "show the version and what it was built with" },
    { "help", cmd_help, "show this, or the help of a command" },
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("usage: audittrail <command> [options]\n\n"
          "Who did what to which resource: recorded without making anyone wait, stored exactly once.\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n`audittrail help <command>` or `audittrail <command> --help` explains one of them.\n"
          "Settings are AUDIT_TRAIL_* variables, in the environment, in .env, or as --set AUDIT_TRAIL_X=value.\n"
          "\nexit codes:\n",
          out);
#define PRINT_EXIT_CODE(symbol, number, meaning) fprintf(out, "  %d  %s\n", number, meaning);
    EXIT_CODE_MAP(PRINT_EXIT_CODE)
#undef PRINT_EXIT_CODE
}

static int fail_unknown(const char *name)
{
    struct suggestion suggestion = SUGGESTION_FOR(name);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        suggest_consider(&suggestion, commands[i].name);

    fprintf(stderr, "audittrail: %.80s is not a command", name);
    if (suggestion.nearest != NULL)
        fprintf(stderr, "; did you mean `audittrail %s`?\n", suggestion.nearest);
    else
        fputs(" (see `audittrail help`)\n", stderr);
    return EXIT_CODE_USAGE;
}

static int cmd_help(int argc, char **argv)
{
    static char help_option[] = "--help";

    if (argc < 2 || argv[1][0] == '-') {
        print_overview(stdout);
        return EXIT_CODE_OK;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return fail_unknown(argv[1]);
    if (command->run == cmd_help) {
        print_overview(stdout);
        return EXIT_CODE_OK;
    }
    char *command_argv[] = { argv[1], help_option, NULL };
    return command->run(2, command_argv);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_CODE_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";

    const struct command *command = find_command(name);
    return command != NULL ? command->run(argc - 1, argv + 1) : fail_unknown(name);
}

int main(int argc, char **argv)
{
    int exit_code = run(argc, argv);

    /* What was not written is a failure, even if everything before it went well. */
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "audittrail: cannot write the output: %s\n", errno != 0 ? strerror(errno) : "the disk is full");
        return exit_code != EXIT_CODE_OK ? exit_code : EXIT_CODE_FAILURE;
    }
    return exit_code;
}
