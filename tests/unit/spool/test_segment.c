/* test_segment.c -- a segment is whole on the disk before it is used, and is opened only when its header can be
 * trusted.
 *
 * Goal:   creation leaves a usable file or nothing; every damaged header is told from one of a newer format.
 * Method: headers are damaged byte by byte, or changed and given a right checksum; each system call fails in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "support/fault.h"
#include "support/image.h"
#include "support/temp_dir.h"

static struct fault    mmap_fault;
static struct fault    fsync_fault;
static struct fault    fallocate_fault;
static struct fault    renameat2_fault;
static struct temp_dir dir;

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int   __real_fsync(int fd);
int   __wrap_fsync(int fd);
int   __real_posix_fallocate(int fd, off_t offset, off_t size);
int   __wrap_posix_fallocate(int fd, off_t offset, off_t size);

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (!fault_strikes(&mmap_fault))
        return __real_mmap(at, size, protection, flags, fd, offset);
    errno = mmap_fault.error;
    return MAP_FAILED;
}

int __wrap_fsync(int fd)
{
    if (!fault_strikes(&fsync_fault))
        return __real_fsync(fd);
    errno = fsync_fault.error;
    return -1;
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    return fault_strikes(&fallocate_fault) ? fallocate_fault.error : __real_posix_fallocate(fd, offset, size);
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (!fault_strikes(&renameat2_fault))
        return __real_renameat2(from_fd, from, to_fd, to, flags);
    errno = renameat2_fault.error;
    return -1;
}

static int set_up(void **state)
{
    (void)state;
    fault_arm(&mmap_fault, 0, 0, 0);
    fault_arm(&fsync_fault, 0, 0, 0);
    fault_arm(&fallocate_fault, 0, 0, 0);
    fault_arm(&renameat2_fault, 0, 0, 0);
    temp_dir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

/* Open <dir>/00000001.seg. */
static enum trail_err try_open(void)
{
    struct segment       *segment = NULL;
    struct segment_header header;
    enum trail_err        err = segment_open(&segment, temp_dir_at(&dir, "00000001.seg"), &header, NULL);
    segment_free(segment);
    return err;
}

static void what_one_process_writes_another_reads(void **state)
{
    (void)state;
    struct segment       *written = image_make(dir.path, 1, 5);
    struct segment       *opened = NULL;
    struct segment_header header;
    image_put(written, 5, 7);

    assert_int_equal(segment_open(&opened, written->path, &header, NULL), TRAIL_OK);
    assert_int_equal(opened->base_seq, 5);
    assert_int_equal(opened->number, 1);
    assert_true(segment_is_sealed(opened));
    assert_int_equal(header.identity.pid, 4711);
    assert_string_equal(image_read_from(opened, 1), "[1-4] 5 6 7");
    segment_free(opened);
    segment_unlink(written);
    assert_false(temp_dir_exists(written->path));
    segment_free(written);
}

static void a_segment_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    struct {
        struct fault  *fault;
        unsigned       skip;
        int            sys_errno;
        enum trail_err expected;
    } cases[] = {
        { &fallocate_fault, 0, ENOSPC, TRAIL_EFULL }, { &fallocate_fault, 0, EIO, TRAIL_EIO },
        { &mmap_fault, 0, ENOMEM, TRAIL_EIO },        { &fsync_fault, 0, EIO, TRAIL_EIO },
        { &fsync_fault, 1, EIO, TRAIL_EIO }, /* Of the directory. */
        { &renameat2_fault, 0, EACCES, TRAIL_EIO },
    };
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct segment *segment = NULL;
        fault_arm(cases[i].fault, cases[i].skip, 1, cases[i].sys_errno);
        assert_int_equal(segment_create(&segment, dir.path, 1, IMAGE_SIZE, NULL), cases[i].expected);
        assert_int_equal(fault_struck(cases[i].fault), 1);
        assert_null(segment);
        assert_int_equal(temp_dir_count(dir.path), 0);
    }
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(after, before); /* No descriptor leaked. */
    close(after);
    struct segment *segment = image_make(dir.path, 1, 1); /* The control. */
    segment_free(segment);
}

