/* routes.c -- the table of routes, and the way that every request takes. */
#include "routes.h"

#include "audit.h"
#include "entries.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static void get_health(struct call *call);
static void get_metrics(struct call *call);
static void answer_no_route(struct call *call);

static const struct route ROUTES[] = {
    { "GET", "/tools", entries_list, "list_tools", "tool", REGISTRY_TOOL, false },
    { "POST", "/tools", entries_create, "create_tool", "tool", REGISTRY_TOOL, false },
    { "GET", "/tools/{id}", entries_get, "get_tool", "tool", REGISTRY_TOOL, false },
    { "PUT", "/tools/{id}", entries_update, "update_tool", "tool", REGISTRY_TOOL, false },
    { "DELETE", "/tools/{id}", entries_delete, "delete_tool", "tool", REGISTRY_TOOL, true },
    { "POST", "/tools/{id}/state", entries_set_state, "set_tool_state", "tool", REGISTRY_TOOL, false },
    { "POST", "/tools/{id}/invoke", entries_invoke, "invoke_tool", "tool", REGISTRY_TOOL, false },
    { "GET", "/servers", entries_list, "list_servers", "server", REGISTRY_SERVER, false },
    { "POST", "/servers", entries_create, "create_server", "server", REGISTRY_SERVER, false },
    { "GET", "/servers/{id}", entries_get, "get_server", "server", REGISTRY_SERVER, false },
    { "PUT", "/servers/{id}", entries_update, "update_server", "server", REGISTRY_SERVER, false },
    { "DELETE", "/servers/{id}", entries_delete, "delete_server", "server", REGISTRY_SERVER, true },
    { "POST", "/servers/{id}/state", entries_set_state, "set_server_state", "server", REGISTRY_SERVER, false },
    { "POST", "/servers/{id}/invoke", entries_invoke, "invoke_server", "server", REGISTRY_SERVER, false },
    { "GET", "/health", get_health, "health_check", "health", 0, false },
    { "GET", "/metrics", get_metrics, "metrics_read", "metric", 0, false },
};

#define ROUTE_COUNT (sizeof ROUTES / sizeof ROUTES[0])

/* Somebody knocks at a door that is not there: an access that failed, so that a level that takes failures shows it
 * and one that takes writes is not flooded by a scanner. */
static const struct route NO_ROUTE = { "", "", answer_no_route, "access_path", "path", 0, false };

static void get_health(struct call *call)
{
    struct trail_stats stats = { .struct_size = sizeof stats };
    if (registry_check(call->gateway->registry) != REGISTRY_OK) {
        reply_problem(call->reply, 503, "the registry's database does not answer");
        return;
    }
    trail_stats(call->gateway->trail, &stats);
    reply_json(call->reply, 200,
               json_pack("{s:s, s:I}", "status", "ok", "audit_events_waiting", (json_int_t)stats.waiting));
}

static void get_metrics(struct call *call)
{
    struct gateway *gateway = call->gateway;
    char           *text = metrics_render(&gateway->metrics, gateway->trail, call->request->connections);
    reply_text(call->reply, "text/plain; version=0.0.4", text, text != NULL ? strlen(text) : 0);
}

static size_t segment_size(const char *path)
{
    return strcspn(path, "/");
}

/* Does the path fit the pattern? The segment at {id} is copied to ret_id, which may be NULL. */
static bool pattern_fits(const char *pattern, const char *path, char *ret_id, size_t id_size)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t expected = segment_size(pattern);
        size_t actual = segment_size(path);
        if (strncmp(pattern, "{id}", 4) == 0) {
            if (actual == 0 || actual >= id_size)
                return false;
            if (ret_id != NULL)
                snprintf(ret_id, id_size, "%.*s", (int)actual, path);
        } else if (expected != actual || strncmp(pattern, path, expected) != 0) {
            return false;
        }
        pattern += expected;
        path += actual;
    }
    return *pattern == '\0' && *path == '\0';
}

static void find_route(struct call *call)
{
    const struct http_request *request = call->request;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (strcmp(ROUTES[i].method, request->method) == 0 &&
            pattern_fits(ROUTES[i].pattern, request->path, call->id, sizeof call->id)) {
            call->route = &ROUTES[i];
            return;
        }
    }
    call->route = &NO_ROUTE;
    snprintf(call->id, sizeof call->id, "%.*s", (int)sizeof call->id - 1, request->path);
}

/* 405 with the methods that the path does know, else 404. */
static void answer_no_route(struct call *call)
{
    char  *allow = call->reply->allow;
    size_t allow_size = sizeof call->reply->allow;
    char   id[sizeof call->id];
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!pattern_fits(ROUTES[i].pattern, call->request->path, id, sizeof id))
            continue;
        size_t used = strlen(allow);
        snprintf(allow + used, allow_size - used, "%s%s", used > 0 ? ", " : "", ROUTES[i].method);
    }
    if (allow[0] != '\0')
        reply_problem(call->reply, 405, "%.16s is not possible here, only %s", call->request->method, allow);
    else
        reply_problem(call->reply, 404, "no such path; there are /tools, /servers, /health and /metrics");
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

/* The caller's correlation id if it is one, else a new one; the response carries it either way. */
static void correlate(struct call *call)
{
    char       *id = call->reply->correlation_id;
    size_t      id_size = sizeof call->reply->correlation_id;
    const char *given = http_header(call->request, "X-Correlation-Id");
    if (given != NULL && given[0] != '\0' && strlen(given) < id_size && is_printable(given)) {
        snprintf(id, id_size, "%s", given);
        return;
    }
    unsigned long long random[2] = { 0 };
    if (getrandom(random, sizeof random, 0) == (ssize_t)sizeof random)
        snprintf(id, id_size, "%016llx%016llx", random[0], random[1]);
}

/* X-Role is believed, as X-User is: the example is about auditing, not about authentication. */
static bool is_denied(const struct call *call)
{
    const char *role = http_header(call->request, "X-Role");
    return call->route->viewer_denied && role != NULL && strcmp(role, "viewer") == 0;
}

static void run_handler(struct call *call)
{
    if (call->request->body_too_large)
        reply_problem(call->reply, 413, "the body is larger than %d bytes", HTTP_BODY_BYTES_MAX);
    else if (is_denied(call))
        reply_problem(call->reply, 403, "the role viewer may not delete");
    else
        call->route->handler(call);
}

void routes_handle(void *context, const struct http_request *request, struct reply *reply)
{
    struct call call = { .gateway = context, .request = request, .reply = reply };
    find_route(&call);
    correlate(&call);

    TRAIL_SCOPE(scope);
    audit_begin(&scope, &call);
    run_handler(&call);
    audit_end(&scope, &call);

    metrics_count_request(&call.gateway->metrics, reply->status);
    entries_facts_done(&call.facts);
}
