/* os_file.h -- the few things the spool asks of the file system, each with the error that it deserves.
 *
 * Thread: any.
 * Memory: allocates nothing; file descriptors returned are the caller's, all O_CLOEXEC.
 * Errors: TRAIL_EIO with the path and errno in the message; TRAIL_EFULL when the disk (or quota) is full.
 */
#ifndef TRAIL_BASE_OS_FILE_H
#define TRAIL_BASE_OS_FILE_H

#include "audittrail.h"

/* Longest path the product handles, NUL included. */
#define OS_PATH_SIZE 4096

/* Join two path parts with a slash. False: longer than OS_PATH_SIZE. */
bool os_path_join(char out[OS_PATH_SIZE], const char *directory, const char *name);

/* Make a directory of mode 0700 and its missing parents. It may exist already. */
TRAIL_MUST_CHECK enum trail_err os_make_directory(const char *path, struct trail_error *ret_error);

/* Create a file of mode 0600 that must not exist, and give it `size` bytes of real disk (a sparse file on a full
 * disk is a SIGBUS at the first store). Nothing is left behind on failure. */
TRAIL_MUST_CHECK enum trail_err os_create_file(const char *path, size_t size, int *ret_fd,
                                               struct trail_error *ret_error);

/* Give a file the name `to`, never over another's: TRAIL_EIO with EEXIST, and it keeps the old one. Where the file
 * system (overlays, FUSE, old network ones) knows no such renaming, a second name is made and the first one taken away:
 * whoever is killed in between leaves the file with both. */
TRAIL_MUST_CHECK enum trail_err os_name_file(const char *from, const char *to, struct trail_error *ret_error);

/* Make a file of mode 0600 with these bytes, or put it in the place of the one that is there: whole and on the disk, or
 * not at all. Whoever is killed in the middle of it leaves a file <path>.?????? behind. */
TRAIL_MUST_CHECK enum trail_err os_replace_file(const char *path, struct trail_text content,
                                                struct trail_error *ret_error);

/* Flush a directory, so that the names in it survive a power cut. */
TRAIL_MUST_CHECK enum trail_err os_sync_directory(const char *path, struct trail_error *ret_error);

/* Flush mapped pages to the disk. `from` and `size` are multiples of the page size. TRAIL_EIO with errno. */
TRAIL_MUST_CHECK enum trail_err os_sync_pages(void *from, size_t size, struct trail_error *ret_error);

/* Make the pages of a shared mapping writable now, so that no later store has to wait for a page fault. Best effort. */
void os_touch_pages(void *from, size_t size);

/* What a power cut leaves behind depends on the file system under `path`. */
enum os_filesystem {
    OS_FILESYSTEM_JOURNALED,
    OS_FILESYSTEM_COPY_ON_WRITE,
    OS_FILESYSTEM_NETWORK,
    OS_FILESYSTEM_MEMORY,
    OS_FILESYSTEM_OTHER
};

TRAIL_MUST_CHECK enum trail_err os_filesystem_of(const char *path, enum os_filesystem *ret_kind,
                                                 struct trail_error *ret_error);

/* Lock the whole file for this open file description, without waiting. False: someone else holds it.
 * Decides by open file description: two opens in one process exclude each other, and a forked child that closes its
 * descriptor does not unlock the parent's. */
bool os_lock_file(int fd);

/* Share the lock of the whole file with others who share it, likewise. False: someone holds it alone. */
bool os_share_file(int fd);

/* Give either of them back. */
void os_unlock_file(int fd);

/* True when someone else holds the lock that os_lock_file() or os_share_file() takes. */
bool os_file_is_locked(int fd);

#endif
