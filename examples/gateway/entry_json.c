/* entry_json.c -- entries to JSON and back, by jansson. */
#include "entry_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "2026-11-24T04:05:06.123456Z" */
static json_t *time_json(int64_t time_us)
{
    time_t    seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    char      text[64];
    gmtime_r(&seconds, &parts);
    size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, sizeof text - used, ".%06dZ", (int)(time_us % 1000000));
    return json_string(text);
}

json_t *entry_json(const struct registry_entry *entry)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "id", entry->id, "name", entry->name, "description",
                     entry->description, "enabled", (int)entry->enabled, "config", json_loads(entry->config, 0, NULL),
                     "created", time_json(entry->created_us), "updated", time_json(entry->updated_us));
}

json_t *entry_json_summary(const struct registry_entry *entry)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "id", entry->id, "name", entry->name, "description",
                     entry->description, "enabled", (int)entry->enabled, "updated", time_json(entry->updated_us));
}

/* Dump and release. */
static char *text_of(json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return text;
}

char *entry_json_values(const struct registry_entry *entry)
{
    return text_of(json_pack("{s:s, s:s, s:b, s:o}", "name", entry->name, "description", entry->description, "enabled",
                             (int)entry->enabled, "config", json_loads(entry->config, 0, NULL)));
}

char *entry_json_state(const struct registry_entry *entry)
{
    return text_of(json_pack("{s:b}", "enabled", (int)entry->enabled));
}

bool entry_body_parse(const char *text, size_t size, json_t **ret_body, struct reply *reply)
{
    json_error_t error;
    json_t      *body = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (body == NULL) {
        reply_problem(reply, 400, "not JSON, at byte %d: %s", error.position, error.text);
        return false;
    }
    if (!json_is_object(body)) {
        json_decref(body);
        reply_problem(reply, 422, "the body is not an object");
        return false;
    }
    *ret_body = body;
    return true;
}

/* jansson has checked that it is UTF-8: count the bytes that begin a character. */
static size_t characters_in(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* Each reads one field; an answer other than NULL is what is wrong with it. */
static const char *read_name(const json_t *value, struct entry_values *values)
{
    values->change.name = json_string_value(value);
    size_t length = values->change.name != NULL ? characters_in(values->change.name) : 0;
    return length >= 1 && length <= ENTRY_NAME_CHARACTERS_MAX ? NULL : "name is a text of 1 to 200 characters";
}

static const char *read_description(const json_t *value, struct entry_values *values)
{
    values->change.description = json_string_value(value);
    bool fits = values->change.description != NULL &&
                characters_in(values->change.description) <= ENTRY_DESCRIPTION_CHARACTERS_MAX;
    return fits ? NULL : "description is a text of at most 2000 characters";
}

static const char *read_enabled(const json_t *value, struct entry_values *values)
{
    values->enabled = json_is_true(value);
    values->change.enabled = &values->enabled;
    return json_is_boolean(value) ? NULL : "enabled is true or false";
}

static const char *read_config(const json_t *value, struct entry_values *values)
{
    if (!json_is_object(value))
        return "config is an object";
    values->config = json_dumps(value, JSON_COMPACT);
    values->change.config = values->config;
    return values->config != NULL ? NULL : "config could not be kept";
}

static const struct {
    const char *key;
    const char *(*read)(const json_t *value, struct entry_values *values);
} FIELDS[] = {
    { "name", read_name },
    { "description", read_description },
    { "enabled", read_enabled },
    { "config", read_config },
};

bool entry_values_read(const json_t *body, struct entry_values *ret_values, struct reply *reply)
{
    size_t known = 0;
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        const json_t *value = json_object_get(body, FIELDS[i].key);
        if (value == NULL)
            continue;
        known++;
        const char *wrong = FIELDS[i].read(value, ret_values);
        if (wrong != NULL) {
            reply_problem(reply, 422, "%s", wrong);
            return false;
        }
    }
    if (ret_values->change.name == NULL) {
        reply_problem(reply, 422, "name is required");
        return false;
    }
    /* A misspelt key would otherwise be lost without a word. */
    if (known != json_object_size(body)) {
        reply_problem(reply, 422, "there is no other field than name, description, enabled and config");
        return false;
    }
    return true;
}

void entry_values_default(struct entry_values *values)
{
    if (values->change.description == NULL)
        values->change.description = "";
    if (values->change.config == NULL)
        values->change.config = "{}";
}

void entry_values_done(struct entry_values *values)
{
    free(values->config);
    values->config = NULL;
}