static void an_existing_file_is_never_overwritten(void **state)
{
    (void)state;
    struct segment *first = image_make(dir.path, 1, 1);
    struct segment *second = NULL;
    image_put(first, 1, 3);
    assert_int_equal(segment_create(&second, dir.path, 1, IMAGE_SIZE, NULL), TRAIL_EIO);
    assert_int_equal(try_open(), TRAIL_OK);
    segment_free(first);
}

static void a_segment_that_cannot_be_named_leaves_nothing(void **state)
{
    (void)state;
    struct segment *segment = NULL;
    fault_arm(&renameat2_fault, 0, 1, EACCES);
    assert_int_equal(segment_create(&segment, dir.path, 1, IMAGE_SIZE, NULL), TRAIL_EIO);
    assert_int_equal(fault_struck(&renameat2_fault), 1);
    assert_null(segment);
    assert_int_equal(temp_dir_count(dir.path), 0);
    assert_int_equal(segment_create(&segment, dir.path, 1, IMAGE_SIZE, NULL), TRAIL_OK); /* The control. */
    assert_int_equal(temp_dir_count(dir.path), 1); /* Not under its first name too. */
    segment_free(segment);
}

static void every_damaged_byte_of_a_header_is_noticed(void **state)
{
    (void)state;
    struct segment *segment = image_make(dir.path, 1, 1);
    image_put(segment, 1, 1);
    for (size_t i = 0; i < sizeof(struct segment_header); i++) {
        segment->area.map[i] ^= 0x10;
        assert_int_equal(try_open(), TRAIL_ECORRUPT);
        segment->area.map[i] ^= 0x10;
    }
    assert_int_equal(try_open(), TRAIL_OK);
    segment_free(segment);
}

/* Change the header and give it the checksum that belongs to it. */
static void rewrite_header(struct segment *segment, const struct segment_header *changed)
{
    struct segment_header header = *changed;
    header.crc = crc32c(0, &header, offsetof(struct segment_header, crc));
    memcpy(segment->area.map, &header, sizeof header);
}

static void headers_of_other_formats_are_told_apart(void **state)
{
    (void)state;
    struct segment       *segment = image_make(dir.path, 1, 1);
    struct segment_header good;
    memcpy(&good, segment->area.map, sizeof good);

    struct segment_header newer = good;
    struct segment_header incompatible = good;
    struct segment_header compatible = good;
    struct segment_header base_zero = good;
    struct segment_header base_absurd = good;
    newer.version = 2;
    incompatible.incompatible = 1;
    compatible.compatible = 0xFF;
    base_zero.base_seq = 0;
    base_absurd.base_seq = FRAME_SEQ_MAX + 1;
    const struct {
        const struct segment_header *header;
        enum trail_err               expected;
    } cases[] = {
        { &newer, TRAIL_EVERSION },     { &incompatible, TRAIL_EVERSION }, { &compatible, TRAIL_OK },
        { &base_zero, TRAIL_ECORRUPT }, { &base_absurd, TRAIL_ECORRUPT },  { &good, TRAIL_OK },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rewrite_header(segment, cases[i].header);
        assert_int_equal(try_open(), cases[i].expected);
    }
    segment_free(segment);
}

static void files_that_hold_nothing_are_told_from_broken_ones(void **state)
{
    (void)state;
    assert_int_equal(try_open(), TRAIL_ENOTFOUND);
    struct segment *segment = image_make(dir.path, 1, 0);
    assert_int_equal(try_open(), TRAIL_ENOTFOUND); /* Prepared, never used. */
    segment->area.map[IMAGE_SIZE - 1] = 1;
    assert_int_equal(try_open(), TRAIL_ECORRUPT); /* Not all zero: it was used. */
    assert_int_equal(truncate(segment->path, 100), 0);
    assert_int_equal(try_open(), TRAIL_ECORRUPT);
    assert_int_equal(truncate(segment->path, 0), 0);
    assert_int_equal(try_open(), TRAIL_ECORRUPT);
    segment_free(segment);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(what_one_process_writes_another_reads),
        FACT(a_segment_that_cannot_be_made_leaves_nothing),
        FACT(an_existing_file_is_never_overwritten),
        FACT(every_damaged_byte_of_a_header_is_noticed),
        FACT(a_segment_that_cannot_be_named_leaves_nothing),
        FACT(headers_of_other_formats_are_told_apart),
        FACT(files_that_hold_nothing_are_told_from_broken_ones),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
