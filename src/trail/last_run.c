/* last_run.c -- remembers when a service last recorded, under which rules and how it ended.
 *
 * The happy path is: take a share of the lock, read what the run before left, say that we run, leave a sign of life now
 * and then, say that we stopped. Possible failure modes are, each told once and none of them in anybody's way:
 *
 * - The state directory, the lock or the file cannot be used: nothing is known, nothing is left.
 * - The file is damaged, or another service's (whose name has the same hash): nothing is known, and ours replaces it.
 * - Two processes write at once: each file is whole; the later sign of life is kept, and the rules of who came last.
 */
#include "trail/last_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/settings_value.h"
#include "base/sha256.h"
#include "base/text.h"
#include "trail/rules.h"

/* {"seen":"2026-11-24T04:05:06.123456Z","running":true,"on":true,"untold_off_seconds":0,"service":"gateway",
 *  "rules":{"AUDIT_TRAIL_LEVEL":"all",...}} */
#define SEEN_START "{\"seen\":\""
#define SEEN_AT (sizeof SEEN_START - 1)
#define SEEN_SIZE (CLOCK_TEXT_SIZE - 1)

/* Every list of the rules at its longest, each byte escaped, does not come near it: what is larger is not ours. */
#define FILE_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* More than the years that are stored have. */
#define OFF_SECONDS_MAX (CLOCK_WALL_US_MAX / 1000000)

/* Enough to name a service among those that share a state directory; the file says its name as well. */
#define HASH_HEX_DIGITS 24

static void note_problem(struct last_run *run, const struct trail_error *problem)
{
    if (run->has_problem)
        return;
    run->problem = *problem;
    run->has_problem = true;
}

bool last_run_take_problem(struct last_run *run, struct trail_error *ret_problem)
{
    pthread_mutex_lock(&run->lock);
    bool is_new = run->has_problem && !run->was_problem_taken;
    if (is_new) {
        *ret_problem = run->problem;
        run->was_problem_taken = true;
    }
    pthread_mutex_unlock(&run->lock);
    return is_new;
}

/* ---- Reading what the run before left ---- */

/* What a file says, if it is one of ours. */
struct content {
    int64_t           seen_us;
    bool              has_seen;
    bool              running;
    bool              off; /* Who wrote it had switched the trail off. */
    uint64_t          untold_off_seconds;
    struct trail_text service; /* With its quotes. */
    struct trail_text rules;   /* An object; absent: nothing was ever recorded. */
};

/* 0: not a number that we would have written. */
static uint64_t read_seconds(struct trail_text text)
{
    uint64_t seconds = 0;
    return setting_number_read(text, false, &seconds) && seconds <= OFF_SECONDS_MAX ? seconds : 0;
}

static void take_member(struct content *content, struct trail_text key, struct trail_text value)
{
    struct trail_text inner = value.size >= 2 ? text_of(value.data + 1, value.size - 2) : value;

    if (text_equal(key, TRAIL_TEXT("\"seen\"")))
        content->has_seen = value.data[0] == '"' && clock_parse(inner, &content->seen_us);
    else if (text_equal(key, TRAIL_TEXT("\"running\"")))
        content->running = text_equal(value, TRAIL_TEXT("true"));
    else if (text_equal(key, TRAIL_TEXT("\"on\"")))
        content->off = text_equal(value, TRAIL_TEXT("false"));
    else if (text_equal(key, TRAIL_TEXT("\"untold_off_seconds\"")))
        content->untold_off_seconds = read_seconds(value);
    else if (text_equal(key, TRAIL_TEXT("\"service\"")))
        content->service = value;
    else if (text_equal(key, TRAIL_TEXT("\"rules\"")) && value.data[0] == '{')
        content->rules = value;
}

/* False: it is not what we wrote. */
static bool parse(struct trail_text text, struct content *content)
{
    struct json_reader reader;
    enum json_token    token;

    json_start(&reader, text);
    if (json_next(&reader) != JSON_OBJECT_BEGIN)
        return false;
    while ((token = json_next(&reader)) == JSON_KEY) {
        struct trail_text key = reader.span;
        struct trail_text value;
        if (!json_take_value(&reader, &value))
            return false;
        take_member(content, key, value);
    }
    return token == JSON_OBJECT_END && json_next(&reader) == JSON_END && content->has_seen;
}

/* 0, or errno. ENOENT: there is none. */
static int read_whole(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno;
    ssize_t got = 1;
    while (got > 0 && out->size <= FILE_BYTES_MAX) {
        char *to = buf_reserve(out, 4096);
        got = to != NULL ? read(fd, to, 4096) : -1;
        if (got > 0)
            out->size += (size_t)got;
    }
    int failed = got < 0 ? errno : 0;
    close(fd);
    return failed;
}

