/* backend.c -- finds the back-end that a URL names, and loads it when it is a loadable object.
 *
 * An object is looked for beside the file that this code is in (a program in bin/ has it in ../lib/audittrail/, a
 * library in audittrail/), so that a build tree and an installed tree that was moved find their own; then where the
 * installation put it. It stays loaded: libpq and libcrypto leave handlers behind that must be there at exit. */
#include "store/backend.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audittrail.h"
#include "base/os_file.h"
#include "store/backend_places.h"

struct known_backend {
    const char                 *schemes[2];
    const struct store_backend *linked;   /* NULL: it is a loadable object. */
    const char                 *object;   /* Its file. */
    const char                 *packaged; /* What it is built with. */
};

static const struct known_backend known[] = {
    { .schemes = { "sqlite" }, .linked = &sqlite_backend },
    { .schemes = { "postgresql", "postgres" }, .object = "audittrail_postgresql.so", .packaged = "libpq" },
};

#define KNOWN_COUNT (sizeof known / sizeof known[0])

static pthread_mutex_t             loading = PTHREAD_MUTEX_INITIALIZER; /* mutable: over what follows */
static const struct store_backend *loaded[KNOWN_COUNT];                 /* mutable: each is set once */

static bool has_scheme(const char *url, const char *scheme)
{
    size_t size = scheme != NULL ? strlen(scheme) : 0;
    return size > 0 && strncmp(url, scheme, size) == 0 && url[size] == ':';
}

static const struct known_backend *known_for(const char *url)
{
    for (size_t i = 0; url != NULL && i < KNOWN_COUNT; i++) {
        if (has_scheme(url, known[i].schemes[0]) || has_scheme(url, known[i].schemes[1]))
            return &known[i];
    }
    return NULL;
}

/* ---- Loading ---- */

/* The folder of the file that this function is in. */
static bool own_folder(char ret_folder[OS_PATH_SIZE])
{
    Dl_info info;
    if (dladdr((const void *)known, &info) == 0 || info.dli_fname == NULL)
        return false;
    /* For a program that is found through PATH the name is what it was called by. */
    bool    is_program = strchr(info.dli_fname, '/') == NULL;
    ssize_t size = is_program ? readlink("/proc/self/exe", ret_folder, OS_PATH_SIZE - 1) : -1;
    if (size > 0)
        ret_folder[size] = '\0';
    else
        snprintf(ret_folder, OS_PATH_SIZE, "%s", info.dli_fname);
    char *slash = strrchr(ret_folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* The first place where the object is; else false, and where it was looked for. */
static bool find_object(const char *object, char ret_path[OS_PATH_SIZE])
{
    static const char *const beside[] = { "audittrail", "../lib/audittrail", "../" AUDITTRAIL_LIBDIR "/audittrail" };
    char                     folder[OS_PATH_SIZE];
    if (own_folder(folder)) {
        for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
            int size = snprintf(ret_path, OS_PATH_SIZE, "%s/%s/%s", folder, beside[i], object);
            if (size < OS_PATH_SIZE && access(ret_path, R_OK) == 0)
                return true;
        }
    }
    snprintf(ret_path, OS_PATH_SIZE, "%s/%s", AUDITTRAIL_BACKEND_DIR, object);
    return access(ret_path, R_OK) == 0;
}

static enum trail_err load(const struct known_backend *backend, const struct store_backend **ret_loaded,
                           struct trail_error *ret_error)
{
    char path[OS_PATH_SIZE];
    if (!find_object(backend->object, path))
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "the back-end for %s: is not installed: there is no %.160s (it is built where %s is there)",
                         backend->schemes[0], path, backend->packaged);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return error_set(ret_error, TRAIL_ECONFIG, 0, "the back-end for %s: cannot be loaded: %.200s",
                         backend->schemes[0], dlerror());
    backend_entry_fn entry;
    *(void **)&entry = dlsym(object, BACKEND_ENTRY);
    *ret_loaded = entry != NULL ? entry(trail_version()) : NULL;
    if (*ret_loaded != NULL)
        return TRAIL_OK;
    dlclose(object);
    return error_set(ret_error, TRAIL_ECONFIG, 0, "%.160s is not the one of audittrail %s: install both anew", path,
                     trail_version());
}

/* ---- Finding ---- */

enum trail_err backend_find(const struct store_backend **ret_backend, const char *url, struct trail_error *ret_error)
{
    const struct known_backend *backend = known_for(url);
    if (backend == NULL) {
        /* Only the scheme is shown: what follows may hold a password. */
        int shown = url != NULL ? (int)strcspn(url, ":") : 0;
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "no store for database URLs that begin with \"%.*s:\"; known are sqlite:PATH and "
                         "postgresql://...",
                         shown > 32 ? 32 : shown, url != NULL ? url : "");
    }
    if (backend->linked != NULL) {
        *ret_backend = backend->linked;
        return TRAIL_OK;
    }
    pthread_mutex_lock(&loading);
    const struct store_backend **found = &loaded[backend - known];
    enum trail_err               err = *found != NULL ? TRAIL_OK : load(backend, found, ret_error);
    *ret_backend = *found;
    pthread_mutex_unlock(&loading);
    return err;
}
