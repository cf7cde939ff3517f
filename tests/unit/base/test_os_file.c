/* test_os_file.c -- what the spool asks of the file system is done, or refused with the error it deserves.
 *
 * Goal:   a full disk is TRAIL_EFULL and everything else TRAIL_EIO; a failure leaves nothing behind.
 * Method: real files in a folder of the test's own; posix_fallocate, msync, write, renameat2, link and statfs
 *         fail when told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os_file.h"
#include "support/fault.h"
#include "support/temp_dir.h"

static struct fault fallocate_fault;
static struct fault msync_fault;
static struct fault write_fault;
static struct fault renameat2_fault;
static struct fault link_fault;
static long         statfs_type; /* 0: the real one. */

int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
int __real_msync(void *from, size_t size, int flags);
int __wrap_msync(void *from, size_t size, int flags);
int __real_statfs(const char *path, struct statfs *status);
int __wrap_statfs(const char *path, struct statfs *status);

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    return fault_strikes(&fallocate_fault) ? fallocate_fault.error : __real_posix_fallocate(fd, offset, size);
}

int __wrap_msync(void *from, size_t size, int flags)
{
    if (!fault_strikes(&msync_fault))
        return __real_msync(from, size, flags);
    errno = msync_fault.error;
    return -1;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (!fault_strikes(&renameat2_fault))
        return __real_renameat2(from_fd, from, to_fd, to, flags);
    errno = renameat2_fault.error;
    return -1;
}

int __wrap_link(const char *from, const char *to)
{
    if (!fault_strikes(&link_fault))
        return __real_link(from, to);
    errno = link_fault.error;
    return -1;
}

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (!fault_strikes(&write_fault))
        return __real_write(fd, data, size);
    errno = write_fault.error;
    return -1;
}

int __wrap_statfs(const char *path, struct statfs *status)
{
    int result = __real_statfs(path, status);
    if (statfs_type != 0)
        status->f_type = statfs_type;
    return result;
}

static struct temp_dir dir;

static int set_up(void **state)
{
    (void)state;
    fault_arm(&fallocate_fault, 0, 0, 0);
    fault_arm(&msync_fault, 0, 0, 0);
    fault_arm(&renameat2_fault, 0, 0, 0);
    fault_arm(&link_fault, 0, 0, 0);
    statfs_type = 0;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char out[OS_PATH_SIZE];
    char longest[OS_PATH_SIZE];

    assert_true(os_path_join(out, "/a", "b"));
    assert_string_equal(out, "/a/b");
    memset(longest, 'x', sizeof longest);
    longest[OS_PATH_SIZE - 3] = '\0'; /* With a slash, one letter and the NUL it just fits. */
    assert_true(os_path_join(out, longest, ""));
    assert_false(os_path_join(out, longest, "yy"));
}

static void directories_are_made_with_their_parents_and_for_the_owner_alone(void **state)
{
    (void)state;
    struct stat status;
    const char *path = temp_dir_at(&dir, "a/b/c");

    assert_int_equal(os_make_directory(path, NULL), TRAIL_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(os_make_directory(path, NULL), TRAIL_OK); /* It may exist. */
}

static void a_file_in_the_place_of_a_directory_is_an_error(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    int                fd = -1;

    assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 0, &fd, NULL), TRAIL_OK);
    close(fd);
    assert_int_equal(os_make_directory(temp_dir_at(&dir, "f"), &error), TRAIL_EIO);
    assert_non_null(strstr(error.message, "/f"));
    assert_int_equal(os_make_directory(temp_dir_at(&dir, "f/g"), &error), TRAIL_EIO);
    assert_int_equal(os_make_directory("", &error), TRAIL_EIO);
}

