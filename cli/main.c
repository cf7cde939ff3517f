/* main.c -- the audittrail command: finds the subcommand in its table and runs it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static int run(int argc, char **argv)
{
    if (argc < 2) {
        commands_print(stderr);
        return EXIT_CODE_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";

    const struct command *command = command_find(name);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    command_tell_unknown(name);
    return EXIT_CODE_USAGE;
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
