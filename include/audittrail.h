/* audittrail.h -- who did what to which resource, recorded in well under a microsecond, stored exactly once.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * THE MODEL
 *   A service opens one trail and calls trail_record() for everything that is done. The policy
 *   (AUDIT_TRAIL_LEVEL, exclusions, sampling) decides whether the event is worth a record. One that is kept is
 *   copied into the spool, a memory-mapped file: from then on it survives the process. A background
 *   thread, the drain, writes what has gathered to the store in batches, each in one transaction.
 *
 *       event  ->  policy  ->  spool  ->  drain  ->  store
 *
 * WHAT IS GUARANTEED
 *   An accepted event (TRAIL_OK or TRAIL_PENDING) is stored exactly once. AUDIT_TRAIL_DURABILITY says
 *   what it survives until then: `process` (default): a crash or kill -9 of the process; an operating
 *   system crash or a power cut may lose the last sync interval (1 s). `machine`: a power cut too, on
 *   ext4 and xfs. An event that is not accepted is reported to the caller by a code of its own and
 *   counted by reason; nothing is lost without a number that says so.
 *
 * WHAT THE TRAIL SAYS OF ITSELF
 *   Its start (under which policy, what differs from the service's last run, how long the trail was off in
 *   between), its stop, a change of the policy, what a dead process left and what was lost are records of
 *   their own. No policy leaves them out.
 *
 * CAVEATS
 *   - Call no function of this library from a signal handler. On SIGTERM let your own handler wake the
 *     main thread, which calls trail_close().
 *   - After fork() the child records into a spool of its own; nothing needs to be called. Do not fork
 *     from inside on_notice. A child that was made behind libc's back (a raw clone) is found out and gets a
 *     spool of its own as well, but SQLite is not made for being cloned in the middle of its work: use fork().
 *   - The library never logs, never exits and installs no signal handler. What an operator should know
 *     goes to on_notice.
 *   - AUDIT_TRAIL_STATE_DIR must not be on a network file system.
 *
 * Thread: every function may be called from any thread at any time, except trail_close(), which must
 *         be the last call on its trail, and the trail_query_* functions, which belong to one thread.
 * Memory: everything passed in is borrowed for the call and copied; nothing passed out is owned by
 *         the caller unless the function says so.
 * Errors: what can fail returns enum trail_err: zero and above, it did its work; below, nothing has
 *         changed. struct trail_error says what exactly went wrong.
 */
#ifndef AUDITTRAIL_H
#define AUDITTRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRAIL_VERSION "0.1.0"

#define TRAIL_API __attribute__((visibility("default")))
#define TRAIL_MUST_CHECK __attribute__((warn_unused_result))

/* ---- Text ------------------------------------------------------------------------------------- */

/* Bytes with a length, not owned and not NUL-terminated. {0} means absent. */
struct trail_text {
    const char *data;
    size_t      size;
};

#define TRAIL_TEXT(literal) ((struct trail_text){ (literal), sizeof(literal) - 1 })

/* The text of a NUL-terminated string; NULL gives the absent text. */
static inline struct trail_text trail_str(const char *string)
{
    struct trail_text text = { string, string != NULL ? __builtin_strlen(string) : 0 };
    return text;
}

/* ---- Errors ----------------------------------------------------------------------------------- */

/* Symbol, number, sentence. Zero and above: the call did its work; below: it did not.
 * Numbers are never reused. */