static void a_file_is_made_with_real_disk_behind_it_and_for_the_owner_alone(void **state)
{
    (void)state;
    struct stat status;
    int         fd = -1;

    assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 1 << 20, &fd, NULL), TRAIL_OK);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 1 << 20);
    assert_true(status.st_blocks * 512 >= 1 << 20);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void a_file_that_exists_is_not_taken(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    int                fd = -1;

    assert_int_equal(symlink("nowhere", temp_dir_at(&dir, "link")), 0);
    assert_int_equal(os_create_file(temp_dir_at(&dir, "link"), 0, &fd, &error), TRAIL_EIO);
    assert_int_equal(error.sys_errno, EEXIST);
    assert_int_equal(fd, -1);
}

static void a_disk_that_refuses_leaves_no_file_and_says_whether_it_is_full(void **state)
{
    (void)state;
    static const struct {
        int            sys_errno;
        enum trail_err expected;
    } cases[] = { { ENOSPC, TRAIL_EFULL }, { EDQUOT, TRAIL_EFULL }, { EIO, TRAIL_EIO } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trail_error error = { 0 };
        int                fd = -1;
        fault_arm(&fallocate_fault, 0, 1, cases[i].sys_errno);
        assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 4096, &fd, &error), cases[i].expected);
        assert_int_equal(fault_struck(&fallocate_fault), 1);
        assert_int_equal(error.sys_errno, cases[i].sys_errno);
        assert_false(temp_dir_exists(temp_dir_at(&dir, "f")));
        assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 4096, &fd, &error), TRAIL_OK); /* The control. */
        close(fd);
        unlink(temp_dir_at(&dir, "f"));
    }
}

static void a_signal_does_not_fail_the_reservation_of_disk(void **state)
{
    (void)state;
    int fd = -1;
    fault_arm(&fallocate_fault, 0, 3, EINTR);
    assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 4096, &fd, NULL), TRAIL_OK);
    assert_int_equal(fault_struck(&fallocate_fault), 3);
    close(fd);
}

static void directories_are_synced_and_what_is_none_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(os_sync_directory(dir.path, NULL), TRAIL_OK);
    assert_int_equal(os_sync_directory(temp_dir_at(&dir, "none"), NULL), TRAIL_EIO);
}

static void a_failed_msync_is_told(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    int                fd = -1;
    assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 8192, &fd, NULL), TRAIL_OK);
    void *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);

    assert_int_equal(os_sync_pages(map, 8192, &error), TRAIL_OK);
    fault_arm(&msync_fault, 0, 1, EIO);
    assert_int_equal(os_sync_pages(map, 0, &error), TRAIL_OK); /* Nothing to do: not even a call. */
    assert_int_equal(fault_struck(&msync_fault), 0);
    assert_int_equal(os_sync_pages(map, 8192, &error), TRAIL_EIO);
    assert_int_equal(fault_struck(&msync_fault), 1);
    assert_int_equal(error.sys_errno, EIO);
    munmap(map, 8192);
    close(fd);
}

static void touching_pages_changes_no_byte(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(os_create_file(temp_dir_at(&dir, "f"), 16384, &fd, NULL), TRAIL_OK);
    unsigned char *map = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (size_t i = 0; i < 16384; i++)
        map[i] = (unsigned char)(i * 7);
    os_touch_pages(map, 16384);
    os_touch_pages(map, 0);
    for (size_t i = 0; i < 16384; i++)
        assert_int_equal(map[i], (unsigned char)(i * 7));
    munmap(map, 16384);
    close(fd);
}

static void file_systems_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        long               magic;
        enum os_filesystem kind;
    } cases[] = {
        { EXT4_SUPER_MAGIC, OS_FILESYSTEM_JOURNALED },
        { XFS_SUPER_MAGIC, OS_FILESYSTEM_JOURNALED },
        { BTRFS_SUPER_MAGIC, OS_FILESYSTEM_COPY_ON_WRITE },
        { NFS_SUPER_MAGIC, OS_FILESYSTEM_NETWORK },
        { (int)0xFF534D42, OS_FILESYSTEM_NETWORK },
        { TMPFS_MAGIC, OS_FILESYSTEM_MEMORY },
        { 0x12345, OS_FILESYSTEM_OTHER },
    };
    enum os_filesystem kind;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        statfs_type = cases[i].magic;
        assert_int_equal(os_filesystem_of(dir.path, &kind, NULL), TRAIL_OK);
        assert_int_equal(kind, cases[i].kind);
    }
    statfs_type = 0;
    assert_int_equal(os_filesystem_of(temp_dir_at(&dir, "none"), &kind, NULL), TRAIL_EIO);
}

