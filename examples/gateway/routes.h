/* routes.h -- which request means which action on which kind of resource.
 *
 *     http  ->  [routes]  ->  entries  ->  registry
 *
 * One constant table (routes.c). Whatever the route, a request takes the same way: audit_begin(), the checks that
 * all routes share, the handler, audit_end(). A request that fits no route is audited too, as access_path.
 *
 * Thread: any.
 * Memory: nothing is kept after the call.
 * Errors: none; failures are replies.
 */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

#include "call.h"

typedef void (*route_handler_fn)(struct call *call);

struct route {
    const char        *method;
    const char        *pattern; /* A path; the segment {id} takes any one segment. */
    route_handler_fn   handler;
    const char        *action;        /* The audit event's action ... */
    const char        *resource_type; /* ... and resource type. */
    enum registry_kind kind;          /* 0: not about an entry. */
    bool               viewer_denied; /* X-Role: viewer gets 403. */
};

/* A http_handler_fn; the context is the struct gateway. */
void routes_handle(void *context, const struct http_request *request, struct reply *reply);

#endif