#define TRAIL_ERR_MAP(X)                                                                     \
    X(TRAIL_OK, 0, "done; an event is accepted")                                             \
    X(TRAIL_REFUSED, 1, "not recorded: the policy leaves this event out")                    \
    X(TRAIL_DROPPED, 2, "not recorded: the spool is full and AUDIT_TRAIL_OVERFLOW is drop")  \
    X(TRAIL_PENDING, 3, "accepted and safe in the spool, not yet stored; do not retry")      \
    X(TRAIL_EINVAL, -1, "an argument or a field is not valid")                               \
    X(TRAIL_ENOMEM, -2, "out of memory")                                                     \
    X(TRAIL_EIO, -3, "the operating system reported an error")                               \
    X(TRAIL_EFULL, -4, "the spool is full")                                                  \
    X(TRAIL_ETOOBIG, -5, "the event is larger than 1 MiB")                                   \
    X(TRAIL_ECONFIG, -6, "a setting is not valid")                                           \
    X(TRAIL_EAWAY, -7, "the store cannot be reached, is locked or is read-only")             \
    X(TRAIL_EDATA, -8, "the store refused the data of an event")                             \
    X(TRAIL_EFENCE, -9, "this writer's events were already advanced by another transaction") \
    X(TRAIL_EVERSION, -10, "made by a newer version of audittrail")                          \
    X(TRAIL_ECORRUPT, -11, "the data is damaged")                                            \
    X(TRAIL_ELOCKED, -12, "in use by another process")                                       \
    X(TRAIL_EUNSUPPORTED, -13, "not supported here")                                         \
    X(TRAIL_ENOTFOUND, -14, "not found")                                                     \
    X(TRAIL_EAGAIN, -15, "asked again too soon: nothing was done, ask once more in a second")

enum trail_err {
#define TRAIL_ERR_ENUM(symbol, number, sentence) symbol = number,
    TRAIL_ERR_MAP(TRAIL_ERR_ENUM)
#undef TRAIL_ERR_ENUM
};

/* What exactly went wrong. Always optional, always the last argument, untouched on success. */
struct trail_error {
    enum trail_err code;
    int            sys_errno;    /* 0 when the operating system was not involved. */
    uint64_t       offset;       /* Position in the input that the message is about, else 0. */
    char           message[256]; /* One sentence, NUL-terminated. */
};

/* The sentence of the table above. A static string. */
TRAIL_API const char *trail_strerror(enum trail_err code);

/* TRAIL_VERSION of the library that is loaded. A static string. */
TRAIL_API const char *trail_version(void);

/* ---- The event -------------------------------------------------------------------------------- */

/* What was done. TRAIL_OPERATION_AUTO (0): found from the action's name. */
#define TRAIL_OPERATION_MAP(X) \
    X(CREATE, 1, "create")     \
    X(READ, 2, "read")         \
    X(UPDATE, 3, "update")     \
    X(DELETE, 4, "delete")     \
    X(EXECUTE, 5, "execute")   \
    X(ACCESS, 6, "access")     \
    X(EXPORT, 7, "export")     \
    X(IMPORT, 8, "import")     \
    X(AUTH, 9, "auth")         \
    X(ADMIN, 10, "admin")      \
    X(AUDIT, 11, "audit")      \
    X(OTHER, 12, "other")

enum trail_operation {
    TRAIL_OPERATION_AUTO = 0,
#define TRAIL_OPERATION_ENUM(symbol, number, name) TRAIL_OPERATION_##symbol = number,
    TRAIL_OPERATION_MAP(TRAIL_OPERATION_ENUM)
#undef TRAIL_OPERATION_ENUM
};

/* How it ended. Zero is success, so that an event that says nothing succeeded. */
#define TRAIL_OUTCOME_MAP(X) \
    X(SUCCESS, 0, "success") \
    X(FAILURE, 1, "failure") \
    X(DENIED, 2, "denied")   \
    X(PARTIAL, 3, "partial") \
    X(UNKNOWN, 4, "unknown")

enum trail_outcome {
#define TRAIL_OUTCOME_ENUM(symbol, number, name) TRAIL_OUTCOME_##symbol = number,
    TRAIL_OUTCOME_MAP(TRAIL_OUTCOME_ENUM)
#undef TRAIL_OUTCOME_ENUM
};

/* How sensitive the data is. Zero: not said. */
#define TRAIL_CLASSIFICATION_MAP(X)    \
    X(NONE, 0, "")                     \
    X(PUBLIC, 1, "public")             \
    X(INTERNAL, 2, "internal")         \
    X(CONFIDENTIAL, 3, "confidential") \
    X(RESTRICTED, 4, "restricted")

