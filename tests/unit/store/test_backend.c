/* test_backend.c -- from a URL to a back-end, linked or loaded.
 *
 * Goal:   schemes reach their back-end; an object is loaded once, by however many threads; one of another version is
 *         refused; what cannot be found says where it was looked for, and never shows a password.
 * Method: the object of the build. This test stands in a folder with none beside it, so a link is made and taken
 *         away; the object of another version is one that was compiled beforehand (fake_backend.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backend.h"

static char folder[512]; /* "audittrail" beside this program. */
static char object[640]; /* The object in there. */

static int name_places(void **state)
{
    (void)state;
    ssize_t size = readlink("/proc/self/exe", folder, sizeof folder - 16);
    assert_true(size > 0);
    folder[size] = '\0';
    char *name = strrchr(folder, '/') + 1;
    snprintf(name, sizeof folder - (size_t)(name - folder), "audittrail");
    snprintf(object, sizeof object, "%s/audittrail_postgresql.so", folder);
    unlink(object);
    assert_true(mkdir(folder, 0700) == 0 || access(folder, W_OK) == 0);
    return 0;
}

static int remove_places(void **state)
{
    (void)state;
    unlink(object);
    rmdir(folder);
    return 0;
}

static void schemes_reach_their_back_end(void **state)
{
    (void)state;
    const struct store_backend *backend = NULL;
    struct trail_error          error = { 0 };
    assert_int_equal(backend_find(&backend, "sqlite:x", &error), TRAIL_OK);
    assert_ptr_equal(backend, &sqlite_backend);
    static const char *const unknown[] = { NULL, "", "hunter2", "sqlite3:x", "postgresq://u:hunter2@h/d", ":x" };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(backend_find(&backend, unknown[i], &error), TRAIL_ECONFIG);
        assert_non_null(strstr(error.message, "known are sqlite:PATH and postgresql://"));
        assert_null(strstr(error.message, "@"));
    }
}

static void an_object_that_is_not_there(void **state)
{
    (void)state;
    const struct store_backend *backend = NULL;
    struct trail_error          error = { 0 };
    assert_int_equal(backend_find(&backend, "postgresql://u:hunter2@h/d", &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "audittrail_postgresql.so"));
    assert_non_null(strstr(error.message, "not installed"));
    assert_null(strstr(error.message, "hunter2"));
}

static void an_object_that_is_none(void **state)
{
    (void)state;
    const struct store_backend *backend = NULL;
    struct trail_error          error = { 0 };
    FILE                       *file = fopen(object, "w");
    assert_non_null(file);
    fputs("no library", file);
    fclose(file);
    assert_int_equal(backend_find(&backend, "postgresql://h/d", &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "cannot be loaded"));
    unlink(object);
}

static void an_object_of_another_version(void **state)
{
    (void)state;
    const struct store_backend *backend = NULL;
    struct trail_error          error = { 0 };
    assert_int_equal(symlink(FAKE_BACKEND, object), 0);
    assert_int_equal(backend_find(&backend, "postgresql://h/d", &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "not the one of audittrail"));
    unlink(object);
}

#define THREADS 8

static void *find(void *context)
{
    const struct store_backend *backend = NULL;
    struct trail_error          error = { 0 };
    (void)context;
    if (backend_find(&backend, "postgres://h/d", &error) != TRAIL_OK)
        fprintf(stderr, "%s\n", error.message);
    return (void *)backend;
}

static void it_is_loaded_once_for_all_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    void     *found[THREADS];
    assert_int_equal(symlink(REAL_BACKEND, object), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], &found[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_non_null(found[i]);
        assert_ptr_equal(found[i], found[0]);
    }
    const struct store_backend *backend = found[0];
    assert_int_equal(backend->dialect, STORE_DIALECT_POSTGRESQL);
    assert_int_equal(store_check_url("postgresql://h/d", NULL), TRAIL_OK);
    assert_int_equal(store_check_url("postgresql://h/d?x=1", NULL), TRAIL_ECONFIG);
    unlink(object);
    assert_ptr_equal(find(NULL), backend); /* It stays. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes_reach_their_back_end),
        cmocka_unit_test(an_object_that_is_not_there),
        cmocka_unit_test(an_object_that_is_none),
        cmocka_unit_test(an_object_of_another_version),
        cmocka_unit_test(it_is_loaded_once_for_all_threads),
    };
    return cmocka_run_group_tests(tests, name_places, remove_places);
}
