/* test_home.c -- a writer's directory has one owner at a time, and the kernel says whether that one lives.
 *
 * Goal:   nobody takes over from the living, everybody may from the dead, and no failure leaves a directory that
 * nobody owns. Method: children hold the lock and are killed; the lock file is exchanged between open and lock;
 * system calls fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/home.h"
#include "support/fault.h"
#include "support/temp_dir.h"

static struct temp_dir dir;
static struct uuid     writer;
static char            path[OS_PATH_SIZE];   /* Of the writer's directory. */
static char            hidden[OS_PATH_SIZE]; /* While it is being made. */
static struct fault    rename_fault;
static struct fault    fsync_fault;
static struct fault    lock_fault;
static bool            exchange_before_lock;

int  __real_rename(const char *from, const char *to);
int  __wrap_rename(const char *from, const char *to);
int  __real_fsync(int fd);
int  __wrap_fsync(int fd);
bool __real_os_lock_file(int fd);
bool __wrap_os_lock_file(int fd);

int __wrap_rename(const char *from, const char *to)
{
    if (!fault_strikes(&rename_fault))
        return __real_rename(from, to);
    errno = rename_fault.error;
    return -1;
}

int __wrap_fsync(int fd)
{
    if (!fault_strikes(&fsync_fault))
        return __real_fsync(fd);
    errno = fsync_fault.error;
    return -1;
}

/* Somebody else empties and removes the directory after we opened its lock, and a third one makes it anew. */
static void exchange_lock(void)
{
    char lock[OS_PATH_SIZE];
    assert_true(os_path_join(lock, path, "lock"));
    unlink(lock);
    close(open(lock, O_RDWR | O_CREAT | O_EXCL, 0600));
}

bool __wrap_os_lock_file(int fd)
{
    if (exchange_before_lock)
        exchange_lock();
    exchange_before_lock = false;
    if (!fault_strikes(&lock_fault))
        return __real_os_lock_file(fd);
    errno = lock_fault.error;
    return false;
}

static int set_up(void **state)
{
    (void)state;
    char name[UUID_TEXT_SIZE + 1] = ".";
    temp_dir_make(&dir);
    memset(writer.bytes, 7, sizeof writer.bytes);
    uuid_format(&writer, name + 1);
    snprintf(path, sizeof path, "%s", temp_dir_at(&dir, name + 1));
    snprintf(hidden, sizeof hidden, "%s", temp_dir_at(&dir, name));
    fault_arm(&rename_fault, 0, 0, 0);
    fault_arm(&fsync_fault, 0, 0, 0);
    fault_arm(&lock_fault, 0, 0, 0);
    exchange_before_lock = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

static void it_is_made_for_its_owner_alone_and_owned_from_the_start(void **state)
{
    (void)state;
    struct home home;
    struct stat status;
    assert_int_equal(home_create(&home, dir.path, &writer, NULL), TRAIL_OK);
    assert_string_equal(home.path, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_true(home_is_owned(path));
    assert_int_equal(temp_dir_count(dir.path), 1); /* Nothing hidden is left. */
    home_release(&home);
    assert_false(home_is_owned(path));
    assert_false(home_is_owned(temp_dir_at(&dir, "none")));
}

static void one_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    struct {
        struct fault *fault;
        int           sys_errno;
    } cases[] = { { &rename_fault, EIO }, { &fsync_fault, EIO }, { &lock_fault, ENOLCK } };
    int before = next_descriptor();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct home        home;
        struct trail_error error = { 0 };
        fault_arm(cases[i].fault, 0, 1, cases[i].sys_errno);
        assert_int_equal(home_create(&home, dir.path, &writer, &error), TRAIL_EIO);
        assert_int_equal(fault_struck(cases[i].fault), 1);
        assert_int_equal(home.lock_fd, -1);
        assert_int_equal(temp_dir_count(dir.path), 0);
        assert_int_equal(next_descriptor(), before);
    }
    struct home home; /* The control. */
    assert_int_equal(home_create(&home, dir.path, &writer, NULL), TRAIL_OK);
    home_remove(&home);
}