static void a_lock_belongs_to_the_open_file_and_not_to_the_process(void **state)
{
    (void)state;
    int         first = -1;
    const char *path = temp_dir_at(&dir, "lock");
    assert_int_equal(os_create_file(path, 0, &first, NULL), TRAIL_OK);
    int second = open(path, O_RDWR | O_CLOEXEC);

    assert_false(os_file_is_locked(second));
    assert_true(os_lock_file(first));
    assert_false(os_lock_file(second));
    assert_true(os_file_is_locked(second));
    assert_false(os_file_is_locked(first)); /* Our own lock is not in our way. */

    pid_t child = fork();
    if (child == 0) {
        close(first); /* Must not unlock the parent's. */
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(os_lock_file(second));
    close(first);
    assert_true(os_lock_file(second));
    close(second);
}

static void a_lock_may_be_shared_and_given_back(void **state)
{
    (void)state;
    int         first = -1;
    const char *path = temp_dir_at(&dir, "lock");
    assert_int_equal(os_create_file(path, 0, &first, NULL), TRAIL_OK);
    int second = open(path, O_RDWR | O_CLOEXEC);

    assert_true(os_share_file(first));
    assert_false(os_file_is_locked(first)); /* Our own. */
    assert_true(os_file_is_locked(second));
    assert_true(os_share_file(second));
    assert_true(os_file_is_locked(first));
    assert_false(os_lock_file(first)); /* The other one has a share. */
    os_unlock_file(second);
    assert_false(os_file_is_locked(first));
    assert_true(os_lock_file(first));
    assert_false(os_share_file(second));
    close(first);
    assert_true(os_share_file(second));
    close(second);
}

static void assert_content(const char *path, const char *expected)
{
    char        text[64] = "";
    struct stat status;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text - 1), strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    close(fd);
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    const char        *path = temp_dir_at(&dir, "file");
    assert_int_equal(os_replace_file(path, TRAIL_TEXT("first"), NULL), TRAIL_OK);
    assert_content(path, "first");
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* Whoever reads the old one goes on reading the old one. */
    assert_int_equal(os_replace_file(path, TRAIL_TEXT("2"), NULL), TRAIL_OK);
    assert_content(path, "2");
    char text[8];
    assert_int_equal(read(fd, text, sizeof text), 5);
    close(fd);
    assert_int_equal(temp_dir_count(dir.path), 1);

    assert_int_equal(os_replace_file(temp_dir_at(&dir, "none/file"), TRAIL_TEXT("x"), &error), TRAIL_EIO);
    assert_non_null(strstr(error.message, "none/file"));
    assert_int_equal(mkdir(temp_dir_at(&dir, "folder"), 0700), 0);
    assert_int_equal(os_replace_file(temp_dir_at(&dir, "folder"), TRAIL_TEXT("x"), &error), TRAIL_EIO);
    assert_int_equal(temp_dir_count(dir.path), 2); /* Nothing is left beside it. */
}

static void a_full_disk_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    const char        *path = temp_dir_at(&dir, "file");
    assert_int_equal(os_replace_file(path, TRAIL_TEXT("first"), NULL), TRAIL_OK);
    fault_arm(&write_fault, 0, 1, ENOSPC);
    assert_int_equal(os_replace_file(path, TRAIL_TEXT("second"), &error), TRAIL_EFULL);
    assert_int_equal(fault_struck(&write_fault), 1);
    assert_content(path, "first");
    assert_int_equal(temp_dir_count(dir.path), 1);
    assert_int_equal(os_replace_file(path, TRAIL_TEXT("second"), NULL), TRAIL_OK); /* The control. */
    assert_content(path, "second");
}

