/* test_sampling_key.c -- one key per state directory, whoever makes it and whatever goes wrong meanwhile.
 *
 * Goal:   all who ask get the same key; a file that is no key is told and left alone; a failure leaves nothing behind.
 * Method: a folder per test; renaming and syncing fail at a chosen call; another process takes the name at the last
 *         moment; threads that start together, with the number of times that one of them really came second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/sampling_key.h"
#include "support/fault.h"
#include "support/temp_dir.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct temp_dir dir;
static struct fault    rename_fault;
static struct fault    fsync_fault;
static bool            other_comes_first; /* Before the next rename. */
static unsigned        came_second;       /* Atomic: renames that found the name taken. */

static void put_file(const char *name, const void *bytes, size_t size)
{
    int fd = open(temp_dir_at(&dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(close(fd), 0);
}

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (other_comes_first) {
        other_comes_first = false;
        put_file(SAMPLING_KEY_FILE_NAME, "the other's key!", 16);
    }
    if (fault_strikes(&rename_fault)) {
        errno = rename_fault.error;
        return -1;
    }
    int result = __real_renameat2(from_dir, from, to_dir, to, flags);
    if (result != 0 && errno == EEXIST)
        __atomic_fetch_add(&came_second, 1, __ATOMIC_RELAXED);
    return result;
}

int __wrap_fsync(int fd)
{
    if (!fault_strikes(&fsync_fault))
        return __real_fsync(fd);
    errno = fsync_fault.error;
    return -1;
}

static int make(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    rename_fault = fsync_fault = (struct fault){ 0 };
    other_comes_first = false;
    came_second = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static void the_first_makes_it_and_the_next_read_it(void **state)
{
    (void)state;
    struct hash_key first = { 0 };
    struct hash_key next = { 0 };
    struct stat     status;
    char            deep[OS_PATH_SIZE];
    assert_true(os_path_join(deep, dir.path, "not/yet"));

    assert_int_equal(sampling_key_load(deep, &first, NULL), TRAIL_OK);
    assert_int_equal(sampling_key_load(deep, &next, NULL), TRAIL_OK);
    assert_memory_equal(&first, &next, sizeof first);
    assert_true(first.k0 != 0 || first.k1 != 0);
    assert_int_equal(temp_dir_count(deep), 1);
    assert_int_equal(stat(temp_dir_at(&dir, "not/yet/" SAMPLING_KEY_FILE_NAME), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, SAMPLING_KEY_SIZE);

    /* Another directory, another key. */
    assert_int_equal(sampling_key_load(dir.path, &next, NULL), TRAIL_OK);
    assert_memory_not_equal(&first, &next, sizeof first);
}

static void who_comes_second_takes_the_key_that_is_there(void **state)
{
    (void)state;
    struct hash_key key = { 0 };
    other_comes_first = true;
    assert_int_equal(sampling_key_load(dir.path, &key, NULL), TRAIL_OK);
    assert_int_equal(came_second, 1);
    assert_memory_equal(&key, "the other's key!", sizeof key);
    assert_int_equal(temp_dir_count(dir.path), 1);
}

/* ---- Many at once ---- */

#define THREADS 8
#define ROUNDS 100

static pthread_barrier_t barrier;
static struct hash_key   keys[THREADS];
static char              round_dir[OS_PATH_SIZE];

static void *load_together(void *key)
{
    (void)pthread_barrier_wait(&barrier);
    return sampling_key_load(round_dir, key, NULL) == TRAIL_OK ? key : NULL;
}

static void those_who_start_together_agree(void **state)
{
    (void)state;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        char      name[16];
        snprintf(name, sizeof name, "r%d", round);
        assert_true(os_path_join(round_dir, dir.path, name));
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, load_together, &keys[i]), 0);
        for (size_t i = 0; i < THREADS; i++) {
            void *loaded = NULL;
            assert_int_equal(pthread_join(threads[i], &loaded), 0);
            assert_non_null(loaded);
        }
        for (size_t i = 1; i < THREADS; i++)
            assert_memory_equal(&keys[i], &keys[0], sizeof keys[0]);
        assert_int_equal(temp_dir_count(round_dir), 1);
    }
    print_message("%u of %d loads made a key and came second\n", came_second, THREADS * ROUNDS);
    assert_true(came_second > 0);
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

/* ---- What is no key ---- */

static void expect_refusal(enum trail_err expected, const char *part)
{
    const struct hash_key before = { 1, 2 };
    struct hash_key       key = before;
    struct trail_error    error = { 0 };
    assert_int_equal(sampling_key_load(dir.path, &key, &error), expected);
    assert_int_equal(error.code, expected);
    if (strstr(error.message, part) == NULL)
        fail_msg("%s lacks %s", error.message, part);
    assert_memory_equal(&key, &before, sizeof key);
}

static void a_file_of_another_size_is_told_and_left(void **state)
{
    (void)state;
    static const struct {
        size_t      size;
        const char *part;
    } cases[] = { { 0, "has less than the 16 bytes of a key" },
                  { 15, "has less than the 16 bytes of a key" },
                  { 17, "has more than the 16 bytes of a key" },
                  { 60, "has more than the 16 bytes of a key" } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stat status;
        char        bytes[60] = "";
        put_file(SAMPLING_KEY_FILE_NAME, bytes, cases[i].size);
        expect_refusal(TRAIL_ECORRUPT, cases[i].part);
        expect_refusal(TRAIL_ECORRUPT, temp_dir_at(&dir, SAMPLING_KEY_FILE_NAME));
        assert_int_equal(stat(temp_dir_at(&dir, SAMPLING_KEY_FILE_NAME), &status), 0);
        assert_int_equal(status.st_size, cases[i].size);
    }
}

static void a_folder_a_pipe_and_a_link_to_nothing_are_no_key(void **state)
{
    (void)state;
    const char *path = temp_dir_at(&dir, SAMPLING_KEY_FILE_NAME);
    assert_int_equal(symlink("elsewhere", path), 0);
    expect_refusal(TRAIL_EIO, "can neither be made nor opened: is it a link to nothing?");
    assert_int_equal(temp_dir_count(dir.path), 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refusal(TRAIL_EIO, "cannot read ");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(TRAIL_EIO, "cannot read ");
}

static void a_link_to_a_key_is_followed(void **state)
{
    (void)state;
    struct hash_key key = { 0 };
    put_file("mounted", "0123456789abcdef", 16);
    assert_int_equal(symlink("mounted", temp_dir_at(&dir, SAMPLING_KEY_FILE_NAME)), 0);
    assert_int_equal(sampling_key_load(dir.path, &key, NULL), TRAIL_OK);
    assert_memory_equal(&key, "0123456789abcdef", sizeof key);
}

static void a_file_of_another_user_is_told(void **state)
{
    (void)state;
    put_file(SAMPLING_KEY_FILE_NAME, "0123456789abcdef", 16);
    assert_int_equal(chmod(temp_dir_at(&dir, SAMPLING_KEY_FILE_NAME), 0), 0);
    if (geteuid() != 0)
        expect_refusal(TRAIL_EIO, "Permission denied");
    else
        print_message("root may read everything: nothing to see here\n");
}

static void a_directory_that_is_none_is_told(void **state)
{
    (void)state;
    struct hash_key    key;
    struct trail_error error;
    put_file("file", "", 0);
    assert_int_equal(sampling_key_load(temp_dir_at(&dir, "file"), &key, &error), TRAIL_EIO);
    assert_non_null(strstr(error.message, "Not a directory"));
    assert_int_equal(sampling_key_load("", &key, &error), TRAIL_EIO);
    assert_non_null(strstr(error.message, "no AUDIT_TRAIL_STATE_DIR"));
    assert_int_equal(temp_dir_count(dir.path), 1);
}

/* ---- Failures of the disk ---- */

static void a_failure_leaves_nothing_behind(void **state)
{
    (void)state;
    struct hash_key key;
    fault_arm(&fsync_fault, 0, 1, EIO);
    expect_refusal(TRAIL_EIO, "cannot write ");
    fault_arm(&fsync_fault, 0, 1, ENOSPC);
    expect_refusal(TRAIL_EFULL, "cannot write ");
    fault_arm(&rename_fault, 0, 1, EACCES);
    expect_refusal(TRAIL_EIO, "cannot name ");
    print_message("struck: fsync %u, rename %u\n", fault_struck(&fsync_fault), fault_struck(&rename_fault));
    assert_int_equal(fault_struck(&fsync_fault) + fault_struck(&rename_fault), 2);
    assert_int_equal(temp_dir_count(dir.path), 0);
    /* The control. */
    assert_int_equal(sampling_key_load(dir.path, &key, NULL), TRAIL_OK);
}

static void a_key_is_made_where_the_file_system_knows_no_careful_rename(void **state)
{
    (void)state;
    struct hash_key key = { 0 };
    struct hash_key again = { 0 };
    fault_arm(&rename_fault, 0, 1, EINVAL);
    assert_int_equal(sampling_key_load(dir.path, &key, NULL), TRAIL_OK);
    assert_int_equal(fault_struck(&rename_fault), 1);
    assert_int_equal(temp_dir_count(dir.path), 1); /* Not under its first name too. */
    assert_int_equal(sampling_key_load(dir.path, &again, NULL), TRAIL_OK);
    assert_memory_equal(&key, &again, sizeof key);
}

static void a_key_whose_name_may_be_lost_in_a_power_cut_is_used(void **state)
{
    (void)state;
    struct hash_key key = { 0 };
    struct hash_key again = { 0 };
    fault_arm(&fsync_fault, 1, 1, EIO); /* The second is of the directory. */
    assert_int_equal(sampling_key_load(dir.path, &key, NULL), TRAIL_OK);
    assert_int_equal(fault_struck(&fsync_fault), 1);
    assert_int_equal(sampling_key_load(dir.path, &again, NULL), TRAIL_OK);
    assert_memory_equal(&key, &again, sizeof key);
}

static void a_name_that_is_always_taken_and_never_there_is_given_up(void **state)
{
    (void)state;
    fault_arm(&rename_fault, 0, FAULT_FOREVER, EEXIST);
    expect_refusal(TRAIL_EIO, "can neither be made nor opened");
    assert_true(fault_struck(&rename_fault) > 1);
    assert_int_equal(temp_dir_count(dir.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_makes_it_and_the_next_read_it, make, stop),
        cmocka_unit_test_setup_teardown(who_comes_second_takes_the_key_that_is_there, make, stop),
        cmocka_unit_test_setup_teardown(those_who_start_together_agree, make, stop),
        cmocka_unit_test_setup_teardown(a_file_of_another_size_is_told_and_left, make, stop),
        cmocka_unit_test_setup_teardown(a_folder_a_pipe_and_a_link_to_nothing_are_no_key, make, stop),
        cmocka_unit_test_setup_teardown(a_link_to_a_key_is_followed, make, stop),
        cmocka_unit_test_setup_teardown(a_file_of_another_user_is_told, make, stop),
        cmocka_unit_test_setup_teardown(a_directory_that_is_none_is_told, make, stop),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing_behind, make, stop),
        cmocka_unit_test_setup_teardown(a_key_is_made_where_the_file_system_knows_no_careful_rename, make, stop),
        cmocka_unit_test_setup_teardown(a_key_whose_name_may_be_lost_in_a_power_cut_is_used, make, stop),
        cmocka_unit_test_setup_teardown(a_name_that_is_always_taken_and_never_there_is_given_up, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
