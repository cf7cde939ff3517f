/* http.h -- the gateway's HTTP server: libmicrohttpd behind one request struct and one function.
 *
 *     [http]  ->  routes  ->  entries  ->  registry
 *
 * An epoll loop in each thread of a pool; a connection stays with its thread. A whole request is read before the
 * handler is called, on the connection's thread, once per request. Everything a client sends has a limit:
 * connections, headers, body, time.
 *
 * Thread: server_* belong to one thread; the handler is called on every thread of the pool at once.
 * Memory: a request and its texts live for the handler's call.
 * Errors: http_server_start() returns NULL and sets errno. A body over HTTP_BODY_BYTES_MAX still reaches the handler,
 *         as body_too_large, so that the refusal is answered, counted and audited like any other.
 */
#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H

#include "reply.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_BODY_BYTES_MAX (64 * 1024)
#define HTTP_CONNECTIONS_MAX 8192         /* Four times the 2,000 users that must be served. */
#define HTTP_IDLE_TIMEOUT_S 60            /* A silent connection is closed after it. */
#define HTTP_CONNECTION_BYTES (16 * 1024) /* Per connection: request line, headers, buffers. */

struct http_request {
    void       *connection;     /* libmicrohttpd's; for http_header() and http_argument(). */
    unsigned    connections;    /* Open at this moment, to this server. */
    const char *method;         /* "GET" */
    const char *path;           /* Decoded, without the query string. */
    const char *body;           /* "" when there is none. */
    size_t      body_size;      /* Bytes. */
    bool        body_too_large; /* More than HTTP_BODY_BYTES_MAX came, or was announced: body is "". */
    char        client_ip[46];  /* Of the socket; X-Forwarded-For is anybody's word and is not read. */
};

/* Fill in the reply. */
typedef void (*http_handler_fn)(void *context, const struct http_request *request, struct reply *reply);

struct http_options {
    uint16_t        port; /* On 127.0.0.1; 0 = any free one. */
    unsigned        threads;
    http_handler_fn handler;
    void           *context;
};

/* A header of the request; NULL when it is absent. */
const char *http_header(const struct http_request *request, const char *name);

/* An argument of the query string; NULL when it is absent. */
const char *http_argument(const struct http_request *request, const char *name);

struct http_server;

struct http_server *http_server_start(const struct http_options *options);
uint16_t            http_server_port(const struct http_server *server);

/* Finish the requests that are being handled, close every connection, free. NULL does nothing. */
void http_server_stop(struct http_server *server);

#endif
