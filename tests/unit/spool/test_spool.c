/* test_spool.c -- what the spool accepts is there for good, in order; what it cannot take it refuses without taking
 * anything.
 *
 * Goal:   numbers without holes; nothing is lost between appending threads, the sync thread and the drain; what is left
 *         at the end is there for the next. (How full it may be is for test_room.c.)
 * Method: a clock turned by hand; posix_fallocate and statfs fail when told; four threads append while one reads and
 * releases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/reader.h"
#include "spool/remains.h"
#include "spool/spool_state.h"
#include "support/fault.h"
#include "support/image.h"
#include "support/spool_bench.h"

static struct fault       fallocate_fault;
static long               statfs_type;
static struct spool_bench bench;

int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
int __real_statfs(const char *path, struct statfs *status);
int __wrap_statfs(const char *path, struct statfs *status);

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    return fault_strikes(&fallocate_fault) ? fallocate_fault.error : __real_posix_fallocate(fd, offset, size);
}

int __wrap_statfs(const char *path, struct statfs *status)
{
    int result = __real_statfs(path, status);
    if (statfs_type != 0)
        status->f_type = statfs_type;
    return result;
}

static int set_up(void **state)
{
    (void)state;
    fault_arm(&fallocate_fault, 0, 0, 0);
    statfs_type = 0;
    spool_bench_init(&bench);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spool_bench_done(&bench);
    return 0;
}

static void numbers_begin_at_one_and_have_no_holes(void **state)
{
    (void)state;
    uint64_t seq = 0;
    spool_bench_open(&bench);
    assert_int_equal(spool_last_seq(bench.spool), 0);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(spool_bench_append(&bench, i, &seq), TRAIL_OK);
        assert_int_equal(seq, i);
        assert_int_equal(spool_last_seq(bench.spool), i);
    }
    assert_int_equal(spool_waiting_events(bench.spool), 100);
    assert_int_equal(spool_bytes(bench.spool), SPOOL_SEGMENT_SIZE_MIN);
}

static void the_preamble_goes_before_the_first_event_and_is_not_waited_for(void **state)
{
    (void)state;
    struct frame frame = { 0 };
    size_t       next;
    uint64_t     seq = 0;
    bench.options.preamble = TRAIL_TEXT("started");
    spool_bench_open(&bench);
    assert_int_equal(spool_last_seq(bench.spool), 0); /* Not before there is an event. */
    assert_int_equal(spool_bench_append(&bench, 10, &seq), TRAIL_OK);
    assert_int_equal(seq, 2);
    assert_int_equal(spool_waiting_events(bench.spool), 1);
    assert_int_equal(spool_control_records(bench.spool), 1);
    assert_int_equal(frame_read(&spool_first_segment(bench.spool)->area, SPOOL_PAGE_SIZE, &frame, &next), FRAME_VALID);
    assert_int_equal(frame.flags, TRAIL_FLAG_CONTROL);
    assert_memory_equal(frame.payload.data, "started", 7);
}

static void a_clock_that_steps_back_flags_the_event(void **state)
{
    (void)state;
    static const struct {
        int64_t step_us;
        bool    flagged;
    } cases[] = { { 0, false }, { 5000000, false },     { -1000000, false }, { -1000001, true },
                  { 0, false }, { -86400000000, true }, { 1, false } };
    struct reader     reader;
    struct frame      frame;
    struct reader_gap gap;

    spool_bench_open(&bench);
    reader_init(&reader, spool_first_segment(bench.spool), 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        manual_clock_step_wall(&bench.clock, cases[i].step_us);
        assert_int_equal(spool_bench_append(&bench, 10, NULL), TRAIL_OK);
        assert_int_equal(reader_next(&reader, &frame, &gap), READER_EVENT);
        assert_int_equal((frame.flags & TRAIL_FLAG_CLOCK_STEPPED_BACK) != 0, cases[i].flagged);
        assert_int_equal(frame.wall_us, clock_wall_us(&bench.clock.clock));
    }
}

