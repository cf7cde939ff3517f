/* call.h -- one request on its way through the gateway, and what the gateway consists of.
 *
 *     http  ->  [routes  ->  entries]  ->  registry
 *
 * Thread: a call belongs to one thread; a gateway is shared by all of them, and what it points to locks itself.
 * Memory: a call lives in the frame of routes_handle(); its facts are freed at the end of it.
 * Errors: none.
 */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include "http.h"
#include "metrics.h"
#include "registry.h"

struct gateway {
    struct trail    *trail;
    struct registry *registry;
    struct metrics   metrics;
};

struct route; /* routes.h */

/* What only the handler can know, for the audit record. Heap texts or NULL. */
struct call_facts {
    char *resource_id; /* Set by a create; elsewhere it is in the path. */
    char *resource_name;
    char *old_values; /* JSON objects. */
    char *new_values;
    char *context;
};

struct call {
    struct gateway            *gateway;
    const struct http_request *request;
    const struct route        *route;
    struct reply              *reply;
    char                       id[256]; /* The {id} of the path, "" when the route has none. */
    struct call_facts          facts;
};

#endif
