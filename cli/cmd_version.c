/* cmd_version.c -- `audittrail version`: the version and what it was built with. */
#include <sqlite3.h>
#include <stdio.h>

#include "audittrail.h"
#include "cli/commands.h"
#include "cli/options.h"

static const struct option_info version_options[] = { { .name = NULL } };

static const struct usage version_usage = {
    .command = "version",
    .synopsis = "",
    .about = "Show the version of this command, of the library behind it, and what both were built with.",
    .options = version_options,
};

const struct usage *usage_version(void)
{
    return &version_usage;
}

int cmd_version(int argc, char **argv)
{
    static char    name[] = "version";
    char          *alone[] = { name, NULL };
    struct options options;

    /* `audittrail --version` comes here under its own name. */
    if (!options_parse(&options, &version_usage, argc > 1 ? argv : alone, NULL))
        return options.exit_code;

    printf("audittrail %s\n", TRAIL_VERSION);
    printf("library    %s\n", trail_version());
    printf("sqlite     %s (built with %s)\n", sqlite3_libversion(), SQLITE_VERSION);
    printf("compiler   %s\n", __VERSION__);
    return EXIT_CODE_OK;
}
