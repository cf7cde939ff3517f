/* entries.c -- list, create, view, update, delete, switch and invoke. */
#include "entries.h"

#include "entry_json.h"
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE_DEFAULT 50
#define PAGE_SIZE_MAX 200

static struct registry_key key_of(const struct call *call)
{
    return (struct registry_key){ call->route->kind, call->id };
}

/* True: go on. Else the reply says why not. */
static bool succeeded(struct call *call, enum registry_result result)
{
    if (result == REGISTRY_UNKNOWN_ID)
        reply_problem(call->reply, 404, "no %s has the id %.100s", call->route->resource_type, call->id);
    else if (result != REGISTRY_OK)
        reply_problem(call->reply, 503, "the registry's database did not do it");
    return result == REGISTRY_OK;
}

/* The body's value, or false with the reply saying what is wrong with it. */
static bool read_body(struct call *call, json_t **ret_body)
{
    return entry_body_parse(call->request->body, call->request->body_size, ret_body, call->reply);
}

struct page_builder {
    json_t *items;
    char    last_id[REGISTRY_ID_SIZE];
    int     count;
};

static void add_item(void *context, const struct registry_entry *entry)
{
    struct page_builder *page = context;
    json_array_append_new(page->items, entry_json_summary(entry));
    snprintf(page->last_id, sizeof page->last_id, "%s", entry->id);
    page->count++;
}

/* ?limit=, or the default. False: it is not a number from 1 to PAGE_SIZE_MAX. */
static bool read_limit(const struct call *call, int *ret_limit)
{
    const char *text = http_argument(call->request, "limit");
    if (text == NULL) {
        *ret_limit = PAGE_SIZE_DEFAULT;
        return true;
    }
    char *end = NULL;
    long  limit = strtol(text, &end, 10);
    if (end == text || *end != '\0' || limit < 1 || limit > PAGE_SIZE_MAX)
        return false;
    *ret_limit = (int)limit;
    return true;
}

void entries_list(struct call *call)
{
    const char          *after = http_argument(call->request, "after");
    struct registry_page page = { .after = after != NULL ? after : "" };
    if (!read_limit(call, &page.limit)) {
        reply_problem(call->reply, 422, "limit is a number from 1 to %d", PAGE_SIZE_MAX);
        return;
    }
    struct page_builder  builder = { .items = json_array() };
    enum registry_result result = registry_list(call->gateway->registry, call->route->kind, page, add_item, &builder);
    if (!succeeded(call, result)) {
        json_decref(builder.items);
        return;
    }
    bool more = builder.count == page.limit;
    reply_json(call->reply, 200,
               json_pack("{s:o, s:s?}", "items", builder.items, "next", more ? builder.last_id : NULL));
}

void entries_create(struct call *call)
{
    json_t               *body = NULL;
    struct entry_values   values = { 0 };
    struct registry_entry entry = { 0 };
    if (!read_body(call, &body) || !entry_values_read(body, &values, call->reply))
        goto done;
    call->facts.resource_name = strdup(values.change.name);
    entry_values_default(&values);
    if (!succeeded(call, registry_add(call->gateway->registry, call->route->kind, &values.change, &entry)))
        goto done;

    call->facts.resource_id = strdup(entry.id);
    call->facts.new_values = entry_json_values(&entry);
    snprintf(call->reply->location, sizeof call->reply->location, "%.32s/%s", call->request->path, entry.id);
    reply_json(call->reply, 201, entry_json(&entry));

done:
    registry_entry_done(&entry);
    entry_values_done(&values);
    json_decref(body);
}

void entries_get(struct call *call)
{
    struct registry_entry entry = { 0 };
    if (!succeeded(call, registry_find(call->gateway->registry, key_of(call), &entry)))
        return;
    call->facts.resource_name = strdup(entry.name);
    reply_json(call->reply, 200, entry_json(&entry));
    registry_entry_done(&entry);
}

/* The shared end of update and state change. `values_text` makes the record's values from an entry. */
static void apply_change(struct call *call, const struct registry_change *change,
                         char *(*values_text)(const struct registry_entry *entry))
{
    struct registry_entry old = { 0 };
    struct registry_entry new = { 0 };
    if (!succeeded(call, registry_update(call->gateway->registry, key_of(call), change, &old, &new)))
        return;
    call->facts.resource_name = strdup(new.name);
    call->facts.old_values = values_text(&old);
    call->facts.new_values = values_text(&new);
    reply_json(call->reply, 200, entry_json(&new));
    registry_entry_done(&old);
    registry_entry_done(&new);
}

void entries_update(struct call *call)
{
    json_t             *body = NULL;
    struct entry_values values = { 0 };
    if (read_body(call, &body) && entry_values_read(body, &values, call->reply))
        apply_change(call, &values.change, entry_json_values);
    entry_values_done(&values);
    json_decref(body);
}

void entries_set_state(struct call *call)
{
    json_t *body = NULL;
    if (!read_body(call, &body))
        return;
    const json_t *enabled = json_object_get(body, "enabled");
    if (json_is_boolean(enabled) && json_object_size(body) == 1) {
        bool                   on = json_is_true(enabled);
        struct registry_change change = { .enabled = &on };
        apply_change(call, &change, entry_json_state);
    } else {
        reply_problem(call->reply, 422, "a state is {\"enabled\": true} or {\"enabled\": false}");
    }
    json_decref(body);
}

void entries_delete(struct call *call)
{
    struct registry_entry old = { 0 };
    if (!succeeded(call, registry_remove(call->gateway->registry, key_of(call), &old)))
        return;
    call->facts.resource_name = strdup(old.name);
    call->facts.old_values = entry_json_values(&old);
    reply_json(call->reply, 200, json_pack("{s:s}", "deleted", old.id));
    registry_entry_done(&old);
}

/* There is nothing behind an entry, so an invocation answers with what it was given. */
static void invoke_entry(struct call *call, const struct registry_entry *entry, json_t *arguments)
{
    call->facts.resource_name = strdup(entry->name);
    json_t *context = json_pack("{s:O}", "arguments", arguments);
    call->facts.context = json_dumps(context, JSON_COMPACT);
    json_decref(context);

    if (!entry->enabled) {
        reply_problem(call->reply, 409, "%s %s is disabled", call->route->resource_type, entry->id);
        return;
    }
    reply_json(call->reply, 200,
               json_pack("{s:s, s:s, s:O}", "id", entry->id, "name", entry->name, "result", arguments));
}

void entries_invoke(struct call *call)
{
    json_t               *body = NULL;
    json_t               *arguments = NULL;
    struct registry_entry entry = { 0 };
    if (call->request->body_size > 0 && !read_body(call, &body))
        return;
    arguments = body != NULL && json_object_get(body, "arguments") != NULL
                    ? json_incref(json_object_get(body, "arguments"))
                    : json_object();
    if (!json_is_object(arguments))
        reply_problem(call->reply, 422, "arguments is an object");
    else if (succeeded(call, registry_find(call->gateway->registry, key_of(call), &entry)))
        invoke_entry(call, &entry, arguments);
    registry_entry_done(&entry);
    json_decref(arguments);
    json_decref(body);
}

void entries_facts_done(struct call_facts *facts)
{
    free(facts->resource_id);
    free(facts->resource_name);
    free(facts->old_values);
    free(facts->new_values);
    free(facts->context);
}
