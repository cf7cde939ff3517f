/* test_accounts.c -- refusals are counted exactly, by any number of threads, and the numbers outlive the process.
 *
 * Goal:   no count is lost or invented; a damaged file is refused.
 * Method: more threads count than there are slots; a child counts and is killed; headers are damaged byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/accounts.h"
#include "support/image.h"
#include "support/temp_dir.h"

#define THREADS (THREAD_SLOT_COUNT + 6)
#define COUNTS 500

static struct temp_dir dir;

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static struct accounts make(void)
{
    struct accounts       accounts;
    struct spool_identity identity = image_identity('w');
    assert_int_equal(accounts_create(&accounts, dir.path, &identity, NULL), TRAIL_OK);
    return accounts;
}

/* Open them as another process does, and add them up. */
static enum trail_err total(struct trail_account totals[TRAIL_OPERATION_COUNT], uint64_t *ret_unclassified)
{
    struct accounts       accounts;
    struct spool_identity identity;
    memset(totals, 0, TRAIL_OPERATION_COUNT * sizeof *totals);
    *ret_unclassified = 0;
    enum trail_err err = accounts_open(&accounts, dir.path, &identity, NULL);
    if (err == TRAIL_OK)
        accounts_total(&accounts, totals, ret_unclassified);
    accounts_close(&accounts);
    return err;
}

static void each_reason_of_each_operation_has_its_counter(void **state)
{
    (void)state;
    struct accounts      accounts = make();
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    uint64_t             unclassified;

    for (unsigned operation = 0; operation < TRAIL_OPERATION_COUNT; operation++) {
        for (unsigned reason = 0; reason < ACCOUNT_REASON_COUNT; reason++) {
            for (unsigned i = 0; i < operation * 10 + reason; i++)
                accounts_count(&accounts, (enum trail_operation)operation, (enum account_reason)reason);
        }
    }
    accounts_count_unclassified(&accounts);
    assert_int_equal(total(totals, &unclassified), TRAIL_OK);
    for (unsigned operation = 0; operation < TRAIL_OPERATION_COUNT; operation++) {
        assert_int_equal(totals[operation].level, operation * 10 + ACCOUNT_LEVEL);
        assert_int_equal(totals[operation].excluded, operation * 10 + ACCOUNT_EXCLUDED);
        assert_int_equal(totals[operation].sampled, operation * 10 + ACCOUNT_SAMPLED);
        assert_int_equal(totals[operation].rejected, operation * 10 + ACCOUNT_REJECTED);
        assert_int_equal(totals[operation].dropped, operation * 10 + ACCOUNT_DROPPED);
    }
    assert_int_equal(unclassified, 1);
    accounts_close(&accounts);
    accounts_close(&accounts);
}

static pthread_barrier_t start;

static void *count_many(void *argument)
{
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < COUNTS; i++)
        accounts_count(argument, TRAIL_OPERATION_READ, ACCOUNT_LEVEL);
    return NULL;
}

static void more_threads_than_slots_lose_nothing(void **state)
{
    (void)state;
    struct accounts      accounts = make();
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    pthread_t            threads[THREADS];
    uint64_t             unclassified;

    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, &accounts), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    assert_int_equal(total(totals, &unclassified), TRAIL_OK);
    assert_int_equal(totals[TRAIL_OPERATION_READ].level, THREADS * COUNTS);
    accounts_close(&accounts);
}

static void what_was_counted_survives_a_kill(void **state)
{
    (void)state;
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    uint64_t             unclassified;
    pid_t                child = fork();
    if (child == 0) {
        struct accounts accounts = make();
        for (unsigned i = 0; i < 77; i++)
            accounts_count(&accounts, TRAIL_OPERATION_DELETE, ACCOUNT_REJECTED);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(total(totals, &unclassified), TRAIL_OK);
    assert_int_equal(totals[TRAIL_OPERATION_DELETE].rejected, 77);
}

static void a_damaged_or_missing_file_is_refused(void **state)
{
    (void)state;
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    uint64_t             unclassified;
    assert_int_equal(total(totals, &unclassified), TRAIL_ENOTFOUND);

    struct accounts accounts = make();
    for (size_t i = 0; i < sizeof(struct accounts_header); i++) {
        accounts.map[i] ^= 0x20;
        assert_int_equal(total(totals, &unclassified), TRAIL_ECORRUPT);
        accounts.map[i] ^= 0x20;
    }
    assert_int_equal(total(totals, &unclassified), TRAIL_OK);
    accounts_close(&accounts);
    assert_int_equal(truncate(temp_dir_at(&dir, ACCOUNTS_FILE_NAME), SPOOL_PAGE_SIZE), 0);
    assert_int_equal(total(totals, &unclassified), TRAIL_ECORRUPT);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(each_reason_of_each_operation_has_its_counter),
        FACT(more_threads_than_slots_lose_nothing),
        FACT(what_was_counted_survives_a_kill),
        FACT(a_damaged_or_missing_file_is_refused),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
