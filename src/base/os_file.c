/* os_file.c -- the few things the spool asks of the file system. */
#include "base/os_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"

#define OS_PAGE_SIZE 4096

/* Not in every linux/magic.h. */
#define MAGIC_ZFS 0x2FC12FC1
#define MAGIC_CIFS 0xFF534D42
#define MAGIC_BCACHEFS 0xCA451A4E

bool os_path_join(char out[OS_PATH_SIZE], const char *directory, const char *name)
{
    int size = snprintf(out, OS_PATH_SIZE, "%s/%s", directory, name);
    return size >= 0 && size < OS_PATH_SIZE;
}

static enum trail_err code_of(int sys_errno)
{
    return sys_errno == ENOSPC || sys_errno == EDQUOT ? TRAIL_EFULL : TRAIL_EIO;
}

static int make_one_directory(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    return errno;
}

enum trail_err os_make_directory(const char *path, struct trail_error *ret_error)
{
    char   partial[OS_PATH_SIZE];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof partial)
        return error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "the directory path has %zu bytes, allowed are 1 to %d",
                         size, OS_PATH_SIZE - 1);

    memcpy(partial, path, size + 1);
    for (size_t i = 1; i < size; i++) {
        if (partial[i] != '/')
            continue;
        partial[i] = '\0';
        (void)make_one_directory(partial); /* The last one tells; a parent may be there and not ours to make. */
        partial[i] = '/';
    }
    int failed = make_one_directory(partial);
    if (failed != 0)
        return error_set_sys(ret_error, code_of(failed), failed, "cannot make the directory %s", path);

    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot look at %s", path);
    if (!S_ISDIR(status.st_mode))
        return error_set(ret_error, TRAIL_EIO, ENOTDIR, "%s is not a directory", path);
    return TRAIL_OK;
}

/* A signal to the calling thread is no reason to refuse an event. */
static int reserve(int fd, size_t size)
{
    int failed;
    do
        failed = posix_fallocate(fd, 0, (off_t)size);
    while (failed == EINTR);
    return failed;
}

enum trail_err os_create_file(const char *path, size_t size, int *ret_fd, struct trail_error *ret_error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_sys(ret_error, code_of(errno), errno, "cannot create %s", path);

    int failed = size > 0 ? reserve(fd, size) : 0;
    if (failed != 0) {
        close(fd);
        unlink(path);
        return error_set_sys(ret_error, code_of(failed), failed, "cannot reserve %zu bytes for %s", size, path);
    }
    *ret_fd = fd;
    return TRAIL_OK;
}

enum trail_err os_name_file(const char *from, const char *to, struct trail_error *ret_error)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return TRAIL_OK;
    bool unsupported = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
    if (!unsupported || link(from, to) != 0)
        return error_set_sys(ret_error, code_of(errno), errno, "cannot name %s", to);
    unlink(from);
    return TRAIL_OK;
}

static int write_all(int fd, struct trail_text content)
{
    while (content.size > 0) {
        ssize_t written = write(fd, content.data, content.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        content.data += written;
        content.size -= (size_t)written;
    }
    return fsync(fd) != 0 ? errno : 0;
}

enum trail_err os_replace_file(const char *path, struct trail_text content, struct trail_error *ret_error)
{
    char partial[OS_PATH_SIZE + 8];

    (void)snprintf(partial, sizeof partial, "%s.XXXXXX", path);
    int fd = mkostemp(partial, O_CLOEXEC); /* Mode 0600. */
    if (fd < 0)
        return error_set_sys(ret_error, code_of(errno), errno, "cannot create a file beside %s", path);
    int failed = write_all(fd, content);
    close(fd);
    if (failed == 0 && rename(partial, path) != 0)
        failed = errno;
    if (failed == 0)
        return TRAIL_OK;
    unlink(partial);
    return error_set_sys(ret_error, code_of(failed), failed, "cannot write %s", path);
}

enum trail_err os_sync_directory(const char *path, struct trail_error *ret_error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot open the directory %s", path);
    int failed = fsync(fd) != 0 ? errno : 0;
    close(fd);
    if (failed != 0)
        return error_set_sys(ret_error, code_of(failed), failed, "cannot sync the directory %s", path);
    return TRAIL_OK;
}

enum trail_err os_sync_pages(void *from, size_t size, struct trail_error *ret_error)
{
    if (size == 0 || msync(from, size, MS_SYNC) == 0)
        return TRAIL_OK;
    return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot sync %zu bytes of the spool to the disk", size);
}

/* For kernels before 5.14: a store to every page that changes nothing, whoever else is writing there. */
__attribute__((no_sanitize("thread"))) static void touch_each_page(char *from, size_t size)
{
    for (size_t i = 0; i < size; i += OS_PAGE_SIZE)
        __atomic_fetch_or((uint64_t *)(void *)(from + i), 0, __ATOMIC_RELAXED);
}

void os_touch_pages(void *from, size_t size)
{
    /* Takes the write faults inside the kernel, and touches no byte. */
    if (size > 0 && madvise(from, size, MADV_POPULATE_WRITE) != 0 && errno == EINVAL)
        touch_each_page(from, size);
}

enum trail_err os_filesystem_of(const char *path, enum os_filesystem *ret_kind, struct trail_error *ret_error)
{
    static const struct {
        uint32_t           magic;
        enum os_filesystem kind;
    } known[] = {
        { EXT4_SUPER_MAGIC, OS_FILESYSTEM_JOURNALED }, /* ext2 and ext3 share it. */
        { XFS_SUPER_MAGIC, OS_FILESYSTEM_JOURNALED },  { BTRFS_SUPER_MAGIC, OS_FILESYSTEM_COPY_ON_WRITE },
        { MAGIC_ZFS, OS_FILESYSTEM_COPY_ON_WRITE },    { MAGIC_BCACHEFS, OS_FILESYSTEM_COPY_ON_WRITE },
        { NFS_SUPER_MAGIC, OS_FILESYSTEM_NETWORK },    { MAGIC_CIFS, OS_FILESYSTEM_NETWORK },
        { SMB2_SUPER_MAGIC, OS_FILESYSTEM_NETWORK },   { FUSE_SUPER_MAGIC, OS_FILESYSTEM_NETWORK },
        { V9FS_MAGIC, OS_FILESYSTEM_NETWORK },         { CEPH_SUPER_MAGIC, OS_FILESYSTEM_NETWORK },
        { TMPFS_MAGIC, OS_FILESYSTEM_MEMORY },         { RAMFS_MAGIC, OS_FILESYSTEM_MEMORY },
    };
    struct statfs status;

    if (statfs(path, &status) != 0)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot look at the file system of %s", path);
    *ret_kind = OS_FILESYSTEM_OTHER;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((uint32_t)status.f_type == known[i].magic)
            *ret_kind = known[i].kind;
    }
    return TRAIL_OK;
}

/* A lock of the open file description: two opens in one process exclude each other. */
static bool lock_whole(int fd, short kind)
{
    struct flock whole = { .l_type = kind, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

bool os_lock_file(int fd)
{
    return lock_whole(fd, F_WRLCK);
}

bool os_share_file(int fd)
{
    return lock_whole(fd, F_RDLCK);
}

void os_unlock_file(int fd)
{
    (void)lock_whole(fd, F_UNLCK);
}

bool os_file_is_locked(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}