static void what_is_left_at_closing_is_there_for_the_next(void **state)
{
    (void)state;
    struct home    home;
    struct remains remains;
    spool_bench_open(&bench);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(spool_bench_append(&bench, 10, NULL), TRAIL_OK);
    accounts_count(spool_accounts(bench.spool), TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    assert_int_equal(home_claim(&home, bench.dir.path, &bench.options.identity.writer, NULL), TRAIL_ELOCKED);
    spool_close(bench.spool, false);
    bench.spool = NULL;

    assert_int_equal(home_claim(&home, bench.dir.path, &bench.options.identity.writer, NULL), TRAIL_OK);
    assert_int_equal(remains_open(&remains, &home, REMAINS_TAKE, NULL), TRAIL_OK);
    assert_string_equal(image_read_from(remains.first, 1), "1 2 3 4 5");
    assert_int_equal(remains.identity.pid, 4711);
    remains_remove(&remains);
    assert_int_equal(temp_dir_count(bench.dir.path), 0);
}

static void closing_with_everything_stored_leaves_nothing(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    spool_bench_fill(&bench, 10000);
    spool_close(bench.spool, true);
    bench.spool = NULL;
    assert_int_equal(temp_dir_count(bench.dir.path), 0);
    spool_close(NULL, true);
}

static void two_spools_share_a_directory_and_nothing_else(void **state)
{
    (void)state;
    struct spool        *other = NULL;
    struct spool_options options = bench.options;
    uint64_t             seq = 0;
    struct spool_entry   entry = { .payload = TRAIL_TEXT("other") };
    options.identity = image_identity('o');
    spool_bench_open(&bench);
    assert_int_equal(spool_open(&other, &options, NULL), TRAIL_OK);
    spool_bench_append(&bench, 10, NULL);
    spool_bench_append(&bench, 10, NULL);
    assert_int_equal(spool_append(other, &entry, &seq, NULL), TRAIL_OK);
    assert_int_equal(seq, 1);
    assert_int_equal(temp_dir_count(bench.dir.path), 2);
    spool_close(other, true);
    assert_int_equal(temp_dir_count(bench.dir.path), 1);
    assert_int_equal(spool_bench_append(&bench, 10, &seq), TRAIL_OK);
    assert_int_equal(seq, 3);

    /* The same writer twice is refused. */
    struct spool *twice = NULL;
    assert_int_not_equal(spool_open(&twice, &bench.options, NULL), TRAIL_OK);
    assert_null(twice);
    assert_int_equal(temp_dir_count(bench.dir.path), 1);
    assert_true(home_is_owned(spool_path(bench.spool)));
}

static void a_spool_that_cannot_be_opened_leaves_nothing(void **state)
{
    (void)state;
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    for (unsigned skip = 0; skip < 2; skip++) { /* The accounts, the first segment. */
        fault_arm(&fallocate_fault, skip, 1, ENOSPC);
        assert_int_equal(spool_open(&bench.spool, &bench.options, NULL), TRAIL_EFULL);
        assert_int_equal(fault_struck(&fallocate_fault), 1);
        assert_int_equal(temp_dir_count(bench.dir.path), 0);
    }
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    assert_int_equal(after, before);
    spool_bench_open(&bench); /* The control. */
}

static void machine_needs_a_file_system_that_can_keep_the_promise(void **state)
{
    (void)state;
    static const struct {
        long           type;
        enum trail_err expected;
    } cases[] = { { TMPFS_MAGIC, TRAIL_EUNSUPPORTED },
                  { NFS_SUPER_MAGIC, TRAIL_EUNSUPPORTED },
                  { BTRFS_SUPER_MAGIC, TRAIL_EUNSUPPORTED },
                  { 0x777, TRAIL_EUNSUPPORTED },
                  { EXT4_SUPER_MAGIC, TRAIL_OK },
                  { XFS_SUPER_MAGIC, TRAIL_OK } };
    bench.options.durability = DURABILITY_MACHINE;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        statfs_type = cases[i].type;
        assert_int_equal(spool_open(&bench.spool, &bench.options, NULL), cases[i].expected);
        spool_close(bench.spool, true);
        bench.spool = NULL;
    }
    bench.options.durability = DURABILITY_PROCESS;
    statfs_type = TMPFS_MAGIC;
    spool_bench_open(&bench);
}

