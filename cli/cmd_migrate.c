/* cmd_migrate.c -- `audittrail migrate`: brings the schema of the store up to date, or prints how.
 *
 * Happy path: opening a store does it; here it happens alone, by whoever may, and is told.
 * When it fails: a role without the privileges is told who has them (exit 1), a store that does not answer ends it with
 * exit 5; each migration happens as a whole or not at all. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/database_url.h"
#include "cli/commands.h"
#include "cli/load_settings.h"
#include "store/store.h"

static const char *take_print(void *context, const char *value)
{
    (void)value;
    *(bool *)context = true;
    return NULL;
}

static const struct option_info migrate_options[] = {
    { "print", 'p', NULL,
      "connect to nothing, change nothing: print the script for psql (or sqlite3) that does the same", take_print },
    { .name = NULL },
};

static const struct usage migrate_usage = {
    .command = "migrate",
    .synopsis = "[options]",
    .about =
        "Create the schema of the store that AUDIT_TRAIL_DATABASE_URL names, or bring it up to date, and say from\n"
        "which version to which. Nothing happens when it is up to date. Who records does the same by itself,\n"
        "where its role may; in PostgreSQL the role of a service should not, and the owner of the schema runs this.",
    .options = migrate_options,
    .notes = "examples:\n"
             "  audittrail migrate --set AUDIT_TRAIL_DATABASE_URL=postgresql://audit_owner@db/audit\n"
             "  audittrail migrate --print > schema.sql    (then: psql -X -f schema.sql)",
};

const struct usage *usage_migrate(void)
{
    return &migrate_usage;
}

static int fail(enum trail_err err, const struct trail_error *error)
{
    fprintf(stderr, "audittrail migrate: %s\n", error->message[0] != '\0' ? error->message : trail_strerror(err));
    if (err == TRAIL_ECONFIG)
        return EXIT_CODE_USAGE;
    /* Reached, and not allowed: trying again does not help. */
    return err == TRAIL_EAWAY && error->sys_errno != EACCES ? EXIT_CODE_UNREACHABLE : EXIT_CODE_FAILURE;
}

static int print(const char *url)
{
    struct trail_error error = { 0 };
    struct buf         script;

    buf_init(&script, NULL, 0);
    enum trail_err err = store_script(url, &script, &error);
    if (err == TRAIL_OK && buf_failed(&script))
        err = TRAIL_ENOMEM;
    if (err == TRAIL_OK)
        fwrite(script.data, 1, script.size, stdout);
    buf_done(&script);
    return err == TRAIL_OK ? EXIT_CODE_OK : fail(err, &error);
}

static void tell(const struct store *store, const char *url)
{
    struct buf name;
    int64_t    was = store_schema_was(store);
    int64_t    is = store_schema_is(store);

    buf_init(&name, NULL, 0);
    database_url_mask(trail_str(url), &name);
    printf("%.*s: ", buf_failed(&name) ? 0 : (int)name.size, name.data);
    if (was == 0)
        printf("schema created, version %" PRId64 "\n", is);
    else if (was < is)
        printf("schema brought from version %" PRId64 " to %" PRId64 "\n", was, is);
    else
        printf("schema version %" PRId64 ", nothing to do\n", is);
    buf_done(&name);
}

static int migrate(const char *url)
{
    struct trail_error error = { 0 };
    struct store      *store = NULL;

    enum trail_err err = store_open(&store, url, NULL, &error);
    if (err != TRAIL_OK)
        return fail(err, &error);
    tell(store, url);
    store_close(store);
    return EXIT_CODE_OK;
}

int cmd_migrate(int argc, char **argv)
{
    struct options  options;
    struct settings settings;
    bool            only_print = false;
    int             exit_code = EXIT_CODE_USAGE;

    (void)argc;
    if (!options_parse(&options, &migrate_usage, argv, &only_print))
        return options.exit_code;
    if (load_settings(&settings, &options, "migrate"))
        exit_code = only_print ? print(settings.database_url) : migrate(settings.database_url);
    settings_done(&settings);
    return exit_code;
}
