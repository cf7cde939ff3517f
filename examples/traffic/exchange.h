/* exchange.h -- one request's bytes and its answer's: written for the gateway, not for the world.
 *
 *     mix  ->  [exchange]  ->  load  ->  tally
 *
 * It reads what the gateway sends: a status line, headers with Content-Length, a body that nobody needs. The id of a
 * new entry is in the Location header.
 *
 * Thread: one owner.
 * Memory: fixed buffers in the struct.
 * Errors: exchange_receive() returns EXCHANGE_BROKEN for anything else.
 */
#ifndef TRAFFIC_EXCHANGE_H
#define TRAFFIC_EXCHANGE_H

#include "ids.h"
#include "mix.h"

#define EXCHANGE_REQUEST_BYTES_MAX 1024
#define EXCHANGE_HEAD_BYTES_MAX 2048

struct exchange {
    enum kind kind;
    char      request[EXCHANGE_REQUEST_BYTES_MAX];
    size_t    request_size;
    size_t    request_sent;
    char      head[EXCHANGE_HEAD_BYTES_MAX + 1]; /* Of the answer, NUL-terminated. */
    size_t    head_size;
    bool      head_complete;
    size_t    body_left; /* Bytes of the body still to come. */
    unsigned  status;
    char      created_id[ID_SIZE]; /* "" = none. */
};

enum exchange_state { EXCHANGE_MORE, EXCHANGE_COMPLETE, EXCHANGE_BROKEN };

/* Who asks for what. */
struct exchange_subject {
    enum kind   kind;
    const char *id; /* "" when the kind needs none. */
    unsigned    user;
    uint64_t    number; /* Makes names different. */
};

void exchange_begin(struct exchange *exchange, const struct exchange_subject *subject);

/* Take what has arrived. */
enum exchange_state exchange_receive(struct exchange *exchange, const char *data, size_t size);

#endif
