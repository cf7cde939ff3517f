/* scarcity.c -- lets the N-th allocation of a run fail: ours, and if asked for those of the libraries under us. */
#include "support/scarcity.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "support/fault.h"

static struct fault        fault;
static bool                in_libraries; /* Atomic. */
static sqlite3_mem_methods sqlite_own;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
DIR  *__real_opendir(const char *path);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
DIR  *__wrap_opendir(const char *path);

static bool fails(void)
{
    if (!fault_strikes(&fault))
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* The C library allocates in it, where --wrap does not reach. */
DIR *__wrap_opendir(const char *path)
{
    return fails() ? NULL : __real_opendir(path);
}

/* ---- The libraries ---- */

static bool library_fails(void)
{
    return __atomic_load_n(&in_libraries, __ATOMIC_RELAXED) && fails();
}

static void *sqlite_malloc(int size)
{
    return library_fails() ? NULL : sqlite_own.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return library_fails() ? NULL : sqlite_own.xRealloc(old, size);
}

static void *jansson_malloc(size_t size)
{
    return library_fails() ? NULL : __real_malloc(size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || library_fails() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return library_fails() ? NULL : __real_realloc(old, size);
}

static void openssl_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

void scarcity_hook_libraries(void)
{
    sqlite3_mem_methods hooked;
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1 ||
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own) != SQLITE_OK)
        abort();
    hooked = sqlite_own;
    hooked.xMalloc = sqlite_malloc;
    hooked.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked) != SQLITE_OK)
        abort();
    json_set_alloc_funcs(jansson_malloc, free);
}

void scarcity_begin(unsigned skip, bool libraries_too)
{
    __atomic_store_n(&in_libraries, libraries_too, __ATOMIC_RELAXED);
    fault_arm(&fault, skip, 1, ENOMEM);
}

bool scarcity_end(void)
{
    bool struck = fault_struck(&fault) > 0;
    fault_arm(&fault, 0, 0, 0);
    return struck;
}
