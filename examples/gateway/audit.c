/* audit.c -- from a call to an audit event. */
#include "audit.h"

#include "routes.h"

#include <stdio.h>

/* X-User: the gateway stands behind something that has checked who it is. */
static struct trail_text user_of(const struct http_request *request)
{
    const char *user = http_header(request, "X-User");
    return user != NULL && user[0] != '\0' ? trail_str(user) : TRAIL_TEXT("anonymous");
}

void audit_begin(struct trail_scope *scope, const struct call *call)
{
    const struct http_request *request = call->request;

    /* The operation is left to the trail: it knows the action's name, and an operator can say otherwise with
     * AUDIT_TRAIL_ACTION_MAP. */
    struct trail_event event = {
        TRAIL_EVENT_INIT,
        .action = trail_str(call->route->action),
        .resource_type = trail_str(call->route->resource_type),
        .resource_id = trail_str(call->id),
        .user_id = user_of(request),
        .team_id = trail_str(http_header(request, "X-Team")),
        .client_ip = trail_str(request->client_ip),
        .user_agent = trail_str(http_header(request, "User-Agent")),
        .request_method = trail_str(request->method),
        .request_path = trail_str(request->path),
        .correlation_id = trail_str(call->reply->correlation_id),
    };
    trail_begin(scope, call->gateway->trail, &event);
}

static enum trail_outcome outcome_of(unsigned status)
{
    if (status < 400)
        return TRAIL_OUTCOME_SUCCESS;
    if (status == 401 || status == 403)
        return TRAIL_OUTCOME_DENIED;
    return TRAIL_OUTCOME_FAILURE;
}

/* Add to the event what was not known when it began. */
static void learn(struct trail_event *event, const struct call_facts *facts)
{
    if (facts->resource_id != NULL)
        event->resource_id = trail_str(facts->resource_id);
    event->resource_name = trail_str(facts->resource_name);
    event->old_values = trail_str(facts->old_values);
    event->new_values = trail_str(facts->new_values);
    event->context = trail_str(facts->context);
}

void audit_end(struct trail_scope *scope, const struct call *call)
{
    const struct reply *reply = call->reply;

    learn(&scope->event, &call->facts);
    enum trail_err code = trail_end(scope, outcome_of(reply->status), trail_str(reply->detail));
    if (code >= 0)
        return;

    if (metrics_count_audit_failure(&call->gateway->metrics, code))
        fprintf(stderr, "gateway: a request was answered but not recorded: %s (counted from now on)\n",
                trail_strerror(code));
}