static void segments_made_after_first_contact_name_the_store_itself(void **state)
{
    (void)state;
    const struct uuid     store = { { 's' } };
    struct segment       *opened = NULL;
    struct segment_header header;
    spool_bench_open(&bench);
    spool_set_destination(bench.spool, &store);
    spool_bench_fill(&bench, 100000);
    const struct segment *first = spool_first_segment(bench.spool);
    assert_int_equal(segment_open(&opened, first->path, &header, NULL), TRAIL_OK);
    assert_int_equal(header.identity.destination_kind, SPOOL_DESTINATION_URL);
    segment_free(opened);
    assert_int_equal(segment_open(&opened, segment_next(first)->path, &header, NULL), TRAIL_OK);
    assert_int_equal(header.identity.destination_kind, SPOOL_DESTINATION_STORE);
    assert_true(uuid_equal(&header.identity.destination, &store));
    segment_free(opened);
}

static void a_child_that_lets_go_takes_nothing_from_its_parent(void **state)
{
    (void)state;
    int      status = -1;
    uint64_t seq = 0;
    spool_bench_open(&bench);
    spool_bench_append(&bench, 10, NULL);
    spool_fork_lock(bench.spool);
    pid_t child = fork();
    if (child == 0) {
        int lock_fd = bench.spool->home.lock_fd;
        spool_abandon(bench.spool);
        bool closed = fcntl(lock_fd, F_GETFD) == -1 && fcntl(bench.spool->waker.fd, F_GETFD) == -1;
        _exit(closed ? 0 : 1);
    }
    spool_fork_unlock(bench.spool);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(home_is_owned(spool_path(bench.spool)));
    assert_int_equal(spool_bench_append(&bench, 10, &seq), TRAIL_OK);
    assert_int_equal(seq, 2);
}

/* ---- Everybody at once ---- */

#define APPENDERS 4
#define EVENTS_EACH 3000

static void *append_many(void *argument)
{
    (void)argument;
    unsigned appended = 0;
    while (appended < EVENTS_EACH) {
        if (spool_bench_append(&bench, 700 + appended % 900, NULL) == TRAIL_OK)
            appended++;
        else
            (void)!spool_wait_room(bench.spool, 100);
    }
    return NULL;
}

static void four_appenders_a_syncer_and_a_drain_lose_nothing(void **state)
{
    (void)state;
    struct reader reader = { 0 };
    pthread_t     threads[APPENDERS];
    uint64_t      stored = 0;

    bench.options.clock = &clock_system; /* Real syncs every millisecond. */
    spool_bench_open(&bench);
    for (unsigned i = 0; i < APPENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, NULL), 0);
    while (stored < APPENDERS * EVENTS_EACH) {
        stored += spool_bench_release(&bench, &reader);
        assert_int_equal(reader.next_seq, stored + 1); /* No gap, no number twice. */
    }
    for (unsigned i = 0; i < APPENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(spool_last_seq(bench.spool), APPENDERS * EVENTS_EACH);
    assert_int_equal(spool_waiting_events(bench.spool), 0);
    assert_int_equal(spool_bench_notices(&bench), 0);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(numbers_begin_at_one_and_have_no_holes),
        FACT(the_preamble_goes_before_the_first_event_and_is_not_waited_for),
        FACT(a_clock_that_steps_back_flags_the_event),
        FACT(what_is_left_at_closing_is_there_for_the_next),
        FACT(closing_with_everything_stored_leaves_nothing),
        FACT(two_spools_share_a_directory_and_nothing_else),
        FACT(a_spool_that_cannot_be_opened_leaves_nothing),
        FACT(machine_needs_a_file_system_that_can_keep_the_promise),
        FACT(segments_made_after_first_contact_name_the_store_itself),
        FACT(a_child_that_lets_go_takes_nothing_from_its_parent),
        FACT(four_appenders_a_syncer_and_a_drain_lose_nothing),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
