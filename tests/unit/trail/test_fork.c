/* test_fork.c -- a forked child records into a spool of its own, and its parent notices nothing.
 *
 * Goal:   whatever the trail and its threads do at the moment of a fork, the child's events and the parent's are
 *         stored, each once and each under its own writer; the child holds no lock and no store of the parent's; its
 *         numbers start at zero; a child that was made behind libc's back is found out.
 * Method: real forks of a process with a real trail; a child answers by its exit status, its parent looks at the store.
 *         Children leave through exit(), so that a leak checker looks at them too. More than 600 lines, because a fork
 *         can meet every part of a trail at work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/home.h"
#include "support/manual_clock.h"
#include "support/patience.h"
#include "trail/room.h"
#include "trail/trail_fixture.h"
#include "trail/trail_state.h"

static struct trail_fixture fixture;

static int start(void **state)
{
    (void)state;
    trail_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

/* ---- Children ---- */

typedef const char *(*child_fn)(void); /* What is wrong; NULL: nothing. */

/* Asserts belong to the parent: a child that fails one would go on with its parent's tests. */
#define EXPECT(condition)      \
    do {                       \
        if (!(condition))      \
            return #condition; \
    } while (0)

static int answer(const char *wrong)
{
    if (wrong != NULL)
        fprintf(stderr, "child: not so: %s\n", wrong);
    return wrong != NULL;
}

static pid_t start_child(child_fn run)
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        exit(answer(run()));
    return child;
}

/* As a program does that knows nothing of libc: no fork handler runs. */
static pid_t start_raw_child(child_fn run)
{
    (void)fflush(NULL);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    assert_true(child >= 0);
    if (child == 0)
        _exit(answer(run())); /* libc's own state is the parent's. */
    return child;
}

static void wait_for(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with status %#x", (unsigned)status);
}

static enum trail_err record(const char *action)
{
    struct trail_event event = trail_fixture_event(action);
    return trail_record(fixture.trail, &event, NULL, NULL);
}

static enum trail_err close_trail(void)
{
    return trail_fixture_close(&fixture);
}

static const char *record_and_close(void)
{
    EXPECT(record("delete_tool") == TRAIL_OK);
    EXPECT(record("delete_tool") == TRAIL_OK);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static const char *record_and_die(void)
{
    EXPECT(record("delete_tool") == TRAIL_OK);
    _exit(0); /* As if it were killed. */
}

static const char *do_nothing(void)
{
    _exit(0); /* Without a leak check, which takes a while. */
}

static int64_t writers(void)
{
    return trail_fixture_number(&fixture, "SELECT count(*) FROM audit_writers");
}

/* ---- Recording on both sides ---- */

static void a_child_records_into_its_own_spool_and_is_stored(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    pid_t child = start_child(record_and_close);
    wait_for(child);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND seq = 1"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_stopped' AND seq = 4"), 1);
    assert_int_equal(writers(), 2);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(DISTINCT pid) FROM audit_writers"), 2);
    (void)trail_fixture_only_spool(&fixture); /* The child's is gone, the parent's still there. */
}

static void a_child_of_a_trail_that_never_ran_records_too(void **state)
{
    (void)state;
    wait_for(start_child(record_and_close));
    assert_null(trail_live_now(fixture.trail));
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 2);
    assert_int_equal(writers(), 1);
}

static const char *fork_again(void)
{
    EXPECT(record("update_tool") == TRAIL_OK);
    (void)fflush(NULL);
    int   status = -1;
    pid_t child = fork();
    if (child == 0)
        return record_and_close();
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(record("update_tool") == TRAIL_OK);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void a_grandchild_has_a_spool_of_its_own_as_well(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    wait_for(start_child(fork_again));
    trail_fixture_flush(&fixture);
    assert_int_equal(writers(), 3);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'update_tool'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 2);
}

