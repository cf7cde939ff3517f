/* postgresql_connection.c -- one libpq connection whose calls end.
 *
 * Every call follows one pattern: send (without blocking), flush, take results until there is none. Whatever keeps us
 * from taking the last result (a time-out, an interruption, a socket that is gone) makes the connection `broken`. */
#include "store/postgresql_connection.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/postgresql_url.h"

/* Between two looks at `interrupted`: fork() waits for us. */
#define SLICE_MS 50

/* What a transaction of ours begins with, where each statement is a message of its own. */
static const char begin_write[] = "BEGIN";
static const char begin_read[] = "BEGIN READ ONLY";
static const char settings_sql[] =
    "SELECT set_config('search_path', 'audittrail, pg_catalog, pg_temp', true),"
    " set_config('synchronous_commit', 'on', true),"
    " set_config('statement_timeout', '25s', true), set_config('lock_timeout', '5s', true)";
/* What is switched off counts as a cost beyond all others, and would have every such statement compiled first. */
static const char by_index_sql[] = "SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true),"
                                   " set_config('enable_hashjoin', 'off', true),"
                                   " set_config('enable_mergejoin', 'off', true)";

/* ---- Errors ---- */

/* What the server's five characters mean to us. */
static enum trail_err meaning_of(const char *sqlstate)
{
    static const struct {
        const char    *prefix;
        enum trail_err err;
    } meanings[] = {
        { "22", TRAIL_EDATA },       /* Data exception. */
        { "23", TRAIL_EDATA },       /* A constraint; a trigger that raises says P0001. */
        { "P0001", TRAIL_EDATA },    /* RAISE EXCEPTION. */
        { "54000", TRAIL_EDATA },    /* Program limit: an index row that is too long, say. */
        { "42501", TRAIL_EAWAY },    /* No privilege. */
        { "42", TRAIL_ECORRUPT },    /* A table or column of ours is missing. */
        { "XX001", TRAIL_ECORRUPT }, /* Data or index corrupted. */
        { "XX002", TRAIL_ECORRUPT },
    };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (strncmp(sqlstate, meanings[i].prefix, strlen(meanings[i].prefix)) == 0)
            return meanings[i].err;
    }
    return TRAIL_EAWAY; /* Shutting down, too many connections, disk full, read-only, lock time-out, deadlock, ... */
}

/* libpq's words are lines; the first says it. */
static int words_size(const char *words)
{
    return (int)strcspn(words, "\n");
}

static enum trail_err lost(struct pg_connection *connection, const char *doing, const char *why,
                           struct trail_error *ret_error)
{
    connection->broken = true;
    connection->sqlstate[0] = '\0';
    return error_set(ret_error, TRAIL_EAWAY, 0, "cannot %s %s: %.*s", doing, connection->name, words_size(why), why);
}

/* "COPY audit_events, line 3, column flags": 3. */
static uint64_t row_of_context(const char *context)
{
    const char *line = context != NULL ? strstr(context, ", line ") : NULL;
    return line != NULL ? strtoull(line + strlen(", line "), NULL, 10) : 0;
}

static enum trail_err refused(struct pg_connection *connection, const PGresult *result, const char *doing,
                              struct trail_error *ret_error)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL)
        return lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    snprintf(connection->sqlstate, sizeof connection->sqlstate, "%s", sqlstate);
    connection->error_row = row_of_context(PQresultErrorField(result, PG_DIAG_CONTEXT));
    return error_set(ret_error, meaning_of(sqlstate), strcmp(sqlstate, "42501") == 0 ? EACCES : 0, "cannot %s %s: %s",
                     doing, connection->name, words != NULL ? words : sqlstate);
}

enum trail_err pg_check_usable(const struct pg_connection *connection, struct trail_error *ret_error)
{
    if (connection->broken || PQstatus(connection->pg) != CONNECTION_OK)
        return error_set(ret_error, TRAIL_EAWAY, 0, "the connection to %s must be opened again", connection->name);
    return TRAIL_OK;
}

/* ---- Waiting ---- */

static bool is_interrupted(const struct pg_connection *connection)
{
    return connection->interrupted != NULL && __atomic_load_n(connection->interrupted, __ATOMIC_ACQUIRE);
}