static bool is_of_service(const struct last_run *run, struct trail_text service)
{
    struct buf own;
    buf_init(&own, NULL, 0);
    rules_append_text(trail_str(run->service), SIZE_MAX, &own);
    bool is = text_equal(buf_text(&own), service);
    buf_done(&own);
    return is;
}

/* A process that lives keeps the trail on, unless it was told to switch it off: then it leaves no signs of life, and
 * others of the service that are on do. */
static void take_content(struct last_run *run, const struct content *content, bool is_another_alive)
{
    int64_t off_us = clock_wall_us(run->clock) - content->seen_us;
    int64_t least_us = INT64_C(1000000) * LAST_RUN_OFF_SECONDS_MIN + (is_another_alive ? LAST_RUN_STAMP_US : 0);

    run->found = true;
    run->seen_us = content->seen_us;
    run->off_seconds = content->untold_off_seconds;
    run->end = is_another_alive ? LAST_RUN_GOES_ON : content->running ? LAST_RUN_KILLED : LAST_RUN_STOPPED;
    if ((!is_another_alive || content->off) && off_us >= least_us)
        run->off_seconds += (uint64_t)(off_us / 1000000);
    buf_append_text(&run->rules, content->rules);
}

static void read_file(struct last_run *run, bool is_another_alive)
{
    struct trail_error problem;
    struct content     content = { 0 };
    struct buf         text;

    buf_init(&text, NULL, 0);
    int failed = read_whole(run->path, &text);
    if (failed != 0 && failed != ENOENT) {
        error_set_sys(&problem, TRAIL_EIO, failed, "cannot read what the last run left in %.160s", run->path);
        note_problem(run, &problem);
    } else if (failed == 0 && (!parse(buf_text(&text), &content) || !is_of_service(run, content.service))) {
        error_set(&problem, TRAIL_ECORRUPT, 0, "%.160s is damaged: nothing is known of the last run", run->path);
        note_problem(run, &problem);
    } else if (failed == 0) {
        take_content(run, &content, is_another_alive);
    }
    buf_done(&text);
}

/* ---- Opening ---- */

static bool make_path(struct last_run *run, const struct last_run_options *options, char lock_path[OS_PATH_SIZE])
{
    struct sha256 sha256;
    uint8_t       digest[SHA256_BYTES] = { 0 };
    char          hex[SHA256_HEX_SIZE];
    char          name[64];

    if (sha256_init(&sha256) != TRAIL_OK)
        return false;
    enum trail_err err = sha256_digest(&sha256, trail_str(options->service), digest);
    sha256_done(&sha256);
    if (err != TRAIL_OK)
        return false;
    sha256_hex(digest, hex);
    snprintf(name, sizeof name, "service-%.*s.lock", HASH_HEX_DIGITS, hex);
    if (!os_path_join(lock_path, options->state_dir, name))
        return false;
    snprintf(name, sizeof name, "service-%.*s.run", HASH_HEX_DIGITS, hex);
    return os_path_join(run->path, options->state_dir, name);
}

/* Hold our part of the lock; *ret_is_another_alive: somebody else held one. False: there is no lock to hold. */
static bool take_lock(struct last_run *run, const char *lock_path, bool *ret_is_another_alive)
{
    run->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (run->lock_fd < 0)
        return false;
    *ret_is_another_alive = os_file_is_locked(run->lock_fd);
    return os_share_file(run->lock_fd);
}

void last_run_open(struct last_run *run, const struct last_run_options *options)
{
    char               lock_path[OS_PATH_SIZE] = "";
    bool               is_another_alive = false;
    struct trail_error problem = { 0 };

    *run = (struct last_run){ .service = options->service, .clock = options->clock, .lock_fd = -1 };
    pthread_mutex_init(&run->lock, NULL);
    buf_init(&run->rules, NULL, 0);
    if (!make_path(run, options, lock_path))
        error_set(&problem, TRAIL_EIO, 0, "no file for the last run can be named below %.160s", options->state_dir);
    else if (os_make_directory(options->state_dir, &problem) == TRAIL_OK &&
             !take_lock(run, lock_path, &is_another_alive))
        error_set_sys(&problem, TRAIL_EIO, errno, "cannot lock %.160s", lock_path);
    if (problem.code != TRAIL_OK) {
        note_problem(run, &problem);
        run->path[0] = '\0';
        return;
    }
    read_file(run, is_another_alive);
}

/* ---- Telling ---- */