static void children_and_parent_record_at_once(void **state)
{
    (void)state;
    pid_t children[4];
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture); /* So that there is a connection to inherit. */
    for (size_t i = 0; i < 4; i++)
        children[i] = start_child(record_and_close);
    for (int i = 0; i < 50; i++)
        trail_fixture_record(&fixture, "create_tool");
    for (size_t i = 0; i < 4; i++)
        wait_for(children[i]);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 51);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 8);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'events_lost'"), 0);
    assert_int_equal(writers(), 5);
    assert_int_equal(temp_dir_count(fixture.spool_dir), 0);
    assert_int_equal(trail_fixture_notices(&fixture), 0);
}

static const char *close_at_once(void)
{
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void a_child_that_records_nothing_leaves_nothing(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    wait_for(start_child(close_at_once));
    assert_true(home_is_owned(trail_fixture_only_spool(&fixture)));
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 2);
    assert_int_equal(writers(), 1);
}

static bool recovery_is_stored(void *context)
{
    (void)context;
    trail_fixture_flush(&fixture);
    return trail_fixture_rows(&fixture, "action = 'trail_recovered'") == 1;
}

static void what_a_child_left_behind_is_stored_by_the_next_start(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    wait_for(start_child(record_and_die));
    (void)trail_fixture_close(&fixture);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    assert_true(patience_until(recovery_is_stored, NULL));
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 1);
}

static const char *expect_zeros(void)
{
    struct trail_stats stats = trail_fixture_stats(&fixture);
    struct trail_stats zeros = { .struct_size = sizeof zeros };
    EXPECT(memcmp(&stats, &zeros, sizeof stats) == 0);
    EXPECT(trail_flush(fixture.trail, 20000) == TRAIL_OK);
    EXPECT(trail_wait_room(fixture.trail, 1000, 0));
    EXPECT(record("") == TRAIL_EINVAL);
    EXPECT(record("delete_tool") == TRAIL_OK);
    stats = trail_fixture_stats(&fixture);
    EXPECT(trail_fixture_offered(&stats) == 2);
    EXPECT(stats.operations[TRAIL_OPERATION_OTHER].rejected == 1);
    EXPECT(stats.operations[TRAIL_OPERATION_DELETE].recorded == 1);
    EXPECT(stats.waiting == 1);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void the_numbers_of_a_child_start_at_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(record(""), TRAIL_EINVAL);
        trail_fixture_record(&fixture, "create_tool");
    }
    wait_for(start_child(expect_zeros));
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(trail_fixture_offered(&stats), 6);
    assert_int_equal(stats.operations[TRAIL_OPERATION_OTHER].rejected, 3);
}

