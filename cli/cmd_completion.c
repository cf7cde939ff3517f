/* cmd_completion.c -- `audittrail completion`: the script that completes command lines of this command. */
#include <stdio.h>
#include <string.h>

#include "cli/bash_completion.h"
#include "cli/commands.h"

static const struct option_info completion_options[] = { { .name = NULL } };

static const struct usage completion_usage = {
    .command = "completion",
    .synopsis = "bash",
    .about = "Print the script with which bash completes commands, options, their values and settings. An installed\n"
             "audittrail brings it along; from a build directory it is loaded as the example shows.",
    .options = completion_options,
    .notes = "example:\n"
             "  eval \"$(audittrail completion bash)\"",
    .operands_max = 1,
    .operands = "bash",
};

const struct usage *usage_completion(void)
{
    return &completion_usage;
}

int cmd_completion(int argc, char **argv)
{
    struct options options;
    struct buf     script;
    int            exit_code = EXIT_CODE_OK;

    (void)argc;
    if (!options_parse(&options, &completion_usage, argv, NULL))
        return options.exit_code;
    const char *shell = options.operand_count > 0 ? options.operands[0] : "";
    if (strcmp(shell, "bash") != 0) {
        fprintf(stderr, "audittrail completion: expected bash%s%.40s (see `audittrail completion --help`)\n",
                shell[0] != '\0' ? ", not " : "", shell);
        return EXIT_CODE_USAGE;
    }
    buf_init(&script, NULL, 0);
    bash_completion(&script);
    if (buf_failed(&script)) {
        fputs("audittrail completion: out of memory\n", stderr);
        exit_code = EXIT_CODE_FAILURE;
    } else {
        fwrite(script.data, 1, script.size, stdout);
    }
    buf_done(&script);
    return exit_code;
}
