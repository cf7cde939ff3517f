/* cmd_version.c -- `audittrail version`: the version and what it was built with. */
#include <stdio.h>

#include "audittrail.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "store/backend.h"

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

/* What a store is reached through; a back-end that is not installed is no mistake, and one of another version is. */
static void print_client(const char *scheme)
{
    const struct store_backend *backend = NULL;
    struct trail_error          error = { 0 };
    struct buf                  line;
    buf_init(&line, NULL, 0);
    if (backend_find(&backend, scheme, &error) == TRAIL_OK)
        backend->client(&line);
    else
        buf_append_string(&line, error.message);
    printf("%.*s\n", (int)line.size, buf_text(&line).data);
    buf_done(&line);
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
    print_client("sqlite:");
    print_client("postgresql:");
    printf("compiler   %s\n", __VERSION__);
    return EXIT_CODE_OK;
}
