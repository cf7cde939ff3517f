/* cmd_help.c -- `audittrail help`: all commands, or the help of one of them. */
#include "cli/commands.h"
#include "cli/help.h"

static const struct option_info help_options[] = { { .name = NULL } };

static const struct usage help_usage = {
    .command = "help",
    .synopsis = "[command]",
    .about = "Show what commands there are, or explain one of them.",
    .options = help_options,
    .operands_max = 1,
    .operands = USAGE_OPERANDS_COMMANDS,
};

const struct usage *usage_help(void)
{
    return &help_usage;
}

int cmd_help(int argc, char **argv)
{
    static char    name[] = "help";
    char          *alone[] = { name, NULL };
    struct options options;

    /* `audittrail --help` comes here under its own name. */
    if (!options_parse(&options, &help_usage, argc > 1 ? argv : alone, NULL))
        return options.exit_code;
    if (options.operand_count == 0) {
        commands_print(stdout);
        return EXIT_CODE_OK;
    }
    const struct command *command = command_find(options.operands[0]);
    if (command == NULL) {
        command_tell_unknown(options.operands[0]);
        return EXIT_CODE_USAGE;
    }
    help_print(command->usage(), stdout);
    return EXIT_CODE_OK;
}