static const char *expect_nothing_disabled(void)
{
    struct trail_stats stats = trail_fixture_stats(&fixture);
    EXPECT(stats.disabled == 0);
    EXPECT(record("delete_tool") == TRAIL_REFUSED);
    stats = trail_fixture_stats(&fixture);
    EXPECT(stats.disabled == 1);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void a_trail_that_is_off_is_off_in_the_child(void **state)
{
    (void)state;
    (void)trail_fixture_close(&fixture);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ENABLED=false");
    trail_fixture_open(&fixture);
    assert_int_equal(record("create_tool"), TRAIL_REFUSED);
    wait_for(start_child(expect_nothing_disabled));
    assert_int_equal(temp_dir_count(fixture.dir.path), 0);
}

static const char *open_where_the_parent_could_not(void)
{
    struct trail_stats stats = trail_fixture_stats(&fixture);
    EXPECT(trail_fixture_offered(&stats) == 0);
    EXPECT(remove(fixture.spool_dir) == 0);
    EXPECT(record("delete_tool") == TRAIL_OK); /* At once: the parent's back-off is not the child's. */
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void a_child_does_not_inherit_the_back_off(void **state)
{
    (void)state;
    FILE *file = fopen(fixture.spool_dir, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_true(record("create_tool") < 0);
    wait_for(start_child(open_where_the_parent_could_not));
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 1);
}

/* ---- Threads of the parent at the moment of the fork ---- */

#define FORKS 10

struct recorders {
    bool     stop;     /* Atomic. */
    uint64_t recorded; /* Atomic. */
    uint64_t failed;   /* Atomic. */
};

static void *record_until_told(void *argument)
{
    struct recorders *recorders = argument;
    uint64_t          count = 0;
    while (!__atomic_load_n(&recorders->stop, __ATOMIC_ACQUIRE)) {
        enum trail_err err = record("create_tool");
        __atomic_fetch_add(err == TRAIL_OK ? &recorders->recorded : &recorders->failed, 1, __ATOMIC_RELAXED);
        if (++count % 64 == 0) /* The drain is to be at work as well, and not to be left behind. */
            (void)!trail_flush(fixture.trail, 20000);
    }
    return NULL;
}

static void threads_may_record_while_another_forks(void **state)
{
    (void)state;
    struct recorders recorders = { 0 };
    pthread_t        threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_until_told, &recorders), 0);
    for (int i = 0; i < FORKS; i++)
        wait_for(start_child(record_and_close));
    __atomic_store_n(&recorders.stop, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(recorders.failed, 0);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), recorders.recorded);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 2 * FORKS);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(*) FROM (SELECT DISTINCT writer, seq FROM "
                                                    "audit_events)"),
                     trail_fixture_rows(&fixture, "1"));
}

static void *open_and_close_until_told(void *argument)
{
    struct recorders    *recorders = argument;
    struct trail_fixture other;
    trail_fixture_init(&other);
    while (!__atomic_load_n(&recorders->stop, __ATOMIC_ACQUIRE)) {
        struct trail_event event = trail_fixture_event("create_tool");
        trail_fixture_open(&other);
        bool fine = trail_record(other.trail, &event, NULL, NULL) == TRAIL_OK;
        fine = trail_fixture_close(&other) == TRAIL_OK && fine;
        __atomic_fetch_add(fine ? &recorders->recorded : &recorders->failed, 1, __ATOMIC_RELAXED);
    }
    if (trail_fixture_rows(&other, "action = 'create_tool'") != (int64_t)recorders->recorded)
        recorders->failed++;
    trail_fixture_done(&other);
    return NULL;
}

static bool some_were_recorded(void *context)
{
    struct recorders *recorders = context;
    return __atomic_load_n(&recorders->recorded, __ATOMIC_RELAXED) > 0;
}

static void another_trail_may_be_opened_and_closed_while_a_thread_forks(void **state)
{
    (void)state;
    struct recorders recorders = { 0 };
    pthread_t        thread;
    assert_int_equal(pthread_create(&thread, NULL, open_and_close_until_told, &recorders), 0);
    for (int i = 0; i < 100; i++)
        wait_for(start_child(do_nothing));
    assert_true(patience_until(some_were_recorded, &recorders));
    __atomic_store_n(&recorders.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    assert_int_equal(recorders.failed, 0);
}

/* ---- Reloading ---- */

static struct manual_clock turned;

/* Whose level comes from the env file: all. */
static void open_to_be_reloaded(void)
{
    manual_clock_init(&turned);
    assert_int_equal(close_trail(), TRAIL_OK);
    trail_fixture_unset(&fixture, "AUDIT_TRAIL_LEVEL");
    trail_fixture_write_env(&fixture, "AUDIT_TRAIL_LEVEL=all\n");
    trail_fixture_open(&fixture);
    fixture.trail->clock = &turned.clock;
    assert_int_equal(record("get_tool"), TRAIL_OK);
    trail_fixture_write_env(&fixture, "AUDIT_TRAIL_LEVEL=deletes_only\n");
}

static const char *reload_and_close(void)
{
    EXPECT(trail_reload(fixture.trail, NULL) == TRAIL_OK);
    EXPECT(record("get_tool") == TRAIL_REFUSED);
    EXPECT(record("delete_tool") == TRAIL_OK);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void a_child_reloads_for_itself(void **state)
{
    (void)state;
    open_to_be_reloaded();
    wait_for(start_child(reload_and_close));
    assert_int_equal(record("get_tool"), TRAIL_OK);
    assert_int_equal(trail_reload(fixture.trail, NULL), TRAIL_OK);
    assert_int_equal(record("get_tool"), TRAIL_REFUSED);
    trail_fixture_flush(&fixture);
    /* The parent's; the child's start says which policy it found. */
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'policy_changed'"), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND json_extract(context, "
                                                  "'$.AUDIT_TRAIL_LEVEL') = 'deletes_only' AND "
                                                  "json_extract(context, '$.last_run.ended') = 'running'"),
                     1);
}