enum trail_classification {
#define TRAIL_CLASSIFICATION_ENUM(symbol, number, name) TRAIL_CLASSIFICATION_##symbol = number,
    TRAIL_CLASSIFICATION_MAP(TRAIL_CLASSIFICATION_ENUM)
#undef TRAIL_CLASSIFICATION_ENUM
};

/* Whether a person must look at it. Zero: derived from the event. */
enum trail_review { TRAIL_REVIEW_AUTO = 0, TRAIL_REVIEW_NO = 1, TRAIL_REVIEW_YES = 2 };

/* Which events a level takes. Stored with each event: the narrowest level that takes its operation. */
#define TRAIL_LEVEL_MAP(X)                 \
    X(ALL, 1, "all")                       \
    X(WRITES_ONLY, 2, "writes_only")       \
    X(MUTATIONS_ONLY, 3, "mutations_only") \
    X(DELETES_ONLY, 4, "deletes_only")     \
    X(FAILURES_ONLY, 5, "failures_only")

enum trail_level {
#define TRAIL_LEVEL_ENUM(symbol, number, name) TRAIL_LEVEL_##symbol = number,
    TRAIL_LEVEL_MAP(TRAIL_LEVEL_ENUM)
#undef TRAIL_LEVEL_ENUM
};

/* What happened to an event on its way, a bit set. */
#define TRAIL_FLAG_MAP(X)                          \
    X(TRUNCATED, 1, "truncated")                   \
    X(REPAIRED, 2, "repaired")                     \
    X(CLOCK_STEPPED_BACK, 4, "clock_stepped_back") \
    X(CLAMPED, 8, "clamped")                       \
    X(REDACTED, 16, "redacted")                    \
    X(UNPARSED, 32, "unparsed")                    \
    X(CONTROL, 64, "control")

enum trail_flag {
#define TRAIL_FLAG_ENUM(symbol, number, name) TRAIL_FLAG_##symbol = number,
    TRAIL_FLAG_MAP(TRAIL_FLAG_ENUM)
#undef TRAIL_FLAG_ENUM
};

/* The largest event that is taken, its encoded form included. */
#define TRAIL_EVENT_BYTES_MAX (1024 * 1024)

/* Who did what to which resource. Start from TRAIL_EVENT_INIT; `action`, `resource_type` and `user_id`
 * are required, everything else may stay absent. Over-long text is cut at a character, bytes that
 * are not UTF-8 are replaced by U+FFFD; both are flagged, neither loses the event. */
struct trail_event {
    size_t                    struct_size;         /* Set by TRAIL_EVENT_INIT; lets the struct grow. */
    int64_t                   timestamp_us;        /* Microseconds since 1970 UTC; 0 = now. */
    enum trail_operation      operation;           /* 0 = classified from `action`. */
    enum trail_outcome        outcome;             /* 0 = success. */
    enum trail_classification data_classification; /* 0 = not said. */
    enum trail_review         requires_review;     /* 0 = derived. */
    struct trail_text         action;              /* <= 100 bytes, required. */
    struct trail_text         resource_type;       /* <= 100, required. */
    struct trail_text         resource_id;         /* <= 255 */
    struct trail_text         resource_name;       /* <= 500 */
    struct trail_text         user_id;             /* <= 255, required. */
    struct trail_text         user_email;          /* <= 255 */
    struct trail_text         team_id;             /* <= 64 */
    struct trail_text         auth_method;         /* <= 50 */
    struct trail_text         acting_as;           /* <= 255 */
    struct trail_text         client_ip;           /* <= 45 */
    struct trail_text         user_agent;          /* <= 512 */
    struct trail_text         request_method;      /* <= 10 */
    struct trail_text         request_path;        /* <= 500; the query string is left out. */
    struct trail_text         correlation_id;      /* <= 64 */
    struct trail_text         request_id;          /* <= 64 */
    struct trail_text         error_message;       /* <= 4096 */
    struct trail_text         delegation_chain;    /* JSON. */
    struct trail_text         old_values;          /* JSON object <= AUDIT_TRAIL_MAX_VALUE_BYTES. */
    struct trail_text         new_values;          /* JSON object, likewise. */
    struct trail_text         changes;             /* JSON object; derived for an update with both. */
    struct trail_text         context;             /* JSON object. */
};

