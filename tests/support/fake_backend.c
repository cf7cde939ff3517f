/* fake_backend.c -- a loadable object that says of itself that it belongs to another version.
 *
 * Thread: any.
 * Memory: none.
 * Errors: none.
 */
#include <stddef.h>

__attribute__((visibility("default"))) const void *trail_store_backend(const char *version);

const void *trail_store_backend(const char *version)
{
    (void)version;
    return NULL;
}
