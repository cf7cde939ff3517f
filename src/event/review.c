/* review.c -- decides whether a person must look at an event, when its caller did not say. */
#include "event/review.h"

#include "base/text.h"
#include "event/operation.h"

#define BIT(operation) (UINT32_C(1) << TRAIL_OPERATION_##operation)

/* Operations that change configuration or carry it out of the house. Not EXECUTE and AUTH: that is using a
 * credential or a policy, and happens with every login. OTHER is doubtful, and a doubtful case is looked at. */
#define CHANGING (BIT(CREATE) | BIT(UPDATE) | BIT(DELETE) | BIT(EXPORT) | BIT(IMPORT) | BIT(ADMIN) | BIT(OTHER))

/* What other things depend on: taking one away breaks them. */
static const char *const depended_on[] = {
    "server",
    "tool",
    "resource",
    "gateway",
};

/* Sensitive configuration: what decides who may do what, or lets somebody in. A resource type is one of these
 * when it is the name or ends with it as whole words (`auth_config`, `oauth-credentials`), plural or not. */
static const char *const sensitive[] = {
    "config",      "configuration", "setting",      "secret",        "credential",   "policy",
    "policies",    "role",          "permission",   "api_key",       "apikey",       "access_key",
    "private_key", "api_token",     "access_token", "auth_provider", "sso_provider",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return c == '-' || c == '.' || c == '/' ? '_' : c;
}

/* True when `type` is `name` or ends with it behind a separator. */
static bool ends_with_word(struct trail_text type, struct trail_text name)
{
    if (type.size < name.size)
        return false;
    size_t before = type.size - name.size;
    if (before > 0 && fold(type.data[before - 1]) != '_')
        return false;
    /* From the end: most words differ there already. */
    for (size_t i = name.size; i > 0; i--) {
        if (fold(type.data[before + i - 1]) != name.data[i - 1])
            return false;
    }
    return true;
}

static bool is_one_of(struct trail_text type, const char *const *names, size_t count)
{
    struct trail_text singular = type;
    if (type.size > 0 && fold(type.data[type.size - 1]) == 's')
        singular.size--;
    for (size_t i = 0; i < count; i++) {
        struct trail_text name = trail_str(names[i]);
        if (ends_with_word(type, name) || ends_with_word(singular, name))
            return true;
    }
    return false;
}

bool review_required(const struct trail_event *event, enum trail_operation operation)
{
    if (event->requires_review != TRAIL_REVIEW_AUTO)
        return event->requires_review == TRAIL_REVIEW_YES;
    if (event->data_classification >= TRAIL_CLASSIFICATION_CONFIDENTIAL)
        return true;

    struct trail_text type = text_trim(event->resource_type);
    if (operation == TRAIL_OPERATION_DELETE &&
        (action_is_bulk(event->action) || is_one_of(type, depended_on, COUNT(depended_on))))
        return true;
    return (CHANGING >> (unsigned)operation & 1) != 0 && is_one_of(type, sensitive, COUNT(sensitive));
}