/* A child that owns the directory until it is killed. */
static pid_t start_owner(void)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct home home;
        char        byte = home_create(&home, dir.path, &writer, NULL) == TRAIL_OK ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        for (;;)
            pause();
    }
    char byte = 'n';
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void the_living_are_not_taken_over_and_the_dead_are(void **state)
{
    (void)state;
    struct home home;
    pid_t       owner = start_owner();
    int         before = next_descriptor();

    assert_int_equal(home_claim(&home, dir.path, &writer, NULL), TRAIL_ELOCKED);
    assert_int_equal(home.lock_fd, -1);
    assert_true(home_is_owned(path));
    assert_int_equal(next_descriptor(), before);

    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_false(home_is_owned(path));
    assert_int_equal(home_claim(&home, dir.path, &writer, NULL), TRAIL_OK);

    struct home second;
    assert_int_equal(home_claim(&second, dir.path, &writer, NULL), TRAIL_ELOCKED); /* One at a time. */
    home_remove(&home);
    assert_int_equal(home_claim(&second, dir.path, &writer, NULL), TRAIL_ENOTFOUND);
}

static void a_lock_on_a_file_that_is_gone_is_no_lock(void **state)
{
    (void)state;
    struct home home;
    assert_int_equal(home_create(&home, dir.path, &writer, NULL), TRAIL_OK);
    home_release(&home);

    int before = next_descriptor();
    exchange_before_lock = true;
    assert_int_equal(home_claim(&home, dir.path, &writer, NULL), TRAIL_ENOTFOUND);
    assert_int_equal(home.lock_fd, -1);
    assert_int_equal(next_descriptor(), before);
    assert_int_equal(home_claim(&home, dir.path, &writer, NULL), TRAIL_OK); /* The control: nothing is exchanged. */
    home_release(&home);
}

static void removing_takes_everything_but_what_was_set_aside(void **state)
{
    (void)state;
    struct home              home;
    static const char *const names[] = { "00000001.seg", "accounts", "00000002.seg.quarantine" };
    assert_int_equal(home_create(&home, dir.path, &writer, NULL), TRAIL_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[OS_PATH_SIZE];
        assert_true(os_path_join(file, path, names[i]));
        close(open(file, O_RDWR | O_CREAT, 0600));
    }
    home_remove(&home);
    assert_int_equal(home.lock_fd, -1);
    assert_int_equal(temp_dir_count(path), 1);
    home_remove(&home);
    home_release(NULL);
}

static void make_old(const char *of)
{
    const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    assert_int_equal(utimensat(AT_FDCWD, of, times, 0), 0);
}

static void the_walk_finds_writers_and_clears_away_what_was_half_made_long_ago(void **state)
{
    (void)state;
    struct home home;
    DIR        *list = NULL;
    struct uuid found;
    struct {
        char name[48];
        bool old;
        bool stays;
    } entries[] = {
        { ".11111111-1111-4111-8111-111111111111", true, false },
        { ".22222222-2222-4222-8222-222222222222", false, true },
        { ".cache", true, true },
        { "notes", true, true },
    };
    char lock[OS_PATH_SIZE];

    assert_int_equal(home_create(&home, dir.path, &writer, NULL), TRAIL_OK);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        assert_int_equal(mkdir(temp_dir_at(&dir, entries[i].name), 0700), 0);
        assert_true(os_path_join(lock, temp_dir_at(&dir, entries[i].name), "lock"));
        close(open(lock, O_RDWR | O_CREAT, 0600));
        if (entries[i].old)
            make_old(temp_dir_at(&dir, entries[i].name));
    }
    assert_int_equal(home_list(dir.path, &list, NULL), TRAIL_OK);
    assert_true(home_next(list, &found));
    assert_true(uuid_equal(&found, &writer));
    assert_false(home_next(list, &found));
    closedir(list);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        assert_int_equal(temp_dir_exists(temp_dir_at(&dir, entries[i].name)), entries[i].stays);
    home_remove(&home);
    assert_int_equal(home_list(temp_dir_at(&dir, "none"), &list, NULL), TRAIL_ENOTFOUND);
}

static void a_path_that_is_too_long_is_an_error(void **state)
{
    (void)state;
    struct home home;
    char        longest[OS_PATH_SIZE];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 10] = '\0';
    assert_int_equal(home_create(&home, longest, &writer, NULL), TRAIL_EIO);
    assert_int_equal(home_claim(&home, longest, &writer, NULL), TRAIL_EIO);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(it_is_made_for_its_owner_alone_and_owned_from_the_start),
        FACT(one_that_cannot_be_made_leaves_nothing),
        FACT(the_living_are_not_taken_over_and_the_dead_are),
        FACT(a_lock_on_a_file_that_is_gone_is_no_lock),
        FACT(removing_takes_everything_but_what_was_set_aside),
        FACT(the_walk_finds_writers_and_clears_away_what_was_half_made_long_ago),
        FACT(a_path_that_is_too_long_is_an_error),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
