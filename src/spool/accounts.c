/* accounts.c -- counts what was refused, in a mapped file. */
#include "spool/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/os_file.h"

#define ACCOUNTS_FILE_SIZE (SPOOL_PAGE_SIZE + THREAD_SLOT_COUNT * sizeof(struct accounts_slot))

static enum trail_err map_accounts(struct accounts *accounts, int fd, int protection, struct trail_error *ret_error)
{
    void *map = mmap(NULL, ACCOUNTS_FILE_SIZE, protection, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot map the spool's accounts");
    accounts->map = map;
    accounts->map_size = ACCOUNTS_FILE_SIZE;
    accounts->slots = (struct accounts_slot *)(void *)(accounts->map + SPOOL_PAGE_SIZE);
    return TRAIL_OK;
}

enum trail_err accounts_create(struct accounts *accounts, const char *directory, const struct spool_identity *identity,
                               struct trail_error *ret_error)
{
    char path[OS_PATH_SIZE];
    int  fd = -1;

    *accounts = (struct accounts){ 0 };
    if (!os_path_join(path, directory, ACCOUNTS_FILE_NAME))
        return error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "the path of %s is too long", directory);
    enum trail_err err = os_create_file(path, ACCOUNTS_FILE_SIZE, &fd, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = map_accounts(accounts, fd, PROT_READ | PROT_WRITE, ret_error);
    close(fd);
    if (err != TRAIL_OK) {
        unlink(path);
        return err;
    }

    struct accounts_header header = {
        .version = SPOOL_VERSION,
        .slot_count = THREAD_SLOT_COUNT,
        .identity = *identity,
    };
    memcpy(header.magic, SPOOL_ACCOUNTS_MAGIC, sizeof header.magic);
    header.crc = crc32c(0, &header, offsetof(struct accounts_header, crc));
    memcpy(accounts->map, &header, sizeof header);
    os_touch_pages(accounts->map, accounts->map_size);
    return TRAIL_OK;
}

static enum trail_err check_header(const struct accounts *accounts, const char *path,
                                   struct spool_identity *ret_identity, struct trail_error *ret_error)
{
    struct accounts_header header;
    memcpy(&header, accounts->map, sizeof header);
    if (memcmp(header.magic, SPOOL_ACCOUNTS_MAGIC, sizeof header.magic) != 0 || header.version != SPOOL_VERSION ||
        header.slot_count != THREAD_SLOT_COUNT ||
        header.crc != crc32c(0, &header, offsetof(struct accounts_header, crc)))
        return error_set(ret_error, TRAIL_ECORRUPT, 0, "%s has no valid header", path);
    *ret_identity = header.identity;
    return TRAIL_OK;
}

enum trail_err accounts_open(struct accounts *accounts, const char *directory, struct spool_identity *ret_identity,
                             struct trail_error *ret_error)
{
    char        path[OS_PATH_SIZE];
    struct stat status;

    *accounts = (struct accounts){ 0 };
    if (!os_path_join(path, directory, ACCOUNTS_FILE_NAME))
        return error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "the path of %s is too long", directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set_sys(ret_error, errno == ENOENT ? TRAIL_ENOTFOUND : TRAIL_EIO, errno, "cannot open %s", path);

    enum trail_err err = TRAIL_OK;
    if (fstat(fd, &status) != 0 || (size_t)status.st_size < ACCOUNTS_FILE_SIZE)
        err = error_set(ret_error, TRAIL_ECORRUPT, 0, "%s is cut short", path);
    else
        err = map_accounts(accounts, fd, PROT_READ, ret_error);
    close(fd);
    if (err == TRAIL_OK)
        err = check_header(accounts, path, ret_identity, ret_error);
    if (err != TRAIL_OK)
        accounts_close(accounts);
    return err;
}

void accounts_close(struct accounts *accounts)
{
    if (accounts == NULL || accounts->map == NULL)
        return;
    munmap(accounts->map, accounts->map_size);
    *accounts = (struct accounts){ 0 };
}

void accounts_total(const struct accounts *accounts, struct trail_account *totals, uint64_t *unclassified)
{
    for (unsigned slot = 0; slot < THREAD_SLOT_COUNT && accounts->slots != NULL; slot++) {
        struct accounts_slot *from = &accounts->slots[slot];
        for (size_t operation = 0; operation < TRAIL_OPERATION_COUNT; operation++) {
            uint64_t *refused = from->refused[operation];
            totals[operation].level += __atomic_load_n(&refused[ACCOUNT_LEVEL], __ATOMIC_RELAXED);
            totals[operation].excluded += __atomic_load_n(&refused[ACCOUNT_EXCLUDED], __ATOMIC_RELAXED);
            totals[operation].sampled += __atomic_load_n(&refused[ACCOUNT_SAMPLED], __ATOMIC_RELAXED);
            totals[operation].rejected += __atomic_load_n(&refused[ACCOUNT_REJECTED], __ATOMIC_RELAXED);
            totals[operation].dropped += __atomic_load_n(&refused[ACCOUNT_DROPPED], __ATOMIC_RELAXED);
        }
        *unclassified += __atomic_load_n(&from->unclassified, __ATOMIC_RELAXED);
    }
}
