/* test_survey_spool.c -- what one writer's spool adds to its entry in a survey.
 *
 * Goal:   what waits is counted from the number on that the store has; pads take room as well; a hole is missing; whose
 *         spool it is follows from its files; refusals come from whoever knows more.
 * Method: the spool of a real trail whose store is held locked, read as the survey reads it; one frame is damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os_process.h"
#include "spool/destination.h"
#include "trail/survey_spool.h"
#include "trail/trail_fixture.h"

static struct trail_fixture fixture;
static struct survey_writer writer;
static struct uuid          url_hash;

static int make(void **state)
{
    (void)state;
    char url[OS_PATH_SIZE + 16];

    trail_fixture_init(&fixture);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    snprintf(url, sizeof url, "sqlite:%s", fixture.database);
    assert_int_equal(destination_of_url(url, &url_hash), TRAIL_OK);
    writer = (struct survey_writer){ .last_seq = 0 };
    trail_fixture_open(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

static void record(const char *action, unsigned count, enum trail_err expected)
{
    struct trail_event event = trail_fixture_event(action);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), expected);
}

/* As if nothing had been read yet, but for what stands in `writer`. */
static void look(const struct uuid *store)
{
    const struct survey_asker asker = { .store = store, .url_hash = &url_hash };
    struct home               home = { .lock_fd = -1 };
    struct remains            remains;

    snprintf(home.path, sizeof home.path, "%s", trail_fixture_only_spool(&fixture));
    assert_int_equal(remains_open(&remains, &home, REMAINS_LOOK, NULL), TRAIL_OK);
    survey_spool_read(&writer, &remains, &asker);
    remains_close(&remains);
}

static const struct uuid some_store = { { 1, 2, 3 } };

static void what_the_store_has_does_not_wait(void **state)
{
    (void)state;
    record("create_tool", 5, TRAIL_OK); /* Number 1 is the trail's own. */
    record("delete_tool", 2, TRAIL_OK);
    record("get_tool", 3, TRAIL_REFUSED);
    look(&some_store);
    assert_int_equal(writer.operations[TRAIL_OPERATION_AUTO].waiting, 1);
    assert_int_equal(writer.operations[TRAIL_OPERATION_CREATE].waiting, 5);
    assert_int_equal(writer.operations[TRAIL_OPERATION_DELETE].waiting, 2);
    assert_int_equal(writer.operations[TRAIL_OPERATION_READ].level, 3);
    assert_int_equal(survey_writer_waiting(&writer), 8);
    assert_true(writer.oldest_waiting_us > 0);
    uint64_t bytes = writer.waiting_bytes;

    writer = (struct survey_writer){ .last_seq = 4 };
    look(&some_store);
    assert_int_equal(writer.operations[TRAIL_OPERATION_AUTO].waiting, 0);
    assert_int_equal(writer.operations[TRAIL_OPERATION_CREATE].waiting, 2);
    assert_int_equal(survey_writer_waiting(&writer), 4);
    assert_true(writer.waiting_bytes > 0 && writer.waiting_bytes < bytes);

    writer = (struct survey_writer){ .last_seq = 8 };
    look(&some_store);
    assert_int_equal(survey_writer_waiting(&writer), 0);
    assert_int_equal(writer.waiting_bytes, 0);
    assert_int_equal(writer.oldest_waiting_us, 0);
    assert_int_equal(writer.missing, 0);
}

static void the_entry_says_who_it_is(void **state)
{
    (void)state;
    char host[OS_HOST_SIZE];
    record("create_tool", 1, TRAIL_OK);
    look(&some_store);
    os_host_name(host);
    assert_string_equal(writer.service, "fixture");
    assert_string_equal(writer.host, host);
    assert_int_equal(writer.pid, getpid());
    assert_true(writer.in_spool && writer.alive);
    assert_false(survey_writer_is_orphan(&writer));

    writer = (struct survey_writer){ .in_store = true, .service = "as stored", .pid = 7 };
    look(&some_store);
    assert_string_equal(writer.service, "as stored");
    assert_int_equal(writer.pid, 7);
}

