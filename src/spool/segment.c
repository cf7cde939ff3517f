/* segment.c -- one mapped file of frames. */
#include "spool/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/err.h"

static enum trail_err map_file(struct segment *segment, int fd, size_t size, int protection,
                               struct trail_error *ret_error)
{
    void *map = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot map %s", segment->path);
    segment->area.map = map;
    segment->area.size = size;
    return TRAIL_OK;
}

static enum trail_err draw_nonce(uint64_t *ret_nonce, struct trail_error *ret_error)
{
    if (getrandom(ret_nonce, sizeof *ret_nonce, 0) != (ssize_t)sizeof *ret_nonce)
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot draw a random nonce");
    return TRAIL_OK;
}

/* Reserve the disk space under another name, so that a file that is named like a segment is one: a maker that dies over
 * it leaves nothing that could be taken for a damaged one, and what it leaves goes with the directory. */
static enum trail_err make_file(struct segment *segment, size_t size, struct trail_error *ret_error)
{
    char making[OS_PATH_SIZE + sizeof SEGMENT_MAKING_SUFFIX];
    int  fd = -1;

    snprintf(making, sizeof making, "%s" SEGMENT_MAKING_SUFFIX, segment->path);
    enum trail_err err = os_create_file(making, size, &fd, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = map_file(segment, fd, size, PROT_READ | PROT_WRITE, ret_error);
    if (err == TRAIL_OK && fsync(fd) != 0)
        err = error_set_sys(ret_error, TRAIL_EIO, errno, "cannot sync %s", segment->path);
    if (err == TRAIL_OK)
        err = os_name_file(making, segment->path, ret_error);
    if (err != TRAIL_OK)
        unlink(making);
    close(fd);
    return err;
}

enum trail_err segment_create(struct segment **ret_segment, const char *directory, uint32_t number, size_t size,
                              struct trail_error *ret_error)
{
    char name[32];

    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a segment");
    segment->number = number;
    segment->tail = SPOOL_PAGE_SIZE;
    snprintf(name, sizeof name, "%08u.seg", number);

    enum trail_err err = TRAIL_EIO;
    if (!os_path_join(segment->path, directory, name)) {
        error_set(ret_error, TRAIL_EIO, ENAMETOOLONG, "the path of a segment in %s is too long", directory);
        goto fail;
    }
    if ((err = draw_nonce(&segment->area.nonce, ret_error)) != TRAIL_OK)
        goto fail;
    if ((err = make_file(segment, size, ret_error)) != TRAIL_OK)
        goto fail;
    if ((err = os_sync_directory(directory, ret_error)) != TRAIL_OK) {
        unlink(segment->path);
        goto fail;
    }
    os_touch_pages(segment->area.map, size < SEGMENT_TOUCHED_BYTES ? size : SEGMENT_TOUCHED_BYTES);
    *ret_segment = segment;
    return TRAIL_OK;

fail:
    segment_free(segment);
    return err;
}

void segment_activate(struct segment *segment, const struct spool_identity *identity, uint64_t base_seq, int64_t now_us)
{
    struct segment_header header = {
        .version = SPOOL_VERSION,
        .number = segment->number,
        .size = segment->area.size,
        .base_seq = base_seq,
        .nonce = segment->area.nonce,
        .created_us = now_us,
        .identity = *identity,
    };
    memcpy(header.magic, SPOOL_MAGIC, sizeof header.magic);
    header.crc = crc32c(0, &header, offsetof(struct segment_header, crc));
    memcpy(segment->area.map, &header, sizeof header);
    segment->base_seq = base_seq;
    segment->last_seq = base_seq - 1;
}

static bool is_all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static enum trail_err check_header(const struct segment *segment, const struct segment_header *header,
                                   struct trail_error *ret_error)
{
    if (is_all_zero(segment->area.map, segment->area.size))
        return error_set(ret_error, TRAIL_ENOTFOUND, 0, "%s was never used", segment->path);
    if (memcmp(header->magic, SPOOL_MAGIC, sizeof header->magic) != 0 ||
        header->crc != crc32c(0, header, offsetof(struct segment_header, crc)))
        return error_set(ret_error, TRAIL_ECORRUPT, 0, "%s has no valid header", segment->path);
    if (header->version != SPOOL_VERSION || (header->incompatible & ~SPOOL_INCOMPATIBLE_KNOWN) != 0)
        return error_set(ret_error, TRAIL_EVERSION, 0, "%s has format version %u, features 0x%x; known is version %d",
                         segment->path, header->version, header->incompatible, SPOOL_VERSION);
    if (header->base_seq == 0 || header->base_seq > FRAME_SEQ_MAX)
        return error_set(ret_error, TRAIL_ECORRUPT, 0, "%s begins with an impossible number", segment->path);
    return TRAIL_OK;
}

enum trail_err segment_open(struct segment **ret_segment, const char *path, struct segment_header *ret_header,
                            struct trail_error *ret_error)
{
    struct stat    status;
    enum trail_err err = TRAIL_EIO;
    int            fd = -1;

    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a segment");
    snprintf(segment->path, sizeof segment->path, "%s", path);

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0) {
        err = errno == ENOENT ? TRAIL_ENOTFOUND : TRAIL_EIO;
        error_set_sys(ret_error, err, errno, "cannot open %s", path);
        goto fail;
    }
    if (status.st_size < SPOOL_PAGE_SIZE) {
        err = error_set(ret_error, TRAIL_ECORRUPT, 0, "%s has %lld bytes, less than its header", path,
                        (long long)status.st_size);
        goto fail;
    }
    if ((err = map_file(segment, fd, (size_t)status.st_size, PROT_READ, ret_error)) != TRAIL_OK)
        goto fail;
    struct segment_header header;
    memcpy(&header, segment->area.map, sizeof header);
    if ((err = check_header(segment, &header, ret_error)) != TRAIL_OK)
        goto fail;
    close(fd);

    segment->area.nonce = header.nonce;
    segment->base_seq = header.base_seq;
    segment->number = header.number;
    segment->sealed = true;
    segment->cut_short = segment->area.size < header.size;
    *ret_header = header;
    *ret_segment = segment;
    return TRAIL_OK;

fail:
    if (fd >= 0)
        close(fd);
    segment_free(segment);
    return err;
}

bool segment_number_of(const char *name, uint32_t *ret_number)
{
    char     rest[16] = "";
    unsigned number = 0;
    if (strlen(name) != 12 || sscanf(name, "%8u%15s", &number, rest) != 2 || strcmp(rest, ".seg") != 0)
        return false;
    *ret_number = number;
    return true;
}

void segment_unlink(const struct segment *segment)
{
    unlink(segment->path);
}

void segment_free(struct segment *segment)
{
    if (segment == NULL)
        return;
    if (segment->area.map != NULL)
        munmap(segment->area.map, segment->area.size);
    free(segment);
}
