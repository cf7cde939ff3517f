/* http.c -- libmicrohttpd glue: from its callback to one whole request, and from a reply to its response.
 *
 * libmicrohttpd calls on_request() once for the headers, once for each piece of the body and once at the end.
 * Between the calls a struct exchange hangs on the connection; on_completed() frees it however the request ends.
 */
#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A body over the limit is read to its end, so that the client can hear about it, but not for ever. */
#define DISCARD_BYTES_MAX (16 * HTTP_BODY_BYTES_MAX)

#define LISTEN_BACKLOG 4096 /* 2,000 clients may connect in the same moment. */

struct http_server {
    struct MHD_Daemon *daemon;
    http_handler_fn    handler;
    void              *context;
    _Atomic unsigned   connections; /* Open ones. */
};

/* One request on its way in. */
struct exchange {
    char  *body;      /* Heap, body_capacity bytes and a NUL. */
    size_t body_size; /* Bytes received, those that were thrown away included. */
    size_t body_capacity;
    bool   too_large;
};

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_argument(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Keep one more piece of the body. False: it does not end, or there is no memory for it. */
static bool receive(struct exchange *exchange, const char *data, size_t size)
{
    exchange->body_size += size;
    if (exchange->body_size > DISCARD_BYTES_MAX)
        return false;
    if (exchange->body_size > HTTP_BODY_BYTES_MAX)
        exchange->too_large = true;
    if (exchange->too_large)
        return true;

    if (exchange->body_size > exchange->body_capacity) {
        size_t capacity = exchange->body_capacity == 0 ? 1024 : exchange->body_capacity;
        while (capacity < exchange->body_size)
            capacity *= 2;
        char *grown = realloc(exchange->body, capacity + 1);
        if (grown == NULL)
            return false;
        exchange->body = grown;
        exchange->body_capacity = capacity;
    }
    memcpy(exchange->body + exchange->body_size - size, data, size);
    exchange->body[exchange->body_size] = '\0';
    return true;
}

static void client_address(struct MHD_Connection *connection, char *ret_text, socklen_t size)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    ret_text[0] = '\0';
    if (info == NULL || info->client_addr == NULL || info->client_addr->sa_family != AF_INET)
        return;
    struct sockaddr_in address;
    memcpy(&address, info->client_addr, sizeof address);
    inet_ntop(AF_INET, &address.sin_addr, ret_text, size);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        MHD_add_response_header(response, name, value);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply)
{
    size_t size = reply->body != NULL ? reply->body_size : 0;
    char  *body = reply_take_body(reply);

    struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body);
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    add_header(response, "X-Correlation-Id", reply->correlation_id);
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* The request is whole, or is known to be too large: let the handler fill in the reply. */
static void handle(const struct http_server *server, struct http_request *request, const struct exchange *exchange,
                   struct reply *reply)
{
    bool has_body = exchange->body != NULL && !exchange->too_large;
    request->connections = atomic_load_explicit(&server->connections, memory_order_relaxed);
    request->body_too_large = exchange->too_large;
    request->body = has_body ? exchange->body : "";
    request->body_size = has_body ? exchange->body_size : 0;
    client_address(request->connection, request->client_ip, sizeof request->client_ip);
    server->handler(server->context, request, reply);
}

static enum MHD_Result answer(const struct http_server *server, struct http_request *request,
                              const struct exchange *exchange)
{
    struct reply reply = { .status = 500 };
    handle(server, request, exchange, &reply);
    enum MHD_Result result = send_reply(request->connection, &reply);
    reply_done(&reply);
    return result;
}

/* Hang up on a body that does not end. Nobody reads the reply, but the request is counted and audited. */
static enum MHD_Result hang_up(const struct http_server *server, struct http_request *request,
                               struct exchange *exchange)
{
    struct reply reply = { .status = 500 };
    exchange->too_large = true;
    handle(server, request, exchange, &reply);
    reply_done(&reply);
    return MHD_NO;
}

/* Does Content-Length announce more than we take? Then the body need not be waited for. */
static bool announces_too_much(const struct http_request *request)
{
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length != NULL && strtoull(length, NULL, 10) > HTTP_BODY_BYTES_MAX;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size,
                                  void **exchange_slot)
{
    const struct http_server *server = context;
    struct exchange          *exchange = *exchange_slot;
    struct http_request       request = { .connection = connection, .method = method, .path = url };
    (void)version;

    if (exchange == NULL) {
        exchange = calloc(1, sizeof *exchange);
        if (exchange == NULL)
            return MHD_NO;
        *exchange_slot = exchange;
        exchange->too_large = announces_too_much(&request);
        return exchange->too_large ? answer(server, &request, exchange) : MHD_YES;
    }
    if (*upload_data_size > 0) {
        size_t size = *upload_data_size;
        *upload_data_size = 0;
        return receive(exchange, upload_data, size) ? MHD_YES : hang_up(server, &request, exchange);
    }
    return answer(server, &request, exchange);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **exchange_slot,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *exchange_slot;
    (void)context;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    free(exchange->body);
    free(exchange);
    *exchange_slot = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    (void)connection;
    (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add_explicit(&server->connections, 1, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&server->connections, 1, memory_order_relaxed);
}

struct http_server *http_server_start(const struct http_options *options)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    server->handler = options->handler;
    server->context = options->context;

    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(options->port),
                                   .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, options->port, NULL, NULL, on_request, server,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, options->threads,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)LISTEN_BACKLOG, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        free(server);
        return NULL;
    }
    return server;
}

uint16_t http_server_port(const struct http_server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info != NULL ? info->port : 0;
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