/* As a designated initializer: struct trail_event e = { TRAIL_EVENT_INIT, .action = ... }; */
#define TRAIL_EVENT_INIT .struct_size = sizeof(struct trail_event)

/* The event's identity: a UUIDv7, the same on every face of the product. */
struct trail_id {
    char text[37]; /* NUL-terminated. */
};

/* ---- The trail -------------------------------------------------------------------------------- */

struct trail;

/* What an operator should know. Called from the library's own threads and from callers of
 * trail_record(); must not block and must not call this library. */
typedef void (*trail_notice_fn)(void *context, const struct trail_error *notice);

struct trail_options {
    size_t             struct_size;    /* Set by TRAIL_OPTIONS_INIT. */
    const char *const *settings;       /* "AUDIT_TRAIL_X=value" strings, NULL last; win over the environment. */
    const char        *env_file;       /* File of settings, below the environment. NULL = ".env" if there; "" = none. */
    trail_notice_fn    on_notice;      /* NULL = nobody listens. */
    void              *notice_context; /* Handed to on_notice. */
};

#define TRAIL_OPTIONS_INIT .struct_size = sizeof(struct trail_options)

/* Read and check the settings and compile the policy. Touches no file but the env file: the first event that is
 * offered opens the spool and starts the threads. `options` may be NULL.
 * TRAIL_ECONFIG: one or more settings are wrong; each is told to on_notice, the first in ret_error.
 * TRAIL_EINVAL: ret_trail is NULL, or the options' struct_size is no size: use TRAIL_OPTIONS_INIT.
 * The caller owns *ret_trail until trail_close(). */
TRAIL_API TRAIL_MUST_CHECK enum trail_err trail_open(struct trail **ret_trail, const struct trail_options *options,
                                                     struct trail_error *ret_error);

/* Say in one line what the effective policy is and what it will not record. Writes at most `size`
 * bytes, NUL included, and returns the length of the whole line. Of NULL: nothing, 0. */
TRAIL_API size_t trail_describe(const struct trail *trail, char *buffer, size_t size);

/* Read the settings again, from the same sources (the options of trail_open(), the environment, the env file), and put
 * a changed policy in force: whatever decides which events are recorded (the settings of "What is recorded"). Every
 * other setting waits for a restart; those that changed are named to on_notice.
 *
 * A change is a record of its own, policy_changed, with the old and the new policy, and is told to on_notice; without a
 * change nothing happens. Each event is decided by one policy, the one in force when it was offered: behind
 * policy_changed there may still be one event per thread that was inside trail_record() at that moment, but no event
 * that the new policy decided stands before it. A trail that is switched off here stays open and counts what it is
 * offered as `disabled`; one that was opened disabled and is switched on opens with the next event.
 *
 * Not from a signal handler: let SIGHUP wake a thread that calls this. Nobody may change the environment meanwhile.
 * TRAIL_OK: the policy in force is the one the settings describe, changed or not; trail_describe() says it.
 * TRAIL_EAGAIN: less than a second after the call before; nothing was read. Ask once more in a second.
 * TRAIL_ECONFIG: as trail_open(); every problem is told to on_notice. TRAIL_EFULL, TRAIL_EIO: the change cannot be
 * recorded. Whatever fails, the policy stays as it is. */
TRAIL_API TRAIL_MUST_CHECK enum trail_err trail_reload(struct trail *trail, struct trail_error *ret_error);