/* Until the socket is ready for `events`. What is spent of left_ms is counted by the waits themselves: no clock that
 * jumps ends a call. */
static enum trail_err wait_for(struct pg_connection *connection, short events, const char *doing,
                               struct trail_error *ret_error)
{
    for (;;) {
        if (is_interrupted(connection))
            return lost(connection, doing, "it was interrupted", ret_error);
        if (connection->left_ms <= 0)
            return lost(connection, doing, "there is no answer", ret_error);
        struct pollfd look = { .fd = PQsocket(connection->pg), .events = events };
        int           slice_ms = connection->left_ms < SLICE_MS ? connection->left_ms : SLICE_MS;
        int           ready = poll(&look, 1, slice_ms);
        if (ready > 0)
            return TRAIL_OK;
        if (ready < 0 && errno != EINTR)
            return lost(connection, doing, "its socket is gone", ret_error);
        connection->left_ms -= slice_ms;
    }
}

/* Hand everything that was sent to the system. */
static enum trail_err flush(struct pg_connection *connection, const char *doing, struct trail_error *ret_error)
{
    int left = PQflush(connection->pg);
    while (left > 0) {
        /* The server may have to be listened to before it goes on reading. */
        enum trail_err err = wait_for(connection, POLLIN | POLLOUT, doing, ret_error);
        if (err != TRAIL_OK)
            return err;
        if (PQconsumeInput(connection->pg) == 0)
            return lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
        left = PQflush(connection->pg);
    }
    return left == 0 ? TRAIL_OK : lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
}

/* The next result, NULL: there is no further one. */
static enum trail_err next_result(struct pg_connection *connection, const char *doing, PGresult **ret_result,
                                  struct trail_error *ret_error)
{
    *ret_result = NULL;
    while (PQisBusy(connection->pg)) {
        enum trail_err err = wait_for(connection, POLLIN, doing, ret_error);
        if (err != TRAIL_OK)
            return err;
        if (PQconsumeInput(connection->pg) == 0)
            return lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    }
    *ret_result = PQgetResult(connection->pg);
    return TRAIL_OK;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
           status == PGRES_COPY_IN || status == PGRES_PIPELINE_SYNC;
}

static void clear_all(PGresult *results[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        PQclear(results[i]);
        results[i] = NULL;
    }
}

/* Take every result of one message. The first error counts; what follows it is read all the same. */
static enum trail_err take_results(struct pg_connection *connection, const char *doing, PGresult *results[],
                                   size_t result_max, struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    for (size_t count = 0;; count++) {
        PGresult      *result;
        enum trail_err waited = next_result(connection, doing, &result, ret_error);
        if (waited != TRAIL_OK)
            err = waited;
        if (waited != TRAIL_OK || result == NULL)
            break;
        bool copies = PQresultStatus(result) == PGRES_COPY_IN;
        if (!is_good(result) && err == TRAIL_OK)
            err = refused(connection, result, doing, ret_error);
        if (count < result_max)
            results[count] = result;
        else
            PQclear(result);
        if (copies)
            break; /* There is none behind it until the COPY ends. */
    }
    if (err != TRAIL_OK)
        clear_all(results, result_max);
    return err;
}

/* ---- Running statements ---- */

static void prepare_call(struct pg_connection *connection, PGresult *results[], size_t result_max)
{
    for (size_t i = 0; i < result_max; i++)
        results[i] = NULL;
    connection->sqlstate[0] = '\0';
    connection->error_row = 0;
    connection->left_ms = PG_ANSWER_WAIT_MS;
}

enum trail_err pg_run(struct pg_connection *connection, const char *sql, const char *doing, PGresult *results[],
                      size_t result_max, struct trail_error *ret_error)
{
    prepare_call(connection, results, result_max);
    enum trail_err err = pg_check_usable(connection, ret_error);
    if (err != TRAIL_OK)
        return err;
    if (PQsendQuery(connection->pg, sql) == 0)
        return lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    err = flush(connection, doing, ret_error);
    return err == TRAIL_OK ? take_results(connection, doing, results, result_max, ret_error) : err;
}

