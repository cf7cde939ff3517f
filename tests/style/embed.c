/* embed.c -- a host whose own names are those of our insides links the static library all the same.
 *
 * Goal:   nothing but trail_* is taken from a host's name space.
 * Method: the host has functions of its own with our names; linking and running is the test.
 */
#include <stdio.h>
#include <string.h>

#include "audittrail.h"

int spool_append(void);
int settings_load(void);
int clock_system(void);

int spool_append(void)
{
    return 1;
}

int settings_load(void)
{
    return 2;
}

int clock_system(void)
{
    return 3;
}

int main(void)
{
    if (spool_append() + settings_load() + clock_system() != 6 || strcmp(trail_version(), TRAIL_VERSION) != 0)
        return 1;

    /* Reaches into the library far enough to need its own settings_load(). */
    static const char *const   settings[] = { "AUDIT_TRAIL_ENABLED=false", NULL };
    const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = "" };
    struct trail_error         error = { .code = TRAIL_OK };
    struct trail              *trail = NULL;
    if (trail_open(&trail, &options, &error) != TRAIL_OK) {
        fprintf(stderr, "embed: %s\n", error.message);
        return 1;
    }
    return trail_close(trail, NULL) == TRAIL_OK ? 0 : 1;
}