/* Offer one event. ret_id (optional) is set when the event is accepted.
 * TRAIL_OK        accepted (and, with AUDIT_TRAIL_ASYNC=false, stored).
 * TRAIL_PENDING   accepted and safe, not confirmed in time; will be stored; never retry.
 * TRAIL_REFUSED   the policy leaves it out; counted.
 * TRAIL_DROPPED   the spool is full and AUDIT_TRAIL_OVERFLOW=drop; counted.
 * TRAIL_EINVAL    a required field is empty, an enum or struct_size is out of range; counted as rejected.
 * TRAIL_ETOOBIG   larger than TRAIL_EVENT_BYTES_MAX; counted as rejected.
 * TRAIL_EFULL     the spool is full (limit or disk); counted as rejected.
 * TRAIL_EIO, TRAIL_EUNSUPPORTED, ...: the spool cannot be opened; counted in memory as rejected, retried with
 * back-off. */
TRAIL_API enum trail_err trail_record(struct trail *trail, const struct trail_event *event, struct trail_id *ret_id,
                                      struct trail_error *ret_error);

/* The same for one JSON object with the field names of struct trail_event. `timestamp` is RFC 3339 text
 * or microseconds; `success` (boolean) is accepted for `outcome`; unknown fields are kept under
 * context.extra. TRAIL_EINVAL: not such an object; ret_error->offset says where. */
TRAIL_API enum trail_err trail_record_json(struct trail *trail, struct trail_text json, struct trail_id *ret_id,
                                           struct trail_error *ret_error);

/* ---- The guard: an operation and its outcome as one event ------------------------------------- */

/* Lives in the caller's frame between begin and end. What is learned in between (the id of what was created, old and
 * new values) is added to `event`; the texts are borrowed until trail_end(). */
struct trail_scope {
    struct trail      *trail; /* The library's. */
    struct trail_event event;
};

/* Note what is about to be done. The texts of `event` are borrowed until trail_end().
 * Declare the scope with TRAIL_SCOPE and a path that forgets trail_end() is recorded as `unknown`. */
TRAIL_API void trail_begin(struct trail_scope *scope, struct trail *trail, const struct trail_event *event);

/* Record it with what really happened. A second call on the same scope does nothing and returns TRAIL_OK. */
TRAIL_API enum trail_err trail_end(struct trail_scope *scope, enum trail_outcome outcome,
                                   struct trail_text error_message);

/* Record the scope as `unknown` if nobody ended it. */
TRAIL_API void trail_scope_done(struct trail_scope *scope);

#define TRAIL_SCOPE(name) __attribute__((cleanup(trail_scope_done))) struct trail_scope name = { 0 }

/* ---- Flush, numbers, close -------------------------------------------------------------------- */

/* Wait until every event accepted before this call is stored, at most timeout_ms (0: only ask for it).
 * TRAIL_PENDING: not all of them yet; they are safe. */
TRAIL_API TRAIL_MUST_CHECK enum trail_err trail_flush(struct trail *trail, uint32_t timeout_ms);

/* Where the events of one operation went:
 * offered = recorded + level + excluded + sampled + rejected + dropped. */
struct trail_account {
    uint64_t recorded; /* Accepted: in the spool or in the store. */
    uint64_t level;    /* Left out by AUDIT_TRAIL_LEVEL. */
    uint64_t excluded; /* Left out by an exclusion. */
    uint64_t sampled;  /* Left out by AUDIT_TRAIL_SAMPLE_RATE or _READS. */
    uint64_t rejected; /* Could not be taken: the caller got a negative code. */
    uint64_t dropped;  /* Spool full with AUDIT_TRAIL_OVERFLOW=drop. */
};

#define TRAIL_OPERATION_COUNT 13 /* Index 0 holds the trail's own control records. */