/* Hand one statement to libpq. */
static enum trail_err send_statement(struct pg_connection *connection, const struct pg_statement *statement,
                                     const char *doing, struct trail_error *ret_error)
{
    struct pg_parameters parameters;
    struct buf           sql;
    char                 storage[1024];
    buf_init(&sql, storage, sizeof storage);
    pg_placeholders(statement->sql, &sql);
    pg_parameters_of(&parameters, statement->parameters, statement->parameter_count);

    enum trail_err err = TRAIL_OK;
    if (buf_failed(&sql))
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a statement");
    else if (PQsendQueryParams(connection->pg, sql.data, parameters.count, parameters.types, parameters.values,
                               parameters.lengths, parameters.formats, 1) == 0)
        err = lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    buf_done(&sql);
    return err;
}

enum trail_err pg_run_with(struct pg_connection *connection, const struct pg_statement *statement, const char *doing,
                           PGresult **ret_result, struct trail_error *ret_error)
{
    PGresult *result = NULL;
    prepare_call(connection, &result, 1);
    enum trail_err err = pg_check_usable(connection, ret_error);
    if (err == TRAIL_OK)
        err = send_statement(connection, statement, doing, ret_error);
    if (err == TRAIL_OK)
        err = flush(connection, doing, ret_error);
    if (err == TRAIL_OK)
        err = take_results(connection, doing, &result, 1, ret_error);
    if (ret_result != NULL)
        *ret_result = result;
    else
        PQclear(result);
    return err;
}

/* ---- A transaction in one round trip ---- */

#define TOGETHER_MAX 24

/* One statement's answer in a pipeline: a result, then NULL. */
static enum trail_err take_one(struct pg_connection *connection, const char *doing, PGresult **ret_result,
                               struct trail_error *ret_error)
{
    PGresult      *behind;
    enum trail_err err = next_result(connection, doing, ret_result, ret_error);
    if (err != TRAIL_OK || *ret_result == NULL || PQresultStatus(*ret_result) == PGRES_PIPELINE_SYNC)
        return err;
    err = next_result(connection, doing, &behind, ret_error);
    assert(err != TRAIL_OK || behind == NULL);
    return err;
}

/* Take the answers to all statements and to the synchronisation behind them. */
static enum trail_err take_answers(struct pg_connection *connection, size_t count, const char *doing,
                                   PGresult *answers[], struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    for (size_t i = 0; i <= count; i++) {
        PGresult      *result = NULL;
        enum trail_err waited = take_one(connection, doing, &result, ret_error);
        if (waited != TRAIL_OK)
            return waited;
        if (result == NULL)
            return lost(connection, doing, "an answer is missing", ret_error);
        /* What stands behind a failure is told to be aborted, which says nothing. */
        if (err == TRAIL_OK && !is_good(result))
            err = refused(connection, result, doing, ret_error);
        if (i < count)
            answers[i] = result;
        else
            PQclear(result);
    }
    return err;
}

static enum trail_err send_all(struct pg_connection *connection, const struct pg_statement *statements, size_t count,
                               const char *doing, struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    for (size_t i = 0; i < count && err == TRAIL_OK; i++)
        err = send_statement(connection, &statements[i], doing, ret_error);
    if (err == TRAIL_OK && PQpipelineSync(connection->pg) == 0)
        err = lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    return err == TRAIL_OK ? flush(connection, doing, ret_error) : err;
}

/* The whole of `all` in a pipeline. answers has room for all of them. */
static enum trail_err run_pipeline(struct pg_connection *connection, const struct pg_statement *all, size_t count,
                                   const char *doing, PGresult *answers[], struct trail_error *ret_error)
{
    prepare_call(connection, answers, count);
    enum trail_err err = pg_check_usable(connection, ret_error);
    if (err != TRAIL_OK)
        return err;
    if (PQenterPipelineMode(connection->pg) == 0)
        return lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    err = send_all(connection, all, count, doing, ret_error);
    if (err == TRAIL_OK)
        err = take_answers(connection, count, doing, answers, ret_error);
    else
        connection->broken = true; /* Something may be on its way whose answer nobody takes. */
    if (!connection->broken && PQexitPipelineMode(connection->pg) == 0)
        (void)lost(connection, doing, PQerrorMessage(connection->pg), NULL);
    if (err != TRAIL_OK) {
        clear_all(answers, count);
        pg_rollback(connection);
    }
    return err;
}