#define FORKS_WHILE_RELOADING 20

struct reloader {
    bool     done;  /* Atomic. */
    uint64_t count; /* Of reloads that changed something. */
};

static void *keep_reloading(void *argument)
{
    struct reloader *reloader = argument;
    while (!__atomic_load_n(&reloader->done, __ATOMIC_ACQUIRE)) {
        trail_fixture_write_env(&fixture, reloader->count % 2 == 0 ? "AUDIT_TRAIL_LEVEL=deletes_only\n"
                                                                   : "AUDIT_TRAIL_LEVEL=all\n");
        manual_clock_advance(&turned, 1000000);
        if (trail_reload(fixture.trail, NULL) == TRAIL_OK)
            reloader->count++;
    }
    return NULL;
}

static const char *delete_and_close(void)
{
    manual_clock_advance(&turned, 1000000);
    enum trail_err err = trail_reload(fixture.trail, NULL);
    EXPECT(err == TRAIL_OK || err == TRAIL_ECONFIG); /* The file may be half written. */
    EXPECT(record("delete_tool") == TRAIL_OK);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void a_thread_may_reload_while_another_forks(void **state)
{
    (void)state;
    struct reloader reloader = { .done = false };
    pthread_t       thread;
    open_to_be_reloaded();
    assert_int_equal(pthread_create(&thread, NULL, keep_reloading, &reloader), 0);
    for (int i = 0; i < FORKS_WHILE_RELOADING; i++)
        wait_for(start_child(delete_and_close));
    __atomic_store_n(&reloader.done, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    print_message("%" PRIu64 " reloads while forking %d times\n", reloader.count, FORKS_WHILE_RELOADING);
    assert_true(reloader.count > FORKS_WHILE_RELOADING);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), FORKS_WHILE_RELOADING);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'policy_changed'"), reloader.count);
}

/* ---- What the child still holds ---- */

/* How many of this process's descriptors stand for a file below `folder`. */
static size_t descriptors_below(const char *folder)
{
    size_t count = 0;
    DIR   *list = opendir("/proc/self/fd");
    if (list == NULL)
        return SIZE_MAX;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char    target[OS_PATH_SIZE];
        ssize_t size = readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1);
        if (size < 0)
            continue;
        target[size] = '\0';
        count += strncmp(target, folder, strlen(folder)) == 0;
    }
    closedir(list);
    return count;
}

static const char *expect_no_descriptors(void)
{
    EXPECT(descriptors_below(fixture.dir.path) == 0);
    return NULL;
}

static void a_child_holds_none_of_the_parents_files(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_true(descriptors_below(fixture.dir.path) >=
                2); /* The lock and the store, so we do look at the right ones. */
    wait_for(start_child(expect_no_descriptors));
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 2);
}

static const char *expect_no_spool(void)
{
    EXPECT(descriptors_below(fixture.spool_dir) == 0);
    return NULL;
}

static const char *hold_on(void)
{
    while (pause() != 0) /* Until it is killed. */
        continue;
    return NULL;
}

/* fork() returns in the parent before the child's handler has run. */
static bool is_let_go(void *context)
{
    return !home_is_owned(context);
}