/* Name "making" "file", whose content is `before` (NULL: it is not there), and expect this. */
static void assert_naming(const char *before, enum trail_err expected, int sys_errno)
{
    struct trail_error error = { .code = TRAIL_OK };
    char               making[OS_PATH_SIZE];
    char               file[OS_PATH_SIZE];
    assert_true(os_path_join(making, dir.path, "making") && os_path_join(file, dir.path, "file"));
    unlink(file);
    assert_int_equal(os_replace_file(making, TRAIL_TEXT("new"), NULL), TRAIL_OK);
    if (before != NULL)
        assert_int_equal(os_replace_file(file, trail_str(before), NULL), TRAIL_OK);
    assert_int_equal(os_name_file(making, file, &error), expected);
    assert_int_equal(error.code, expected);
    assert_int_equal(error.sys_errno, sys_errno);
    if (expected == TRAIL_OK || before != NULL)
        assert_content(file, expected == TRAIL_OK ? "new" : before);
    assert_int_equal(access(making, F_OK), expected == TRAIL_OK ? -1 : 0);
    assert_int_equal(temp_dir_count(dir.path), expected == TRAIL_OK || before == NULL ? 1 : 2);
}

static void a_file_is_named_and_never_over_another_s(void **state)
{
    (void)state;
    assert_naming(NULL, TRAIL_OK, 0);
    assert_naming("old", TRAIL_EIO, EEXIST);
    fault_arm(&renameat2_fault, 0, 1, EACCES); /* The file system knows how, and says no. */
    assert_naming(NULL, TRAIL_EIO, EACCES);
    assert_int_equal(fault_struck(&renameat2_fault), 1);
    fault_arm(&renameat2_fault, 0, 1, ENOSPC);
    assert_naming(NULL, TRAIL_EFULL, ENOSPC);
}

static void a_file_is_named_where_the_file_system_knows_no_careful_rename(void **state)
{
    (void)state;
    static const int unsupported[] = { EINVAL, ENOSYS, EOPNOTSUPP };
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        fault_arm(&renameat2_fault, 0, 2, unsupported[i]);
        assert_naming(NULL, TRAIL_OK, 0);
        assert_naming("old", TRAIL_EIO, EEXIST);
        assert_int_equal(fault_struck(&renameat2_fault), 2);
    }
    fault_arm(&renameat2_fault, 0, 1, EINVAL);
    fault_arm(&link_fault, 0, 1, EPERM);
    assert_naming(NULL, TRAIL_EIO, EPERM);
    assert_int_equal(fault_struck(&link_fault), 1);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(a_path_that_does_not_fit_is_refused),
        FACT(directories_are_made_with_their_parents_and_for_the_owner_alone),
        FACT(a_file_in_the_place_of_a_directory_is_an_error),
        FACT(a_file_is_made_with_real_disk_behind_it_and_for_the_owner_alone),
        FACT(a_file_that_exists_is_not_taken),
        FACT(a_disk_that_refuses_leaves_no_file_and_says_whether_it_is_full),
        FACT(a_signal_does_not_fail_the_reservation_of_disk),
        FACT(directories_are_synced_and_what_is_none_is_an_error),
        FACT(a_failed_msync_is_told),
        FACT(touching_pages_changes_no_byte),
        FACT(file_systems_are_told_apart),
        FACT(a_lock_belongs_to_the_open_file_and_not_to_the_process),
        FACT(a_lock_may_be_shared_and_given_back),
        FACT(a_file_is_replaced_whole_or_not_at_all),
        FACT(a_full_disk_leaves_the_file_as_it_was),
        FACT(a_file_is_named_and_never_over_another_s),
        FACT(a_file_is_named_where_the_file_system_knows_no_careful_rename),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