enum trail_err pg_run_together(struct pg_connection *connection, const struct pg_statement *statements,
                               size_t statement_count, const char *doing, PGresult *results[],
                               struct trail_error *ret_error)
{
    struct pg_statement all[TOGETHER_MAX] = { { .sql = begin_write }, { .sql = settings_sql } };
    PGresult           *answers[TOGETHER_MAX];
    assert(statement_count + 3 <= TOGETHER_MAX);
    memcpy(all + 2, statements, statement_count * sizeof *statements);
    all[statement_count + 2] = (struct pg_statement){ .sql = "COMMIT" };

    enum trail_err err = run_pipeline(connection, all, statement_count + 3, doing, answers, ret_error);
    for (size_t i = 0; i < statement_count; i++)
        results[i] = err == TRAIL_OK ? answers[i + 2] : NULL;
    if (err != TRAIL_OK)
        return err;
    PQclear(answers[0]);
    PQclear(answers[1]);
    PQclear(answers[statement_count + 2]);
    return TRAIL_OK;
}

enum trail_err pg_read(struct pg_connection *connection, const struct pg_statement *statement, bool by_index,
                       PGresult **ret_result, struct trail_error *ret_error)
{
    const struct pg_statement all[] = {
        { .sql = begin_read }, { .sql = settings_sql }, { .sql = by_index ? by_index_sql : "" }, *statement,
        { .sql = "COMMIT" },
    };
    PGresult *answers[5];

    *ret_result = NULL;
    enum trail_err err = run_pipeline(connection, all, 5, "read from", answers, ret_error);
    if (err != TRAIL_OK)
        return err;
    *ret_result = answers[3];
    answers[3] = NULL;
    clear_all(answers, 5);
    return TRAIL_OK;
}

void pg_rollback(struct pg_connection *connection)
{
    if (connection->broken || PQstatus(connection->pg) != CONNECTION_OK) {
        connection->broken = true;
        return;
    }
    PGTransactionStatusType status = PQtransactionStatus(connection->pg);
    if (status == PQTRANS_IDLE)
        return;
    char     sqlstate[sizeof connection->sqlstate];
    uint64_t row = connection->error_row;
    memcpy(sqlstate, connection->sqlstate, sizeof sqlstate);
    if (status == PQTRANS_ACTIVE || pg_run(connection, "ROLLBACK", "roll back in", NULL, 0, NULL) != TRAIL_OK)
        connection->broken = true;
    /* They are asked for after the transaction that failed. */
    memcpy(connection->sqlstate, sqlstate, sizeof sqlstate);
    connection->error_row = row;
}

/* ---- COPY ---- */

enum trail_err pg_copy_bytes(struct pg_connection *connection, const char *bytes, size_t size,
                             struct trail_error *ret_error)
{
    static const char doing[] = "send a batch to";
    enum trail_err    err = pg_check_usable(connection, ret_error);
    int               taken = 0;
    assert(size <= INT32_MAX);
    connection->left_ms = PG_ANSWER_WAIT_MS;
    while (err == TRAIL_OK && (taken = PQputCopyData(connection->pg, bytes, (int)size)) == 0)
        err = flush(connection, doing, ret_error);
    if (err == TRAIL_OK && taken < 0)
        err = lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    /* What is not handed over now gathers in libpq's memory. */
    return err == TRAIL_OK ? flush(connection, doing, ret_error) : err;
}

enum trail_err pg_copy_end(struct pg_connection *connection, const char *give_up, struct trail_error *ret_error)
{
    static const char doing[] = "store a batch in";
    enum trail_err    err = pg_check_usable(connection, ret_error);
    int               taken = 0;
    connection->left_ms = PG_ANSWER_WAIT_MS;
    while (err == TRAIL_OK && (taken = PQputCopyEnd(connection->pg, give_up)) == 0)
        err = flush(connection, doing, ret_error);
    if (err == TRAIL_OK && taken < 0)
        err = lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    if (err == TRAIL_OK)
        err = flush(connection, doing, ret_error);
    if (err == TRAIL_OK)
        err = take_results(connection, doing, NULL, 0, ret_error);
    /* It failed because we said so. */
    return give_up != NULL && !connection->broken ? TRAIL_OK : err;
}

