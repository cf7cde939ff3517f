/* follow.c -- reads a spool that its owner goes on writing, segment after segment, as an onlooker.
 *
 * The happy path is: the frames of the newest segment, as they are published, until a segment with a higher number has
 * a header; from then on the one before it is final.
 *
 * Possible failure modes are:
 *
 * - A header is being written at this moment, or the segment is unlinked between our finding and our opening it: it is
 *   passed over for now, and tried once more before a later segment is believed to follow.
 * - A segment stays unreadable (damaged, of a newer format): a later one follows, and the jump in seq is a gap.
 */
#include "spool/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void follow_init(struct follow *follow, const char *path)
{
    *follow = (struct follow){ 0 };
    snprintf(follow->path, sizeof follow->path, "%s", path);
}

/* The smallest segment number above `after`. False: there is none. */
static bool find_number(struct follow *follow, uint32_t after, uint32_t *ret_number)
{
    bool     found = false;
    uint32_t number = 0;
    DIR     *list = opendir(follow->path);
    if (list == NULL) {
        follow->gone = errno == ENOENT;
        return false;
    }
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (!segment_number_of(entry->d_name, &number) || number <= after || (found && number >= *ret_number))
            continue;
        *ret_number = number;
        found = true;
    }
    closedir(list);
    return found;
}

/* True when the file begins with anything but zeros: a prepared segment would be searched to its end otherwise, for
 * nothing, at every look. */
static bool is_begun(const char *path)
{
    static const char nothing[sizeof SPOOL_MAGIC - 1] = { 0 };
    char              magic[sizeof nothing];
    int               fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    ssize_t got = pread(fd, magic, sizeof magic, 0);
    close(fd);
    return got == (ssize_t)sizeof magic && memcmp(magic, nothing, sizeof magic) != 0;
}

static struct segment *try_open(const struct follow *follow, uint32_t number, struct segment_header *ret_header)
{
    char            name[32];
    char            path[OS_PATH_SIZE];
    struct segment *segment = NULL;

    snprintf(name, sizeof name, "%08u.seg", number);
    if (!os_path_join(path, follow->path, name) || !is_begun(path) ||
        segment_open(&segment, path, ret_header, NULL) != TRAIL_OK)
        return NULL;
    return segment;
}

/* The segment that follows the newest one we know, opened; NULL: none yet. */
static struct segment *find_segment(struct follow *follow, struct segment_header *ret_header, uint32_t *ret_number)
{
    struct segment *segment = NULL;
    uint32_t        number = follow->last_number;
    uint32_t        passed = 0;

    while (segment == NULL && find_number(follow, number, &number)) {
        segment = try_open(follow, number, ret_header);
        if (segment == NULL && passed == 0)
            passed = number;
    }
    if (segment != NULL && passed != 0) {
        struct segment_header header;
        struct segment       *earlier = try_open(follow, passed, &header);
        if (earlier != NULL) {
            segment_free(segment);
            segment = earlier;
            number = passed;
            *ret_header = header;
        }
    }
    *ret_number = number;
    return segment;
}

/* Link the segment that follows. False: there is none yet. */
static bool open_next(struct follow *follow)
{
    struct segment_header header;
    uint32_t              number = 0;
    struct segment       *segment = find_segment(follow, &header, &number);
    if (segment == NULL)
        return false;

    segment->sealed = false; /* Its owner may go on appending to it. */
    if (follow->last != NULL) {
        /* An owner seals a segment before it writes the header of the next. */
        follow->last->next = segment;
        follow->last->sealed = true;
    } else {
        follow->first = segment;
    }
    follow->last = segment;
    follow->last_number = number;
    follow->identity = header.identity;
    return true;
}

bool follow_open(struct follow *follow)
{
    return follow->last != NULL || open_next(follow);
}

void follow_start(struct follow *follow, uint64_t next_seq)
{
    reader_init(&follow->reader, follow->first, next_seq != 0 ? next_seq : follow->first->base_seq);
}

enum reader_result follow_next(struct follow *follow, struct frame *ret_frame, struct reader_gap *ret_gap)
{
    enum reader_result result;
    do {
        result = reader_next(&follow->reader, ret_frame, ret_gap);
    } while (result == READER_END && open_next(follow));
    return result;
}

void follow_release(struct follow *follow)
{
    while (follow->first != NULL && follow->first != follow->reader.segment) {
        struct segment *next = segment_next(follow->first);
        if (next == NULL)
            return; /* Opened and not started. */
        segment_free(follow->first);
        follow->first = next;
    }
}

void follow_done(struct follow *follow)
{
    while (follow->first != NULL) {
        struct segment *next = segment_next(follow->first);
        segment_free(follow->first);
        follow->first = next;
    }
    follow->last = NULL;
}
