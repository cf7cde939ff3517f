/* main.c -- the audittrail command: finds the subcommand in its table and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Whoever started us may have closed a standard stream. The next file that is opened, a segment or the database, would
 * take its number, and be read as input or written over with messages. So the number is taken by something that fails:
 * a file that cannot be read for input, one that cannot be written for output. */
static bool occupy_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!occupy_standard_streams())
        return EXIT_CODE_FAILURE; /* There may be nowhere to say why. */
    int exit_code = run(argc, argv);

    /* What was not written is a failure, even if everything before it went well. */
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "audittrail: cannot write the output: %s\n",
                errno != 0 ? strerror(errno) : "the disk is full, or standard output is closed");
        return exit_code != EXIT_CODE_OK ? exit_code : EXIT_CODE_FAILURE;
    }
    return exit_code;
}