/* ---- Opening and closing ---- */

static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* What the URL leaves open and libpq would leave to chance: a server that is gone is noticed in half a minute. */
static PGconn *start_connecting(const char *url, const struct pg_host *host)
{
    /* What stands behind the URL overrides it, unless it is empty. */
    const char *const keywords[] = { "fallback_application_name",
                                     "keepalives_idle",
                                     "keepalives_interval",
                                     "keepalives_count",
                                     "tcp_user_timeout",
                                     "dbname",
                                     "client_encoding",
                                     "host",
                                     "hostaddr",
                                     "port",
                                     NULL };
    const char *const values[] = { "audittrail", "20",       "5",           "3",        "30000", url,
                                   "UTF8",       host->host, host->address, host->port, NULL };
    return PQconnectStartParams(keywords, values, 1);
}

static enum trail_err finish_connecting(struct pg_connection *connection, struct trail_error *ret_error)
{
    static const char         doing[] = "connect to";
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (PQstatus(connection->pg) != CONNECTION_BAD && status != PGRES_POLLING_OK) {
        short          events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        enum trail_err err = wait_for(connection, events, doing, ret_error);
        if (err != TRAIL_OK)
            return err;
        status = PQconnectPoll(connection->pg);
        if (status == PGRES_POLLING_FAILED)
            break;
    }
    if (status != PGRES_POLLING_OK)
        return lost(connection, doing, PQerrorMessage(connection->pg), ret_error);
    return TRAIL_OK;
}

static void name_connection(struct pg_connection *connection)
{
    const char *host = PQhost(connection->pg);
    const char *database = PQdb(connection->pg);
    const char *port = PQport(connection->pg);
    snprintf(connection->name, sizeof connection->name, "%.60s at %.80s:%.6s", database != NULL ? database : "",
             host != NULL && host[0] != '\0' ? host : "localhost", port != NULL && port[0] != '\0' ? port : "5432");
}

/* To one host, or to what libpq makes of the whole URL. */
static enum trail_err connect_to(struct pg_connection *connection, const char *url, const struct pg_host *host,
                                 uint32_t wait_ms, struct trail_error *ret_error)
{
    connection->broken = false;
    connection->pg = start_connecting(url, host);
    if (connection->pg == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a connection");
    name_connection(connection);
    connection->left_ms = (int)wait_ms;
    enum trail_err err = finish_connecting(connection, ret_error);
    if (err != TRAIL_OK)
        return err;
    name_connection(connection);
    PQsetNoticeProcessor(connection->pg, ignore_notice, NULL);
    if (PQsetnonblocking(connection->pg, 1) != 0)
        return lost(connection, "connect to", PQerrorMessage(connection->pg), ret_error);
    return TRAIL_OK;
}

enum trail_err pg_connect(struct pg_connection *connection, const char *url, const struct store_open_options *options,
                          struct trail_error *ret_error)
{
    *connection = (struct pg_connection){ .interrupted = options->interrupted, .name = "PostgreSQL" };
    enum trail_err err = pg_check_url(url, ret_error);
    if (err != TRAIL_OK)
        return err;
    uint32_t       wait_ms = options->wait_ms != 0 ? options->wait_ms : STORE_WAIT_MS;
    struct pg_host host;
    size_t         count = pg_url_host(url, 0, &host);
    err = connect_to(connection, url, &host, wait_ms, ret_error);
    for (size_t i = 1; err == TRAIL_EAWAY && i < count && !is_interrupted(connection); i++) {
        PQfinish(connection->pg);
        (void)pg_url_host(url, i, &host);
        err = connect_to(connection, url, &host, wait_ms, ret_error);
    }
    return err;
}

void pg_close(struct pg_connection *connection)
{
    PQfinish(connection->pg);
    connection->pg = NULL;
    connection->broken = true;
}

/* PQfinish() would say goodbye in the parent's name, under TLS with the parent's keys. */
void pg_abandon(struct pg_connection *connection)
{
    int socket = PQsocket(connection->pg);
    if (socket >= 0)
        close(socket);
    connection->broken = true;
}
