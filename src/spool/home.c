/* home.c -- a writer's directory: made and locked by its owner, taken over by others when the owner is gone. */
#include "spool/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "spool/accounts.h"

#define LOCK_FILE_NAME "lock"

/* A hidden directory this old is not being made any more: making one takes milliseconds. */
#define HALF_MADE_SECONDS_MAX 60

static enum trail_err too_long(const char *spool_dir, struct trail_error *ret_error)
{
    return error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "AUDIT_TRAIL_SPOOL_DIR=%.100s is too long a path", spool_dir);
}

static bool ends_with(const char *name, const char *end)
{
    size_t name_size = strlen(name);
    size_t end_size = strlen(end);
    return name_size >= end_size && strcmp(name + name_size - end_size, end) == 0;
}

/* The lock goes last: while it is there and locked, nobody takes the directory for an orphan. */
static void remove_contents(const char *path)
{
    DIR *list = opendir(path);
    if (list == NULL)
        return;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (ends_with(entry->d_name, ".seg") || ends_with(entry->d_name, ".seg" SEGMENT_MAKING_SUFFIX) ||
            strcmp(entry->d_name, ACCOUNTS_FILE_NAME) == 0)
            (void)unlinkat(dirfd(list), entry->d_name, 0);
    }
    (void)unlinkat(dirfd(list), LOCK_FILE_NAME, 0);
    closedir(list);
    (void)rmdir(path);
}

/* Make the hidden directory and the locked file in it. */
static enum trail_err make_hidden(const char *hidden, int *ret_lock_fd, struct trail_error *ret_error)
{
    char lock_path[OS_PATH_SIZE];
    int  lock_fd = -1;

    if (!os_path_join(lock_path, hidden, LOCK_FILE_NAME))
        return too_long(hidden, ret_error);
    enum trail_err err = os_make_directory(hidden, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = os_create_file(lock_path, 0, &lock_fd, ret_error);
    if (err != TRAIL_OK)
        return err;
    if (!os_lock_file(lock_fd)) {
        int failed = errno;
        close(lock_fd);
        return error_set_sys(ret_error, TRAIL_EIO, failed, "cannot lock %s", lock_path);
    }
    *ret_lock_fd = lock_fd;
    return TRAIL_OK;
}

enum trail_err home_create(struct home *home, const char *spool_dir, const struct uuid *writer,
                           struct trail_error *ret_error)
{
    char name[UUID_TEXT_SIZE + 1] = ".";
    char hidden[OS_PATH_SIZE];
    int  lock_fd = -1;

    *home = (struct home){ .writer = *writer, .lock_fd = -1 };
    uuid_format(writer, name + 1);
    if (!os_path_join(hidden, spool_dir, name) || !os_path_join(home->path, spool_dir, name + 1))
        return too_long(spool_dir, ret_error);

    const char    *made = hidden;
    enum trail_err err = os_make_directory(spool_dir, ret_error);
    if (err == TRAIL_OK)
        err = make_hidden(hidden, &lock_fd, ret_error);
    if (err == TRAIL_OK && rename(hidden, home->path) != 0)
        err = error_set_sys(ret_error, TRAIL_EIO, errno, "cannot rename %s", hidden);
    else if (err == TRAIL_OK)
        made = home->path;
    if (err == TRAIL_OK)
        err = os_sync_directory(spool_dir, ret_error);
    if (err != TRAIL_OK) {
        remove_contents(made);
        if (lock_fd >= 0)
            close(lock_fd);
        return err;
    }
    home->lock_fd = lock_fd;
    return TRAIL_OK;
}

enum trail_err home_claim(struct home *home, const char *spool_dir, const struct uuid *writer,
                          struct trail_error *ret_error)
{
    char        name[UUID_TEXT_SIZE];
    char        lock_path[OS_PATH_SIZE];
    struct stat opened;
    struct stat named;

    *home = (struct home){ .writer = *writer, .lock_fd = -1 };
    uuid_format(writer, name);
    if (!os_path_join(home->path, spool_dir, name) || !os_path_join(lock_path, home->path, LOCK_FILE_NAME))
        return too_long(spool_dir, ret_error);

    int fd = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        int failed = errno;
        if (failed == ENOENT)
            (void)rmdir(home->path); /* Whoever emptied it died before this last step. Fails unless it is empty. */
        return error_set_sys(ret_error, failed == ENOENT ? TRAIL_ENOTFOUND : TRAIL_EIO, failed, "cannot open %s",
                             lock_path);
    }
    if (!os_lock_file(fd)) {
        close(fd);
        return error_set(ret_error, TRAIL_ELOCKED, 0, "%s belongs to a living process", home->path);
    }
    /* Between our open and our lock another process may have emptied and removed it. */
    if (fstat(fd, &opened) != 0 || stat(lock_path, &named) != 0 || opened.st_ino != named.st_ino ||
        opened.st_dev != named.st_dev) {
        close(fd);
        return error_set(ret_error, TRAIL_ENOTFOUND, 0, "%s was taken over by another process", home->path);
    }
    home->lock_fd = fd;
    return TRAIL_OK;
}

bool home_is_owned(const char *path)
{
    char lock_path[OS_PATH_SIZE];
    if (!os_path_join(lock_path, path, LOCK_FILE_NAME))
        return false;
    int fd = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool owned = os_file_is_locked(fd);
    close(fd);
    return owned;
}

void home_release(struct home *home)
{
    if (home == NULL)
        return;
    if (home->lock_fd >= 0)
        close(home->lock_fd);
    home->lock_fd = -1;
}

void home_remove(struct home *home)
{
    if (home == NULL || home->lock_fd < 0)
        return;
    remove_contents(home->path);
    home_release(home);
}

enum trail_err home_list(const char *spool_dir, DIR **ret_list, struct trail_error *ret_error)
{
    DIR *list = opendir(spool_dir);
    if (list == NULL)
        return error_set_sys(ret_error, errno == ENOENT ? TRAIL_ENOTFOUND : TRAIL_EIO, errno, "cannot list %s",
                             spool_dir);
    *ret_list = list;
    return TRAIL_OK;
}

/* A process died while it made this directory: nothing can be in it yet. */
static void remove_half_made(DIR *list, const char *name)
{
    struct stat status;
    char        path[OS_PATH_SIZE];

    if (fstatat(dirfd(list), name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode) ||
        time(NULL) - status.st_mtime < HALF_MADE_SECONDS_MAX)
        return;
    if (snprintf(path, sizeof path, "%s/" LOCK_FILE_NAME, name) < (int)sizeof path)
        (void)unlinkat(dirfd(list), path, 0);
    (void)unlinkat(dirfd(list), name, AT_REMOVEDIR);
}

bool home_next(DIR *list, struct uuid *ret_writer)
{
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        struct uuid writer;
        if (uuid_parse(trail_str(entry->d_name), &writer)) {
            *ret_writer = writer;
            return true;
        }
        if (entry->d_name[0] == '.' && uuid_parse(trail_str(entry->d_name + 1), &writer))
            remove_half_made(list, entry->d_name);
    }
    return false;
}