static void append_changes(const struct last_run *run, const struct settings *settings, struct buf *out)
{
    struct json_reader reader;
    struct buf         now;
    struct buf         scratch;

    buf_init(&now, NULL, 0);
    buf_init(&scratch, NULL, 0);
    json_start(&reader, buf_text(&run->rules));
    (void)json_next(&reader);
    while (json_next(&reader) == JSON_KEY) {
        struct trail_text key = reader.span;
        struct trail_text old;
        enum setting_id   id = 0;
        if (!json_take_value(&reader, &old))
            break;
        while (id < SETTING_COUNT &&
               !text_equal(trail_str(setting_info(id)->name), text_of(key.data + 1, key.size - 2)))
            id++;
        if (id == SETTING_COUNT || old.data[0] != '"')
            continue; /* Of another version. */
        buf_clear(&now);
        rules_append_value(settings, id, SIZE_MAX, &now);
        if (text_equal(old, buf_text(&now)))
            continue;
        json_append_name(out, setting_info(id)->name);
        buf_append_string(out, "{\"old\":");
        buf_clear(&scratch);
        rules_append_text(json_unescape(old, &scratch), RULES_SHOWN_BYTES, out);
        buf_append_string(out, ",\"new\":");
        rules_append_value(settings, id, RULES_SHOWN_BYTES, out);
        buf_append_string(out, "}");
    }
    buf_done(&scratch);
    buf_done(&now);
}

void last_run_describe(struct last_run *run, const struct settings *settings, struct buf *out)
{
    static const char *const ends[] = { "stopped", "killed", "running" };
    char                     seen[CLOCK_TEXT_SIZE];

    if (!run->found)
        return;
    clock_format(run->seen_us, seen);
    json_append_name(out, "last_run");
    buf_printf(out, "{\"seen\":\"%s\",\"ended\":\"%s\"", seen, ends[run->end]);
    if (run->off_seconds > 0)
        buf_printf(out, ",\"off_seconds\":%" PRIu64, run->off_seconds);
    buf_append_string(out, "}");
    if (run->rules.size == 0)
        return;
    json_append_name(out, "changed");
    buf_append_string(out, "{");
    append_changes(run, settings, out);
    buf_append_string(out, "}");
}

/* ---- Writing. Callers hold the lock. ---- */

/* What the file says now, as text; "" when it says nothing. Two such texts compare as their times do. */
static int open_seen(const struct last_run *run, char ret_seen[CLOCK_TEXT_SIZE])
{
    char text[SEEN_AT + SEEN_SIZE + 1];

    ret_seen[0] = '\0';
    int fd = open(run->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && pread(fd, text, sizeof text, 0) == (ssize_t)sizeof text && memcmp(text, SEEN_START, SEEN_AT) == 0 &&
        text[SEEN_AT + SEEN_SIZE] == '"')
        snprintf(ret_seen, CLOCK_TEXT_SIZE, "%.*s", (int)SEEN_SIZE, text + SEEN_AT);
    return fd;
}

/* Such a time was written by a clock that was ahead of the one that we have now, and says nothing. Others of the
 * service may be a moment ahead. */
static bool is_ahead(const struct last_run *run, const char *seen)
{
    char bound[CLOCK_TEXT_SIZE];
    clock_format(clock_wall_us(run->clock) + LAST_RUN_STAMP_US, bound);
    return strcmp(seen, bound) > 0;
}

static void close_seen(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void write_locked(struct last_run *run, bool is_running)
{
    struct trail_error problem;
    struct buf         text;
    char               seen[CLOCK_TEXT_SIZE];
    char               seen_there[CLOCK_TEXT_SIZE];

    if (run->path[0] == '\0')
        return;
    clock_format(run->written_us, seen);
    close_seen(open_seen(run, seen_there));
    if (strcmp(seen_there, seen) > 0 && !is_ahead(run, seen_there)) /* By another process of the service. */
        memcpy(seen, seen_there, sizeof seen);
    buf_init(&text, NULL, 0);
    buf_printf(&text, SEEN_START "%s\",\"running\":%s,\"on\":%s,\"untold_off_seconds\":%" PRIu64 ",\"service\":", seen,
               is_running ? "true" : "false", run->is_on ? "true" : "false", run->is_told ? 0 : run->off_seconds);
    rules_append_text(trail_str(run->service), SIZE_MAX, &text);
    if (run->rules.size > 0) {
        buf_append_string(&text, ",\"rules\":");
        buf_append_text(&text, buf_text(&run->rules));
    }
    buf_append_string(&text, "}\n");
    if (buf_failed(&text) || buf_failed(&run->rules))
        error_set(&problem, TRAIL_ENOMEM, 0, "out of memory for what the next start should know");
    else if (os_replace_file(run->path, buf_text(&text), &problem) == TRAIL_OK)
        problem.code = TRAIL_OK;
    if (problem.code != TRAIL_OK)
        note_problem(run, &problem);
    buf_done(&text);
}

/* While it is off nobody sees it. A clock that was set back a little does not make it younger; one that was far ahead
 * and is right again does, or the time that the trail is off from now on would not show until then. */
static void see_locked(struct last_run *run)
{
    int64_t now_us = clock_wall_us(run->clock);
    if (run->is_on && (now_us > run->written_us || run->written_us > now_us + LAST_RUN_STAMP_US))
        run->written_us = now_us;
}

static void set_rules_locked(struct last_run *run, const struct settings *settings)
{
    buf_clear(&run->rules);
    buf_append_string(&run->rules, "{");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (!rules_cover(id))
            continue;
        json_append_name(&run->rules, setting_info(id)->name);
        rules_append_value(settings, id, SIZE_MAX, &run->rules);
    }
    buf_append_string(&run->rules, "}");
    run->is_told = true;
    see_locked(run); /* Up to this moment it was what it was. */
    run->is_on = settings->enabled;
    see_locked(run);
}

