/* load.c -- the epoll loop.
 *
 * A connection is connecting, idle, or busy with one exchange. Idle ones stand in a ring, first in, first out.
 */
#include "load.h"

#include "exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* At least; a machine that is slow may take all the time that the whole was given. */
#define CONNECT_TIMEOUT_US 10000000
#define LAST_ANSWERS_TIMEOUT_US 10000000
#define FIRST_ENTRIES 20 /* Created first, half of each sort, so that there is something to look at. */
#define EVENTS_MAX 256

enum connection_state { CONNECTION_CLOSED, CONNECTION_CONNECTING, CONNECTION_IDLE, CONNECTION_BUSY };

struct connection {
    int                   fd;
    enum connection_state state;
    bool                  used;
    int64_t               due_us; /* When the request was due, or sent when there is no rate. */
    struct exchange       exchange;
};

struct load {
    const struct load_options *options;
    struct load_result        *result;
    int                        epoll;
    struct connection         *connections;
    unsigned                  *idle; /* Ring of connection indexes. */
    unsigned                   idle_first;
    unsigned                   idle_count;
    unsigned                   connecting;
    unsigned                   busy;
    struct mix_random          random;
    struct ids                 tools;
    struct ids                 servers;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static unsigned index_of(const struct load *load, const struct connection *connection)
{
    return (unsigned)(connection - load->connections);
}

static void become_idle(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_IDLE;
    load->idle[(load->idle_first + load->idle_count) % load->options->connections] = index_of(load, connection);
    load->idle_count++;
}

static void close_connection(struct load *load, struct connection *connection)
{
    if (connection->state == CONNECTION_CONNECTING)
        load->connecting--;
    if (connection->state == CONNECTION_BUSY)
        load->busy--;
    if (connection->state != CONNECTION_CLOSED)
        close(connection->fd);
    connection->state = CONNECTION_CLOSED;
}

static bool open_connection(struct load *load, struct connection *connection)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct epoll_event        event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection };
    const struct sockaddr_in *address = &load->options->address;
    if ((connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        close(fd);
        return false;
    }
    connection->fd = fd;
    connection->state = CONNECTION_CONNECTING;
    load->connecting++;
    return true;
}

/* The server closed it, or said something we do not understand. */
static void reconnect(struct load *load, struct connection *connection)
{
    close_connection(load, connection);
    load->result->reconnects++;
    if (!open_connection(load, connection))
        fprintf(stderr, "traffic: cannot connect again: %s\n", strerror(errno));
}

/* The connection that has been idle longest. NULL: there is none; those that the server closed meanwhile are
 * being opened again. */
static struct connection *take_idle(struct load *load)
{
    while (load->idle_count > 0) {
        struct connection *connection = &load->connections[load->idle[load->idle_first]];
        load->idle_first = (load->idle_first + 1) % load->options->connections;
        load->idle_count--;
        if (connection->state == CONNECTION_IDLE)
            return connection;
        reconnect(load, connection);
    }
    return NULL;
}

/* What the next request is about. When there is nothing to view, list; nothing to change, create. */
static enum kind next_kind(struct load *load, char ret_id[ID_SIZE])
{
    ret_id[0] = '\0';
    if (load->result->sent < FIRST_ENTRIES)
        return load->result->sent % 2 == 0 ? KIND_CREATE_TOOL : KIND_CREATE_SERVER;

    enum kind kind = mix_pick(load->options->mix, &load->random);
    if (KINDS[kind].id == ID_NONE)
        return kind;
    struct ids *ids = mix_is_tool(kind) ? &load->tools : &load->servers;
    if (ids_pick(ids, mix_random_next(&load->random), KINDS[kind].id == ID_TAKEN, ret_id))
        return kind;
    if (kind == KIND_GET_TOOL || kind == KIND_GET_SERVER)
        return kind == KIND_GET_TOOL ? KIND_LIST_TOOLS : KIND_LIST_SERVERS;
    return mix_is_tool(kind) ? KIND_CREATE_TOOL : KIND_CREATE_SERVER;
}

static void send_more(struct load *load, struct connection *connection)
{
    struct exchange *exchange = &connection->exchange;
    while (exchange->request_sent < exchange->request_size) {
        ssize_t size = send(connection->fd, exchange->request + exchange->request_sent,
                            exchange->request_size - exchange->request_sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size < 0) {
            reconnect(load, connection);
            return;
        }
        exchange->request_sent += (size_t)size;
    }
}

/* False: no connection is free. */
static bool start_request(struct load *load, int64_t due_us)
{
    struct connection *connection = take_idle(load);
    if (connection == NULL)
        return false;
    char                    id[ID_SIZE];
    enum kind               kind = next_kind(load, id);
    struct exchange_subject subject = {
        .kind = kind, .id = id, .user = index_of(load, connection) % load->options->users, .number = load->result->sent
    };
    exchange_begin(&connection->exchange, &subject);
    connection->state = CONNECTION_BUSY;
    connection->due_us = due_us;
    load->busy++;
    load->result->sent++;
    send_more(load, connection);
    return true;
}

