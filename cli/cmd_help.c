/* cmd_help.c -- `audittrail help`: all commands, or the help of one of them. */
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/manual.h"

static const char *take_scdoc(void *context, const char *value)
{
    (void)value;
    *(bool *)context = true;
    return NULL;
}

static const struct option_info help_options[] = {
    { "scdoc", 0, NULL, "print the source of a manual page, for scdoc: of a command, of audittrail, of settings",
      take_scdoc },
    { .name = NULL },
};

static const struct usage help_usage = {
    .command = "help",
    .synopsis = "[options] [command]",
    .about = "Show what commands there are, or explain one of them.",
    .options = help_options,
    .operands_max = 1,
    .operands = USAGE_OPERANDS_COMMANDS,
};

const struct usage *usage_help(void)
{
    return &help_usage;
}

/* The source of a manual page. False: there is none of this name. */
static bool append_manual(struct buf *out, const char *name)
{
    const struct command *command = command_find(name);
    if (command != NULL)
        manual_command(out, command);
    else if (strcmp(name, "audittrail") == 0)
        manual_overview(out);
    else if (strcmp(name, "settings") == 0)
        manual_settings(out);
    else
        return false;
    return true;
}

static int print_manual(const char *name)
{
    struct buf page;
    int        exit_code = EXIT_CODE_OK;

    buf_init(&page, NULL, 0);
    if (!append_manual(&page, name)) {
        command_tell_unknown(name);
        exit_code = EXIT_CODE_USAGE;
    } else if (buf_failed(&page)) {
        fputs("audittrail help: out of memory\n", stderr);
        exit_code = EXIT_CODE_FAILURE;
    } else {
        fwrite(page.data, 1, page.size, stdout);
    }
    buf_done(&page);
    return exit_code;
}

int cmd_help(int argc, char **argv)
{
    static char    name[] = "help";
    char          *alone[] = { name, NULL };
    struct options options;
    bool           scdoc = false;

    /* `audittrail --help` comes here under its own name. */
    if (!options_parse(&options, &help_usage, argc > 1 ? argv : alone, &scdoc))
        return options.exit_code;
    if (scdoc)
        return print_manual(options.operand_count > 0 ? options.operands[0] : "audittrail");
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