void last_run_begin(struct last_run *run, const struct settings *settings)
{
    pthread_mutex_lock(&run->lock);
    run->is_on = settings->enabled;
    run->written_us = run->found ? run->seen_us : 0;
    see_locked(run);
    write_locked(run, true);
    pthread_mutex_unlock(&run->lock);
}

void last_run_tell_start(struct last_run *run, const struct settings *settings)
{
    pthread_mutex_lock(&run->lock);
    if (!run->is_told) {
        set_rules_locked(run, settings);
        write_locked(run, true);
    }
    pthread_mutex_unlock(&run->lock);
}

void last_run_tell_change(struct last_run *run, const struct settings *settings)
{
    pthread_mutex_lock(&run->lock);
    set_rules_locked(run, settings);
    write_locked(run, true);
    pthread_mutex_unlock(&run->lock);
}

/* Write over the first member if what is there is older. False: there is nothing of ours. */
static bool stamp_in_place(const struct last_run *run)
{
    char seen[CLOCK_TEXT_SIZE];
    char seen_there[CLOCK_TEXT_SIZE];

    clock_format(run->written_us, seen);
    int  fd = open_seen(run, seen_there);
    bool done = seen_there[0] != '\0';
    if (done && (strcmp(seen_there, seen) < 0 || is_ahead(run, seen_there)))
        done = pwrite(fd, seen, SEEN_SIZE, SEEN_AT) == (ssize_t)SEEN_SIZE;
    close_seen(fd);
    return done;
}

void last_run_stamp(struct last_run *run)
{
    pthread_mutex_lock(&run->lock);
    if (run->path[0] != '\0' && run->is_on) {
        see_locked(run);
        if (!stamp_in_place(run))
            write_locked(run, true);
    }
    pthread_mutex_unlock(&run->lock);
}

/* ---- Closing ---- */

static void let_go_locked(struct last_run *run)
{
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    run->lock_fd = -1;
}

/* Let go of our share, and say whether nobody else of the service runs. What others must find is written before: the
 * last one's word comes after it. Of two that end at the same moment each sees the other, but not once both let go. */
static bool leave_locked(struct last_run *run, bool is_dirty)
{
    if (run->lock_fd < 0 || !os_file_is_locked(run->lock_fd))
        return true;
    if (is_dirty)
        write_locked(run, true);
    os_unlock_file(run->lock_fd);
    return !os_file_is_locked(run->lock_fd);
}

void last_run_close(struct last_run *run, const struct settings *told)
{
    pthread_mutex_lock(&run->lock);
    bool is_dirty = told != NULL && !run->is_told;
    if (is_dirty)
        set_rules_locked(run, told);
    see_locked(run);
    if (leave_locked(run, is_dirty))
        write_locked(run, false);
    else
        (void)stamp_in_place(run);
    let_go_locked(run);
    buf_done(&run->rules);
    run->path[0] = '\0';
    pthread_mutex_unlock(&run->lock);
}

void last_run_cancel(struct last_run *run)
{
    let_go_locked(run);
    buf_done(&run->rules);
    pthread_mutex_destroy(&run->lock);
}

/* ---- Around fork() ---- */

void last_run_fork_lock(struct last_run *run)
{
    pthread_mutex_lock(&run->lock);
}

void last_run_fork_unlock(struct last_run *run)
{
    pthread_mutex_unlock(&run->lock);
}

void last_run_abandon(struct last_run *run)
{
    let_go_locked(run);
}