static void a_child_that_lives_on_does_not_keep_the_parents_spool_locked(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=0");
    (void)trail_fixture_close(&fixture);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    void *lock = trail_fixture_lock_store(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    const char *spool = trail_fixture_only_spool(&fixture);
    assert_true(home_is_owned(spool));
    pid_t child = start_child(hold_on);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_PENDING);
    assert_true(patience_until(is_let_go, (void *)(uintptr_t)spool));
    trail_fixture_unlock_store(lock);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* The drain is in the middle of a dead process's spool when the fork comes. */
static bool has_taken_over(void *context)
{
    (void)context;
    return descriptors_below(fixture.spool_dir) >= 2; /* Our lock, and that of the dead. */
}

static void a_child_does_not_keep_the_spool_locked_that_its_parent_takes_over(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    (void)trail_fixture_close(&fixture);
    void *lock = trail_fixture_lock_store(&fixture);
    trail_fixture_open(&fixture);
    wait_for(start_child(record_and_die));

    /* It can take the dead spool over, and not store what is in it. */
    trail_fixture_record(&fixture, "create_tool");
    assert_true(patience_until(has_taken_over, NULL));
    wait_for(start_child(expect_no_spool));
    trail_fixture_unlock_store(lock);
    assert_true(patience_until(recovery_is_stored, NULL));
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 1);
}

/* ---- Children made behind libc's back ---- */

/* True when every thread but ours sleeps. */
static bool others_sleep(void *context)
{
    bool asleep = true;
    DIR *list = opendir("/proc/self/task");
    (void)context;
    if (list == NULL)
        return false;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char path[64];
        char line[512] = "";
        if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == (long)gettid())
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        const char *behind = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
        asleep = asleep && behind != NULL && behind[1] == ' ' && behind[2] == 'S';
        (void)fclose(file);
    }
    closedir(list);
    return asleep;
}

/* Such a child inherits every lock of libc and of SQLite as it stands. Nobody helps it when a thread holds one, so ours
 * do not. */
static void settle(void)
{
    trail_fixture_flush(&fixture);
    assert_true(patience_until(others_sleep, NULL));
}

static void a_child_made_without_handlers_is_found_out(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    settle();
    wait_for(start_raw_child(record_and_close));
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(writers(), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND seq = 1"), 2);
}

static void a_child_made_without_handlers_reloads_although_its_parent_was_doing_so(void **state)
{
    (void)state;
    open_to_be_reloaded();
    settle();
    pthread_mutex_lock(&fixture.trail->reloading);
    wait_for(start_raw_child(reload_and_close));
    pthread_mutex_unlock(&fixture.trail->reloading);
    assert_int_equal(record("get_tool"), TRAIL_OK);
}

static void the_numbers_of_a_child_made_without_handlers_start_at_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(record(""), TRAIL_EINVAL);
        trail_fixture_record(&fixture, "create_tool");
    }
    settle();
    wait_for(start_raw_child(expect_zeros));
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(trail_fixture_offered(&stats), 6);
}

static void closing_in_such_a_child_leaves_the_parents_spool_alone(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    settle();
    wait_for(start_raw_child(close_at_once));
    assert_true(home_is_owned(trail_fixture_only_spool(&fixture)));
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_stopped'"), 0);
}

/* ---- Sampling ---- */

#define DRAWS 200

/* What was kept of events with and without a correlation id; in memory that parent and child share. */
struct verdicts {
    bool of_ids[DRAWS];
    bool drawn[DRAWS];
};

static struct verdicts *of_parent;
static struct verdicts *of_child;

static void decide(struct verdicts *verdicts)
{
    for (int i = 0; i < DRAWS; i++) {
        char               id[32];
        struct trail_event event = trail_fixture_event("create_tool");
        verdicts->drawn[i] = trail_record(fixture.trail, &event, NULL, NULL) == TRAIL_OK;
        snprintf(id, sizeof id, "request-%d", i);
        event.correlation_id = trail_str(id);
        verdicts->of_ids[i] = trail_record(fixture.trail, &event, NULL, NULL) == TRAIL_OK;
    }
}

