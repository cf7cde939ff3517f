/* test_os_process.c -- a process can be told from every other one, of this boot and of others.
 *
 * Goal:   boot, pid and start time name a process for good.
 * Method: compared with what /proc says by other means, and between parent and child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/os_process.h"

static void the_boot_has_an_identity_and_keeps_it(void **state)
{
    (void)state;
    struct uuid first = os_boot_id();
    struct uuid again = os_boot_id();
    struct uuid none = { { 0 } };
    assert_true(uuid_equal(&first, &again));
    assert_false(uuid_equal(&first, &none));
}

static void a_name_full_of_parentheses_and_spaces_does_not_hide_the_start_time(void **state)
{
    (void)state;
    uint64_t before = os_process_start_ticks();
    assert_int_equal(prctl(PR_SET_NAME, "a) S 1 (b c) 9", 0, 0, 0), 0);
    assert_int_equal(os_process_start_ticks(), before);

    /* In ticks since boot: not in the future, and not long ago. */
    struct timespec up;
    clock_gettime(CLOCK_BOOTTIME, &up);
    uint64_t now = (uint64_t)up.tv_sec * (uint64_t)sysconf(_SC_CLK_TCK);
    assert_true(before > 0 && before <= now + 100);
    assert_true(now - before < 600 * (uint64_t)sysconf(_SC_CLK_TCK) || before > now);
}

static void a_child_started_after_its_parent(void **state)
{
    (void)state;
    uint64_t ours = os_process_start_ticks();
    pid_t    child = fork();
    if (child == 0)
        _exit(os_process_start_ticks() >= ours ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void the_host_has_a_name_that_ends(void **state)
{
    (void)state;
    char name[OS_HOST_SIZE];
    char expected[256] = "";
    memset(name, 'x', sizeof name);
    os_host_name(name);
    assert_int_equal(gethostname(expected, sizeof expected), 0);
    assert_true(memchr(name, '\0', sizeof name) != NULL);
    assert_int_equal(strncmp(name, expected, sizeof name - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boot_has_an_identity_and_keeps_it),
        cmocka_unit_test(a_name_full_of_parentheses_and_spaces_does_not_hide_the_start_time),
        cmocka_unit_test(a_child_started_after_its_parent),
        cmocka_unit_test(the_host_has_a_name_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
