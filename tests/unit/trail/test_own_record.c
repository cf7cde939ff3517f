/* test_own_record.c -- what the trail does to itself is recorded, and a disabled trail stays closed.
 *
 * Goal:   such a record opens the spool as an event does and reaches the store; with the trail disabled nothing is
 *         opened; a spool that cannot be opened is told.
 * Method: a real trail and its store; a regular file in the place of the spool directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "event/control.h"
#include "trail/own_record.h"
#include "trail/trail_fixture.h"

static struct trail_fixture fixture;

static int make(void **state)
{
    (void)state;
    trail_fixture_init(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

static enum trail_err record(struct trail_error *ret_error)
{
    struct buf context;
    buf_init(&context, NULL, 0);
    buf_append_string(&context, "{\"deleted\":7}");
    enum trail_err err = trail_record_control(fixture.trail, CONTROL_RETENTION_APPLIED, &context, ret_error);
    buf_done(&context);
    return err;
}

static void it_reaches_the_store(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    assert_int_equal(record(NULL), TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(*) FROM audit_trail WHERE action = "
                                                    "'retention_applied' AND context = '{\"deleted\":7}'"),
                     1);
}

static void a_disabled_trail_stays_closed(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ENABLED=false");
    trail_fixture_open(&fixture);
    assert_int_equal(record(NULL), TRAIL_REFUSED);
    assert_int_equal(temp_dir_count(fixture.dir.path), 0);
}

static void a_trail_that_a_reload_switched_off_still_says_what_it_did(void **state)
{
    (void)state;
    trail_fixture_write_env(&fixture, "");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_write_env(&fixture, "AUDIT_TRAIL_ENABLED=false\n");
    assert_int_equal(trail_reload(fixture.trail, NULL), TRAIL_OK);
    assert_int_equal(record(NULL), TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'retention_applied'"), 1);
}

static void a_spool_that_cannot_be_opened_is_told(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_DIR=/dev/null/spool");
    trail_fixture_open(&fixture);
    assert_int_equal(record(&error), TRAIL_EIO);
    assert_int_equal(error.code, TRAIL_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_reaches_the_store, make, stop),
        cmocka_unit_test_setup_teardown(a_disabled_trail_stays_closed, make, stop),
        cmocka_unit_test_setup_teardown(a_trail_that_a_reload_switched_off_still_says_what_it_did, make, stop),
        cmocka_unit_test_setup_teardown(a_spool_that_cannot_be_opened_is_told, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