static const char *decide_in_child(void)
{
    decide(of_child);
    EXPECT(close_trail() == TRAIL_OK);
    return NULL;
}

static void expect_the_same_key_and_other_draws(pid_t (*start_one)(child_fn run))
{
    void *shared = mmap(NULL, 2 * sizeof *of_child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    of_parent = shared;
    of_child = of_parent + 1;
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=0.5");
    trail_fixture_open(&fixture);
    decide(of_parent); /* Its draws have a start, which a child inherits. */
    settle();
    wait_for(start_one(decide_in_child));
    assert_memory_equal(of_child->of_ids, of_parent->of_ids, sizeof of_child->of_ids);
    decide(of_parent);
    assert_memory_equal(of_child->of_ids, of_parent->of_ids, sizeof of_child->of_ids);
    assert_memory_not_equal(of_child->drawn, of_parent->drawn, sizeof of_child->drawn);
    assert_int_equal(munmap(shared, 2 * sizeof *of_child), 0);
}

static void a_child_samples_by_the_same_key_and_with_draws_of_its_own(void **state)
{
    (void)state;
    expect_the_same_key_and_other_draws(start_child);
}

static void so_does_a_child_made_without_handlers(void **state)
{
    (void)state;
    expect_the_same_key_and_other_draws(start_raw_child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_child_records_into_its_own_spool_and_is_stored, start, stop),
        cmocka_unit_test_setup_teardown(a_child_of_a_trail_that_never_ran_records_too, start, stop),
        cmocka_unit_test_setup_teardown(children_and_parent_record_at_once, start, stop),
        cmocka_unit_test_setup_teardown(a_child_that_records_nothing_leaves_nothing, start, stop),
        cmocka_unit_test_setup_teardown(a_grandchild_has_a_spool_of_its_own_as_well, start, stop),
        cmocka_unit_test_setup_teardown(what_a_child_left_behind_is_stored_by_the_next_start, start, stop),
        cmocka_unit_test_setup_teardown(the_numbers_of_a_child_start_at_zero, start, stop),
        cmocka_unit_test_setup_teardown(a_trail_that_is_off_is_off_in_the_child, start, stop),
        cmocka_unit_test_setup_teardown(a_child_does_not_inherit_the_back_off, start, stop),
        cmocka_unit_test_setup_teardown(threads_may_record_while_another_forks, start, stop),
        cmocka_unit_test_setup_teardown(another_trail_may_be_opened_and_closed_while_a_thread_forks, start, stop),
        cmocka_unit_test_setup_teardown(a_child_reloads_for_itself, start, stop),
        cmocka_unit_test_setup_teardown(a_thread_may_reload_while_another_forks, start, stop),
        cmocka_unit_test_setup_teardown(a_child_holds_none_of_the_parents_files, start, stop),
        cmocka_unit_test_setup_teardown(a_child_that_lives_on_does_not_keep_the_parents_spool_locked, start, stop),
        cmocka_unit_test_setup_teardown(a_child_does_not_keep_the_spool_locked_that_its_parent_takes_over, start, stop),
        cmocka_unit_test_setup_teardown(a_child_made_without_handlers_is_found_out, start, stop),
        cmocka_unit_test_setup_teardown(a_child_made_without_handlers_reloads_although_its_parent_was_doing_so, start,
                                        stop),
        cmocka_unit_test_setup_teardown(the_numbers_of_a_child_made_without_handlers_start_at_zero, start, stop),
        cmocka_unit_test_setup_teardown(closing_in_such_a_child_leaves_the_parents_spool_alone, start, stop),
        cmocka_unit_test_setup_teardown(a_child_samples_by_the_same_key_and_with_draws_of_its_own, start, stop),
        cmocka_unit_test_setup_teardown(so_does_a_child_made_without_handlers, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
