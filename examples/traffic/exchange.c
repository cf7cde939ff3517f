/* exchange.c -- HTTP/1.1 as far as one client of one server needs it. */
#include "exchange.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEAMS 7

static void body_of(const struct exchange_subject *subject, char *ret_body, size_t size)
{
    switch ((int)subject->kind) {
    case KIND_CREATE_TOOL:
    case KIND_CREATE_SERVER:
        snprintf(ret_body, size, "{\"name\":\"entry %" PRIu64 "\",\"description\":\"made by traffic\"}",
                 subject->number);
        break;
    case KIND_UPDATE_TOOL:
    case KIND_UPDATE_SERVER:
        snprintf(ret_body, size, "{\"name\":\"changed %" PRIu64 "\",\"config\":{\"timeout_ms\":%" PRIu64 "}}",
                 subject->number, subject->number % 1000);
        break;
    case KIND_SET_TOOL_STATE:
    case KIND_SET_SERVER_STATE: snprintf(ret_body, size, "{\"enabled\":true}"); break;
    case KIND_INVOKE_TOOL:
    case KIND_INVOKE_SERVER: snprintf(ret_body, size, "{\"arguments\":{\"n\":%" PRIu64 "}}", subject->number); break;
    case KIND_CREATE_INVALID: snprintf(ret_body, size, "{\"description\":\"a tool without a name\"}"); break;
    default: ret_body[0] = '\0'; break;
    }
}

void exchange_begin(struct exchange *exchange, const struct exchange_subject *subject)
{
    const struct kind_info *info = &KINDS[subject->kind];
    char                    body[256];
    body_of(subject, body, sizeof body);

    int size = snprintf(exchange->request, sizeof exchange->request,
                        "%s %s%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: audittrail-traffic\r\n"
                        "X-User: user-%u@example.com\r\nX-Team: team-%u\r\n%sContent-Length: %zu\r\n\r\n%s",
                        info->method, info->path, subject->id, info->tail, subject->user, subject->user % TEAMS,
                        subject->kind == KIND_DELETE_DENIED ? "X-Role: viewer\r\n" : "", strlen(body), body);
    assert(size > 0 && size < (int)sizeof exchange->request);
    exchange->kind = subject->kind;
    exchange->request_size = (size_t)size;
    exchange->request_sent = 0;
    exchange->head_size = 0;
    exchange->head_complete = false;
    exchange->body_left = 0;
    exchange->status = 0;
    exchange->created_id[0] = '\0';
}

/* The value of a header in a complete head; NULL when it is absent. */
static const char *header_value(const char *head, const char *name)
{
    size_t name_size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':')
            return line + name_size + 1 + strspn(line + name_size + 1, " ");
    }
    return NULL;
}

/* "/tools/<id>" */
static void read_location(struct exchange *exchange)
{
    const char *location = header_value(exchange->head, "Location");
    if (location == NULL)
        return;
    size_t      size = strcspn(location, "\r\n");
    const char *id = memrchr(location, '/', size);
    if (id != NULL)
        snprintf(exchange->created_id, ID_SIZE, "%.*s", (int)(location + size - id - 1), id + 1);
}

static bool read_head(struct exchange *exchange)
{
    if (sscanf(exchange->head, "HTTP/1.1 %3u", &exchange->status) != 1)
        return false;
    const char *length = header_value(exchange->head, "Content-Length");
    if (length == NULL)
        return false;
    exchange->body_left = (size_t)strtoull(length, NULL, 10);
    read_location(exchange);
    exchange->head_complete = true;
    return true;
}

enum exchange_state exchange_receive(struct exchange *exchange, const char *data, size_t size)
{
    if (!exchange->head_complete) {
        size_t room = EXCHANGE_HEAD_BYTES_MAX - exchange->head_size;
        size_t taken = size < room ? size : room;
        memcpy(exchange->head + exchange->head_size, data, taken);
        exchange->head[exchange->head_size + taken] = '\0';

        const char *end = strstr(exchange->head, "\r\n\r\n");
        if (end == NULL) {
            exchange->head_size += taken;
            return taken == size && exchange->head_size < EXCHANGE_HEAD_BYTES_MAX ? EXCHANGE_MORE : EXCHANGE_BROKEN;
        }
        size_t head_bytes = (size_t)(end - exchange->head) + 4 - exchange->head_size; /* Of these that just came. */
        exchange->head[exchange->head_size + head_bytes] = '\0';
        if (!read_head(exchange))
            return EXCHANGE_BROKEN;
        size -= head_bytes;
    }
    if (size > exchange->body_left)
        return EXCHANGE_BROKEN; /* Nobody asked for more than one answer. */
    exchange->body_left -= size;
    return exchange->body_left == 0 ? EXCHANGE_COMPLETE : EXCHANGE_MORE;
}