static void complete(struct load *load, struct connection *connection)
{
    const struct exchange *exchange = &connection->exchange;
    int64_t                latency_us = now_us() - connection->due_us;
    tally_add(&load->result->tally, exchange->kind, exchange->status, latency_us > 0 ? (uint64_t)latency_us : 0);
    if (exchange->created_id[0] != '\0')
        ids_add(mix_is_tool(exchange->kind) ? &load->tools : &load->servers, exchange->created_id);
    if (!connection->used)
        load->result->connections_used++;
    connection->used = true;
    load->busy--;
    become_idle(load, connection);
}

static void receive_more(struct load *load, struct connection *connection)
{
    static char data[64 * 1024];
    while (connection->state == CONNECTION_BUSY || connection->state == CONNECTION_IDLE) {
        ssize_t size = recv(connection->fd, data, sizeof data, 0);
        if (size < 0 && errno == EAGAIN)
            return;
        if (connection->state == CONNECTION_IDLE) {
            close_connection(load, connection); /* By the server; its place in the ring stays until its turn. */
            return;
        }
        if (size <= 0) {
            reconnect(load, connection);
            return;
        }
        enum exchange_state state = exchange_receive(&connection->exchange, data, (size_t)size);
        if (state == EXCHANGE_COMPLETE)
            complete(load, connection);
        else if (state == EXCHANGE_BROKEN)
            reconnect(load, connection);
    }
}

static void on_event(struct load *load, struct connection *connection, uint32_t events)
{
    if (connection->state == CONNECTION_CONNECTING) {
        int       error = 0;
        socklen_t size = sizeof error;
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            close_connection(load, connection);
        } else if ((events & EPOLLOUT) != 0) {
            load->connecting--;
            become_idle(load, connection);
        }
        return;
    }
    if (connection->state == CONNECTION_BUSY && (events & EPOLLOUT) != 0)
        send_more(load, connection);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        receive_more(load, connection);
}

static void wait_events(struct load *load, int64_t timeout_us)
{
    struct epoll_event events[EVENTS_MAX];
    int                timeout_ms = timeout_us <= 0 ? 0 : timeout_us > 100000 ? 100 : (int)((timeout_us + 999) / 1000);
    int                count = epoll_wait(load->epoll, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++)
        on_event(load, events[i].data.ptr, events[i].events);
}

static bool connect_all(struct load *load)
{
    int64_t given_us = (int64_t)load->options->seconds * 1000000;
    int64_t deadline_us = now_us() + (given_us > CONNECT_TIMEOUT_US ? given_us : CONNECT_TIMEOUT_US);
    for (unsigned i = 0; i < load->options->connections; i++) {
        if (!open_connection(load, &load->connections[i])) {
            fprintf(stderr, "traffic: cannot connect: %s\n", strerror(errno));
            return false;
        }
        if (i % EVENTS_MAX == 0)
            wait_events(load, 0);
    }
    while (load->connecting > 0 && now_us() < deadline_us && !*load->options->stop)
        wait_events(load, deadline_us - now_us());
    if (load->idle_count == load->options->connections)
        return true;
    fprintf(stderr, "traffic: only %u of %u connections were made\n", load->idle_count, load->options->connections);
    return false;
}

/* Start what is due; returns how long until the next one is. */
static int64_t start_due(struct load *load, int64_t start_us)
{
    const struct load_options *options = load->options;
    for (;;) {
        int64_t now = now_us();
        int64_t due_us = now;
        if (options->rate > 0)
            due_us = start_us + (int64_t)(load->result->sent * UINT64_C(1000000) / options->rate);
        if (due_us > now)
            return due_us - now;
        bool enough = options->requests > 0 && load->result->sent >= options->requests;
        if (enough || !start_request(load, due_us))
            return CONNECT_TIMEOUT_US; /* An answer comes first. */
    }
}

static void run_requests(struct load *load)
{
    const struct load_options *options = load->options;
    int64_t                    start_us = now_us();
    int64_t                    end_us = start_us + (int64_t)options->seconds * 1000000;
    while (!*options->stop && now_us() < end_us && (options->requests == 0 || load->result->sent < options->requests)) {
        int64_t next_us = start_due(load, start_us);
        wait_events(load, next_us);
    }
    int64_t deadline_us = now_us() + LAST_ANSWERS_TIMEOUT_US;
    if (!*options->stop && deadline_us < end_us)
        deadline_us = end_us;
    while (load->busy > 0 && now_us() < deadline_us)
        wait_events(load, deadline_us - now_us());
    load->result->seconds = (double)(now_us() - start_us) / 1e6;
    load->result->unanswered = load->result->sent - load->result->tally.answered;
}

bool load_run(const struct load_options *options, struct load_result *ret_result)
{
    bool         ran = false;
    struct load *load = calloc(1, sizeof *load);
    if (load == NULL)
        return false;
    memset(ret_result, 0, sizeof *ret_result);
    load->options = options;
    load->result = ret_result;
    load->random.state = options->seed;
    load->connections = calloc(options->connections, sizeof *load->connections);
    load->idle = calloc(options->connections, sizeof *load->idle);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->connections == NULL || load->idle == NULL || load->epoll < 0)
        goto done;

    ran = connect_all(load);
    if (ran)
        run_requests(load);
    for (unsigned i = 0; i < options->connections; i++)
        close_connection(load, &load->connections[i]);

done:
    if (load->epoll >= 0)
        close(load->epoll);
    free(load->idle);
    free(load->connections);
    free(load);
    return ran;
}
