/* sampling_key.c -- the secret on which it hangs which correlation ids sampling keeps.
 *
 * The happy path is: the file is there and is read. The first process of a deployment makes it. Possible failure modes:
 *
 * - Two processes make it at once: renaming refuses to replace, so the later one drops its own and reads the other's.
 * - A process dies while it makes one: a hidden file is left behind, and the next process makes another.
 * - The file is short, long, a pipe, a link to nothing, or not ours to read: told, and left as it is.
 */
#include "policy/sampling_key.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/os_file.h"

_Static_assert(sizeof(struct hash_key) == 16, "on disk");

/* Taken when we rename and gone when we open, over and over: a link to nothing, or someone who deletes keys. */
#define ATTEMPTS_MAX 8

static enum trail_err read_key(int fd, const char *path, struct hash_key *ret_key, struct trail_error *ret_error)
{
    /* One byte more than a key has, to see that it ends there. */
    uint8_t bytes[SAMPLING_KEY_SIZE + 1];
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    if (size < 0)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot read %s", path);
    if ((size_t)size != SAMPLING_KEY_SIZE)
        return error_set(ret_error, TRAIL_ECORRUPT, 0, "%s has %s than the %zu bytes of a key", path,
                         (size_t)size < SAMPLING_KEY_SIZE ? "less" : "more", SAMPLING_KEY_SIZE);
    memcpy(ret_key, bytes, SAMPLING_KEY_SIZE);
    return TRAIL_OK;
}

/* TRAIL_ENOTFOUND: there is none yet. */
static enum trail_err open_key(const char *path, struct hash_key *ret_key, struct trail_error *ret_error)
{
    /* A link is followed: that is how a secret is mounted into a container. Nobody waits for who writes to a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return TRAIL_ENOTFOUND;
    if (fd < 0)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot open %s", path);
    enum trail_err err = read_key(fd, path, ret_key, ret_error);
    close(fd);
    return err;
}

static enum trail_err write_key(int fd, const char *path, struct trail_error *ret_error)
{
    struct hash_key key;
    if (hash_key_random(&key) != TRAIL_OK)
        return error_set(ret_error, TRAIL_EIO, 0, "the system has no randomness to give for %s", path);
    errno = ENOSPC; /* Of a write that is cut short. */
    if (write(fd, &key, sizeof key) != (ssize_t)sizeof key || fsync(fd) != 0)
        return error_set_sys(ret_error, errno == ENOSPC || errno == EDQUOT ? TRAIL_EFULL : TRAIL_EIO, errno,
                             "cannot write %s", path);
    return TRAIL_OK;
}

/* Put a new key under `path` unless there is one by now. */
static enum trail_err make_key(const char *directory, const char *path, struct trail_error *ret_error)
{
    char            name[64];
    char            temporary[OS_PATH_SIZE];
    struct hash_key unique;
    int             fd = -1;

    if (hash_key_random(&unique) != TRAIL_OK)
        return error_set(ret_error, TRAIL_EIO, 0, "the system has no randomness to give for %s", path);
    snprintf(name, sizeof name, "." SAMPLING_KEY_FILE_NAME ".%016" PRIx64, unique.k0);
    if (!os_path_join(temporary, directory, name))
        return error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "the path of the state directory is too long");

    enum trail_err err = os_create_file(temporary, 0, &fd, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = write_key(fd, temporary, ret_error);
    close(fd);
    struct trail_error naming = { .code = err };
    if (err == TRAIL_OK)
        err = os_name_file(temporary, path, &naming);
    if (err == TRAIL_OK) {
        /* Should the name be lost in a power cut, the next process makes another key: no reason to do without this. */
        (void)!os_sync_directory(directory, NULL);
        return TRAIL_OK;
    }
    if (naming.sys_errno == EEXIST)
        err = TRAIL_OK; /* Another's is there, and as good. */
    else if (naming.sys_errno != 0 && ret_error != NULL)
        *ret_error = naming;
    unlink(temporary);
    return err;
}

enum trail_err sampling_key_load(const char *state_dir, struct hash_key *ret_key, struct trail_error *ret_error)
{
    char path[OS_PATH_SIZE];

    if (state_dir[0] == '\0')
        return error_set(ret_error, TRAIL_EIO, 0, "there is no AUDIT_TRAIL_STATE_DIR to keep %s in",
                         SAMPLING_KEY_FILE_NAME);
    if (!os_path_join(path, state_dir, SAMPLING_KEY_FILE_NAME))
        return error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "the path of the state directory is too long");

    enum trail_err err = open_key(path, ret_key, ret_error);
    if (err == TRAIL_ENOTFOUND && os_make_directory(state_dir, ret_error) != TRAIL_OK)
        return TRAIL_EIO;
    for (int i = 0; err == TRAIL_ENOTFOUND && i < ATTEMPTS_MAX; i++) {
        err = make_key(state_dir, path, ret_error);
        if (err == TRAIL_OK)
            err = open_key(path, ret_key, ret_error);
    }
    if (err == TRAIL_ENOTFOUND)
        return error_set(ret_error, TRAIL_EIO, 0, "%s can neither be made nor opened: is it a link to nothing?", path);
    return err;
}