static void a_spool_without_contact_belongs_to_the_url(void **state)
{
    (void)state;
    record("create_tool", 1, TRAIL_OK);
    look(&some_store);
    assert_int_equal(writer.destination_kind, SURVEY_DESTINATION_URL);
    assert_true(uuid_equal(&writer.destination, &url_hash));
    assert_false(writer.foreign);
    url_hash.bytes[0] ^= 1;
    look(&some_store);
    assert_true(writer.foreign);
    look(NULL);
    assert_true(writer.foreign);
}

/* Turn over one byte of the payload of the frame that holds `text`. */
static void damage_frame_with(const char *text)
{
    static char bytes[1 << 20];
    char        path[OS_PATH_SIZE];
    size_t      size = strlen(text);

    assert_true(os_path_join(path, trail_fixture_only_spool(&fixture), "00000001.seg"));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t count = pread(fd, bytes, sizeof bytes, 0);
    for (ssize_t i = 0; i + (ssize_t)size <= count; i++) {
        if (memcmp(bytes + i, text, size) != 0)
            continue;
        assert_int_equal(pwrite(fd, "#", 1, i), 1);
        (void)close(fd);
        return;
    }
    fail_msg("%s is in no frame", text);
}

static void a_hole_is_missing_to_its_own_store_alone(void **state)
{
    (void)state;
    record("create_tool", 1, TRAIL_OK);
    record("create_marked", 1, TRAIL_OK);
    record("create_tool", 2, TRAIL_OK);
    damage_frame_with("create_marked");
    look(&some_store);
    assert_int_equal(writer.missing, 1);
    assert_int_equal(writer.operations[TRAIL_OPERATION_CREATE].waiting, 3);

    writer = (struct survey_writer){ .last_seq = 3 }; /* The store got it before. */
    look(&some_store);
    assert_int_equal(writer.missing, 0);

    writer = (struct survey_writer){ .last_seq = 0 };
    look(NULL);
    assert_int_equal(writer.missing, 0);
    url_hash.bytes[0] ^= 1;
    look(&some_store);
    assert_int_equal(writer.missing, 0);
}

static void pads_take_room_as_well(void **state)
{
    (void)state;
    record("create_tool", 1, TRAIL_OK);
    uint64_t before;
    uint64_t rounds = 0;
    /* The sync thread moves the tail to the next page; the event behind it shows by how much. */
    do {
        writer = (struct survey_writer){ .last_seq = 0 };
        look(&some_store);
        before = writer.waiting_bytes;
        record("create_tool", 1, TRAIL_OK);
        writer = (struct survey_writer){ .last_seq = 0 };
        look(&some_store);
    } while (writer.waiting_bytes - before < SPOOL_PAGE_SIZE / 2 && ++rounds < 50000000);
    assert_true(writer.waiting_bytes - before >= SPOOL_PAGE_SIZE / 2);
}

static void refusals_come_from_whoever_knows_more(void **state)
{
    (void)state;
    record("create_tool", 1, TRAIL_OK);
    record("get_tool", 5, TRAIL_REFUSED);
    writer.operations[TRAIL_OPERATION_READ].level = 3;
    writer.operations[TRAIL_OPERATION_OTHER].rejected = 9;
    look(&some_store);
    assert_int_equal(writer.operations[TRAIL_OPERATION_READ].level, 5);
    assert_int_equal(writer.operations[TRAIL_OPERATION_OTHER].rejected, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_store_has_does_not_wait, make, stop),
        cmocka_unit_test_setup_teardown(the_entry_says_who_it_is, make, stop),
        cmocka_unit_test_setup_teardown(a_spool_without_contact_belongs_to_the_url, make, stop),
        cmocka_unit_test_setup_teardown(a_hole_is_missing_to_its_own_store_alone, make, stop),
        cmocka_unit_test_setup_teardown(pads_take_room_as_well, make, stop),
        cmocka_unit_test_setup_teardown(refusals_come_from_whoever_knows_more, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
