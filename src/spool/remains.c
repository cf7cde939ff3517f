/* remains.c -- what a dead process left in its spool. */
#include "spool/remains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"

/* More segments than the largest spool limit allows (1 TiB of 2 MiB) are not listed. */
#define REMAINS_SEGMENTS_MAX (512u * 1024)

#define QUARANTINE_SUFFIX ".quarantine"

struct number_list {
    uint32_t *numbers;
    size_t    count;
    size_t    capacity;
};

static bool add_number(struct number_list *list, uint32_t number)
{
    if (list->count == list->capacity) {
        size_t    capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        uint32_t *numbers = realloc(list->numbers, capacity * sizeof *numbers);
        if (numbers == NULL)
            return false;
        list->numbers = numbers;
        list->capacity = capacity;
    }
    list->numbers[list->count++] = number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* "00000012.seg.quarantine" is 12. */
static bool quarantined_number(const char *name, uint32_t *ret_number)
{
    char     rest[24] = "";
    unsigned number = 0;
    if (sscanf(name, "%8u%23s", &number, rest) != 2 || strcmp(rest, ".seg" QUARANTINE_SUFFIX) != 0)
        return false;
    *ret_number = number;
    return true;
}

static void note_quarantined(struct remains *remains, uint32_t number)
{
    remains->quarantined++;
    if (number > remains->quarantined_last)
        remains->quarantined_last = number;
}

static enum trail_err list_segments(struct remains *remains, struct number_list *ret_list,
                                    struct trail_error *ret_error)
{
    DIR           *directory = NULL;
    uint32_t       number = 0;
    enum trail_err err = home_list(remains->home.path, &directory, ret_error);
    if (err != TRAIL_OK)
        return err;

    for (struct dirent *entry = readdir(directory); entry != NULL && err == TRAIL_OK; entry = readdir(directory)) {
        if (quarantined_number(entry->d_name, &number))
            note_quarantined(remains, number);
        if (segment_number_of(entry->d_name, &number) && ret_list->count < REMAINS_SEGMENTS_MAX &&
            !add_number(ret_list, number))
            err = error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the segments of %s", remains->home.path);
    }
    closedir(directory);
    if (ret_list->count > 0)
        qsort(ret_list->numbers, ret_list->count, sizeof *ret_list->numbers, compare_numbers);
    return err;
}

static void set_aside(struct remains *remains, uint32_t number, const char *path)
{
    char aside[OS_PATH_SIZE + 16];
    snprintf(aside, sizeof aside, "%s" QUARANTINE_SUFFIX, path);
    if (rename(path, aside) == 0)
        note_quarantined(remains, number);
}

/* Open one segment; *ret_segment stays NULL when there is nothing to read in it. */
static enum trail_err open_one(struct remains *remains, uint32_t number, enum remains_mode mode,
                               struct segment **ret_segment, struct trail_error *ret_error)
{
    char                  name[32];
    char                  path[OS_PATH_SIZE];
    struct stat           status;
    struct segment_header header;

    snprintf(name, sizeof name, "%08u.seg", number);
    if (!os_path_join(path, remains->home.path, name))
        return TRAIL_OK;
    if (stat(path, &status) == 0)
        remains->disk_bytes += (uint64_t)status.st_size;

    enum trail_err err = segment_open(ret_segment, path, &header, ret_error);
    if (err == TRAIL_OK) {
        remains->identity = header.identity;
        remains->has_identity = true;
        remains->last_number = number;
    } else if (err != TRAIL_ENOTFOUND) {
        remains->unreadable = true;
        if (err == TRAIL_ECORRUPT && mode == REMAINS_TAKE)
            set_aside(remains, number, path);
    }
    /* Nothing in it, damaged, or of a newer format: what it may have held shows as a gap. Only a lack of means to look
     * at it is a reason to try again later. */
    return err == TRAIL_ENOMEM || err == TRAIL_EIO || err == TRAIL_EVERSION ? err : TRAIL_OK;
}

static enum trail_err open_segments(struct remains *remains, enum remains_mode mode, struct trail_error *ret_error)
{
    struct number_list list = { 0 };
    struct segment    *last = NULL;

    enum trail_err err = list_segments(remains, &list, ret_error);
    for (size_t i = 0; i < list.count && err == TRAIL_OK; i++) {
        struct segment *segment = NULL;
        err = open_one(remains, list.numbers[i], mode, &segment, ret_error);
        if (segment == NULL)
            continue;
        if (last == NULL)
            remains->first = segment;
        else
            __atomic_store_n(&last->next, segment, __ATOMIC_RELEASE);
        last = segment;
    }
    /* A living owner goes on appending to its newest segment. */
    if (last != NULL && mode == REMAINS_LOOK)
        last->sealed = false;
    free(list.numbers);
    return err;
}

enum trail_err remains_open(struct remains *remains, const struct home *home, enum remains_mode mode,
                            struct trail_error *ret_error)
{
    *remains = (struct remains){ .home = *home };

    struct spool_identity identity;
    enum trail_err        err = accounts_open(&remains->accounts, home->path, &identity, NULL);
    if (err == TRAIL_OK) {
        remains->identity = identity;
        remains->has_identity = true;
    }
    err = open_segments(remains, mode, ret_error);
    if (err != TRAIL_OK)
        remains_close(remains);
    return err;
}

static void free_segments(struct remains *remains)
{
    struct segment *segment = remains->first;
    while (segment != NULL) {
        struct segment *next = segment_next(segment);
        segment_free(segment);
        segment = next;
    }
    remains->first = NULL;
}

void remains_close(struct remains *remains)
{
    if (remains == NULL)
        return;
    free_segments(remains);
    accounts_close(&remains->accounts);
    home_release(&remains->home);
}

void remains_remove(struct remains *remains)
{
    free_segments(remains);
    accounts_close(&remains->accounts);
    home_remove(&remains->home);
}

bool remains_are_unused(const struct remains *remains)
{
    return !remains->has_identity && !remains->unreadable && remains->quarantined == 0;
}

bool remains_belong_to(const struct remains *remains, const struct uuid *store, const struct uuid *url_hash)
{
    const struct spool_identity *identity = &remains->identity;
    if (!remains->has_identity)
        return false;
    if (identity->destination_kind == SPOOL_DESTINATION_STORE)
        return uuid_equal(&identity->destination, store);
    return identity->destination_kind == SPOOL_DESTINATION_URL && uuid_equal(&identity->destination, url_hash);
}
