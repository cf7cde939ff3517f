/* backend.c -- finds the back-end that a URL names. */
#include "store/backend.h"

#include <string.h>

static const struct store_backend *const backends[] = { &sqlite_backend };

enum trail_err backend_find(const struct store_backend **ret_backend, const char *url, struct trail_error *ret_error)
{
    for (size_t i = 0; url != NULL && i < sizeof backends / sizeof backends[0]; i++) {
        size_t size = strlen(backends[i]->scheme);
        if (strncmp(url, backends[i]->scheme, size) == 0 && url[size] == ':') {
            *ret_backend = backends[i];
            return TRAIL_OK;
        }
    }
    /* Only the scheme is shown: what follows may hold a password. */
    int shown = url != NULL ? (int)strcspn(url, ":") : 0;
    return error_set(ret_error, TRAIL_ECONFIG, 0,
                     "no store for database URLs that begin with \"%.*s:\"; known is sqlite:PATH",
                     shown > 32 ? 32 : shown, url != NULL ? url : "");
}