/* Numbers of this process since it opened the trail (a forked child starts at zero). */
struct trail_stats {
    size_t               struct_size;                       /* Set by the caller to sizeof(struct trail_stats). */
    struct trail_account operations[TRAIL_OPERATION_COUNT]; /* By enum trail_operation. */
    uint64_t             disabled;                          /* Offered while AUDIT_TRAIL_ENABLED=false. */
    uint64_t             stored;            /* recorded = stored + waiting + dead_lettered, without control records. */
    uint64_t             waiting;           /* In the spool, not yet in the store. */
    uint64_t             dead_lettered;     /* Refused by the store, kept as dead letters. */
    uint64_t             unclassified;      /* Actions whose name said nothing. */
    uint64_t             transactions;      /* Batches committed. */
    uint64_t             store_errors;      /* Attempts that failed and were retried. */
    uint64_t             spool_bytes;       /* Disk taken by this process's segments. */
    int64_t              oldest_waiting_us; /* Age of the oldest waiting event, 0 if none. */
    uint64_t             cleanup_runs;      /* Clean-ups of the store that this process carried out. */
    uint64_t             cleanup_deleted;   /* Expired events deleted by it, */
    uint64_t             cleanup_batches;   /* in so many transactions. */
    uint64_t             cleanup_refused;   /* Clean-ups that it refused because of the clock. */
    int64_t              cleanup_last_us;   /* When its last one ended, microseconds since 1970; 0 if none did. */
    int64_t              cleanup_last_duration_us;
};

/* Of NULL every number is 0. */
TRAIL_API void trail_stats(struct trail *trail, struct trail_stats *ret_stats);

/* Store what waits, at most AUDIT_TRAIL_SHUTDOWN_TIMEOUT seconds, and free the trail. NULL does nothing.
 * TRAIL_PENDING: *ret_waiting (optional) events stay in the spool; the next start of any process with
 * the same store and spool directory stores them. */
TRAIL_API enum trail_err trail_close(struct trail *trail, uint64_t *ret_waiting);

/* ---- Reading it back -------------------------------------------------------------------------- */

struct trail_query; /* One reader's connection and position. */

/* An event as it is stored. Texts live until the next call on the query. */
struct trail_stored_event {
    struct trail_event event; /* Timestamp, operation, outcome and review are always set. */
    struct trail_id    id;
    enum trail_level   level;  /* The narrowest level that takes it. */
    uint32_t           flags;  /* enum trail_flag bits. */
    double             weight; /* How many events it stands for: 1, or 1 / the sampling rate. */
    uint64_t           seq;    /* Its number among its writer's events. */
    struct trail_text  service;
};

/* What to look for; absent means any. Ranges are [since, until). */
struct trail_filter {
    size_t                    struct_size; /* Set by TRAIL_FILTER_INIT. */
    int64_t                   since_us;    /* 0 = no bound. */
    int64_t                   until_us;    /* 0 = no bound. */
    struct trail_text         user_id;
    struct trail_text         user_email;
    struct trail_text         team_id;
    struct trail_text         resource_type;
    struct trail_text         resource_id;
    struct trail_text         action; /* `*` and `?` match as in AUDIT_TRAIL_EXCLUDE_ACTIONS. */
    struct trail_text         correlation_id;
    uint32_t                  operations; /* Bit 1 << enum trail_operation; 0 = any. */
    uint32_t                  outcomes;   /* Bit 1 << enum trail_outcome; 0 = any. */
    enum trail_level          level;      /* What this level alone would have kept; 0 = any. */
    enum trail_classification data_classification;
    enum trail_review         requires_review; /* YES or NO; 0 = any. */
    struct trail_id           after;           /* Only what comes after this event in the order asked for. */
    bool                      oldest_first;    /* Default: newest first. */
};

#define TRAIL_FILTER_INIT .struct_size = sizeof(struct trail_filter)

/* Open a read-only connection. `database_url` NULL: as the settings say.
 * TRAIL_EAWAY: no database there. Not to be kept open across fork(). */
TRAIL_API TRAIL_MUST_CHECK enum trail_err trail_query_open(struct trail_query **ret_query, const char *database_url,
                                                           const struct trail_filter *filter,
                                                           struct trail_error        *ret_error);

/* The next event, in (timestamp, writer, seq) order. TRAIL_ENOTFOUND: there is no further one.
 * No read transaction stays open between calls, so a slow reader does not hold up the writers. */
TRAIL_API TRAIL_MUST_CHECK enum trail_err trail_query_next(struct trail_query        *query,
                                                           struct trail_stored_event *ret_event,
                                                           struct trail_error        *ret_error);

TRAIL_API void trail_query_close(struct trail_query *query);

#ifdef __cplusplus
}
#endif
#endif
