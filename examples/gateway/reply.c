/* reply.c -- fills in replies. */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char JSON_TYPE[] = "application/json";
static const char PROBLEM_TYPE[] = "application/problem+json";

static const struct {
    unsigned    status;
    const char *title;
} TITLES[] = {
    { 400, "Bad Request" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 409, "Conflict" },
    { 413, "Content Too Large" },
    { 422, "Unprocessable Content" },
    { 500, "Internal Server Error" },
    { 503, "Service Unavailable" },
};

static const char *title_of(unsigned status)
{
    for (size_t i = 0; i < sizeof TITLES / sizeof TITLES[0]; i++) {
        if (TITLES[i].status == status)
            return TITLES[i].title;
    }
    return "Error";
}

static void set_body(struct reply *reply, const char *content_type, char *body, size_t size)
{
    free(reply->body);
    reply->body = body;
    reply->body_size = size;
    reply->content_type = content_type;
}

/* There was no memory to say anything better. */
static void out_of_memory(struct reply *reply)
{
    reply->status = 500;
    set_body(reply, PROBLEM_TYPE, NULL, 0);
    snprintf(reply->detail, sizeof reply->detail, "out of memory");
}

void reply_json(struct reply *reply, unsigned status, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    if (text == NULL) {
        out_of_memory(reply);
        return;
    }
    reply->status = status;
    set_body(reply, JSON_TYPE, text, strlen(text));
}

void reply_text(struct reply *reply, const char *content_type, char *text, size_t size)
{
    if (text == NULL) {
        out_of_memory(reply);
        return;
    }
    reply->status = 200;
    set_body(reply, content_type, text, size);
}

void reply_problem(struct reply *reply, unsigned status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->detail, sizeof reply->detail, format, arguments);
    va_end(arguments);

    reply_json(reply, status,
               json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title_of(status), "status",
                         (int)status, "detail", reply->detail));
    if (reply->body != NULL)
        reply->content_type = PROBLEM_TYPE;
}

char *reply_take_body(struct reply *reply)
{
    char *body = reply->body;
    reply->body = NULL;
    reply->body_size = 0;
    return body;
}

void reply_done(struct reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}
