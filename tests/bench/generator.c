/* generator.c -- the events of every benchmark: event i is a pure function of i. */
#include "bench/generator.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The first three write. */
static const struct verb {
    const char          *name;
    const char          *method;
    enum trail_operation operation;
} verbs[7] = {
    { "create", "POST", TRAIL_OPERATION_CREATE },   { "update", "PUT", TRAIL_OPERATION_UPDATE },
    { "delete", "DELETE", TRAIL_OPERATION_DELETE }, { "get", "GET", TRAIL_OPERATION_READ },
    { "list", "GET", TRAIL_OPERATION_READ },        { "search", "GET", TRAIL_OPERATION_READ },
    { "execute", "POST", TRAIL_OPERATION_EXECUTE },
};

static const char *const types[20] = { "tool",   "server", "resource", "gateway", "prompt",  "agent",  "team",
                                       "user",   "role",   "token",    "session", "plugin",  "policy", "catalog",
                                       "metric", "export", "import",   "webhook", "setting", "report" };

/* A small vocabulary, as configuration has. */
static const char *const words[16] = { "enabled", "timeout", "retries", "endpoint", "transport", "visibility",
                                       "owner",   "tags",    "version", "schema",   "limit",     "schedule",
                                       "mode",    "region",  "quota",   "label" };

/* splitmix64: every bit of the result depends on every bit of i and salt. */
static uint64_t mix(uint64_t i, uint64_t salt)
{
    uint64_t z = i * UINT64_C(0x9E3779B97F4A7C15) + salt * UINT64_C(0xD1B54A32D192ED03);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

__attribute__((format(printf, 2, 3))) static struct trail_text put(struct generated_event *out, const char *format, ...)
{
    char  *at = out->storage + out->storage_size;
    size_t room = sizeof out->storage - out->storage_size;

    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < room);

    out->storage_size += (size_t)size + 1;
    return (struct trail_text){ at, (size_t)size };
}

/* A configuration object of about 390 bytes. */
static struct trail_text put_values(struct generated_event *out, uint64_t seed)
{
    char   json[640];
    size_t size = (size_t)snprintf(json, sizeof json, "{\"name\":\"%s-%llu\"", words[seed % 16],
                                   (unsigned long long)(seed % 5000));
    for (uint64_t i = 0; i < 11; i++) {
        uint64_t value = mix(seed, i + 100);
        size += (size_t)snprintf(json + size, sizeof json - size, ",\"%s_%llu\":\"%s %s %llu\"", words[value % 16],
                                 (unsigned long long)i, words[value >> 8 & 15], words[value >> 16 & 15],
                                 (unsigned long long)(value >> 32 & 1023));
    }
    return put(out, "%s}", json);
}

void generator_user_id(uint64_t user, char out[32])
{
    snprintf(out, 32, "user-%04llu", (unsigned long long)user);
}

void generator_resource(uint64_t resource, char ret_type[16], char ret_id[40])
{
    uint64_t number = mix(resource, 50);
    snprintf(ret_type, 16, "%s", types[resource % 20]);
    snprintf(ret_id, 40, "%08llx-%04llx-4000-8000-%012llx", (unsigned long long)(number >> 32),
             (unsigned long long)(number >> 16 & 0xFFFF), (unsigned long long)resource);
}

static void put_actor(struct generated_event *out, uint64_t i)
{
    struct trail_event *event = &out->record.event;
    double              uniform = (double)(mix(i, 1) >> 11) * 0x1.0p-53;
    uint64_t            user = (uint64_t)(uniform * uniform * GENERATOR_USER_COUNT);
    /* Most people have one browser; now and then another one. */
    uint64_t agent = (user * 7 + (mix(i, 2) % 16 == 0)) % GENERATOR_AGENT_COUNT;
    char     user_id[32];
    generator_user_id(user, user_id);
    event->user_id = put(out, "%s", user_id);
    event->user_email = put(out, "%s@example.com", user_id);
    event->team_id = put(out, "team-%02llu", (unsigned long long)(user % GENERATOR_TEAM_COUNT));
    event->auth_method = put(out, "%s", user % 3 == 0 ? "jwt" : user % 3 == 1 ? "oauth" : "basic");
    event->client_ip = put(out, "10.%llu.%llu.%llu", (unsigned long long)(user >> 8), (unsigned long long)(user & 255),
                           (unsigned long long)(user % 250 + 1));
    event->user_agent = put(out,
                            "Mozilla/5.0 (X11; Linux x86_64; rv:1%02llu.0) AppleWebKit/537.36 (KHTML, like Gecko) "
                            "Chrome/1%02llu.0.0.0 Safari/537.36 Edg/1%02llu.0",
                            (unsigned long long)agent, (unsigned long long)agent, (unsigned long long)agent);
}

static void put_what(struct generated_event *out, uint64_t i)
{
    struct trail_event *event = &out->record.event;
    bool                writes = mix(i, 3) % 10 == 0;
    const struct verb  *verb = writes ? &verbs[mix(i, 4) % 3] : &verbs[3 + mix(i, 4) % 4];
    uint64_t            resource = mix(i, 5) % GENERATOR_RESOURCE_COUNT;
    char                type[16];
    char                id[40];
    generator_resource(resource, type, id);

    event->operation = verb->operation;
    event->action = put(out, "%s_%s", verb->name, type);
    event->resource_type = put(out, "%s", type);
    event->resource_id = put(out, "%s", id);
    event->resource_name =
        put(out, "The %s number %llu of the platform group, region eu-west", type, (unsigned long long)resource);
    event->request_method = put(out, "%s", verb->method);
    event->request_path = put(out, "/api/v1/%ss/%s", type, id);
    event->requires_review = verb->operation == TRAIL_OPERATION_DELETE ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    if (writes) {
        event->old_values = put_values(out, mix(i, 6));
        event->new_values = put_values(out, mix(i, 7));
    }
}

void generator_event(uint64_t i, struct generated_event *out)
{
    out->storage_size = 0;
    out->record = (struct event_record){ .seq = i + 1, .weight = 1.0 };
    struct trail_event *event = &out->record.event;
    *event = (struct trail_event){ TRAIL_EVENT_INIT };
    event->timestamp_us = GENERATOR_START_US + (int64_t)((double)i * (1e6 / 39.5)) + (int64_t)(mix(i, 8) % 1000);
    put_actor(out, i);
    put_what(out, i);
    event->correlation_id = put(out, "%016llx%016llx", (unsigned long long)mix(i, 9), (unsigned long long)mix(i, 10));
    if (mix(i, 11) % 50 == 0) {
        event->outcome = TRAIL_OUTCOME_FAILURE;
        event->error_message = put(out, "upstream answered 502 after %llu ms: connection reset by peer",
                                   (unsigned long long)(mix(i, 12) % 30000));
    }
}
