/* review.c -- decides whether a person must look at an event, when its caller did not say. */
#include "event/review.h"

#include "base/text.h"
#include "event/operation.h"

#define BIT(operation) (UINT32_C(1) << TRAIL_OPERATION_##operation)

/* Operations that change configuration or carry it out of the house. Not EXECUTE and AUTH: that is using a
 * credential or a policy, and happens with every login. OTHER is doubtful, and a doubtful case is looked at. */
#define CHANGING (BIT(CREATE) | BIT(UPDATE) | BIT(DELETE) | BIT(EXPORT) | BIT(IMPORT) | BIT(ADMIN) | BIT(OTHER))

struct type_name {
    const char *text;
    size_t      size;
};

/* clang-format off */
#define NAME(literal) { literal, sizeof(literal) - 1 }
/* clang-format on */

/* What other things depend on: taking one away breaks them. */
static const struct type_name depended_on[] = { NAME("server"), NAME("tool"), NAME("resource"), NAME("gateway") };

/* Sensitive configuration: what decides who may do what, or lets somebody in. A resource type is one of these
 * when it is the name or ends with it as whole words (`auth_config`, `oauth-credentials`), plural or not. */
static const struct type_name sensitive[] = {
    NAME("config"),        NAME("configuration"), NAME("setting"),     NAME("secret"),     NAME("credential"),
    NAME("policy"),        NAME("policies"),      NAME("role"),        NAME("permission"), NAME("api_key"),
    NAME("apikey"),        NAME("access_key"),    NAME("private_key"), NAME("api_token"),  NAME("access_token"),
    NAME("auth_provider"), NAME("sso_provider"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return c == '-' || c == '.' || c == '/' ? '_' : c;
}

/* True when `type` is `name` or ends with it behind a separator. */
static bool ends_with(struct trail_text type, const struct type_name *name)
{
    /* From the end: most types differ there already. */
    size_t before = type.size - name->size;
    for (size_t i = name->size; i > 0; i--) {
        if (fold(type.data[before + i - 1]) != name->text[i - 1])
            return false;
    }
    return before == 0 || fold(type.data[before - 1]) == '_';
}

static bool is_one_of(struct trail_text type, const struct type_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (type.size >= names[i].size && ends_with(type, &names[i]))
            return true;
    }
    return false;
}

static bool is_one_or_more_of(struct trail_text type, const struct type_name *names, size_t count)
{
    if (is_one_of(type, names, count))
        return true;
    bool plural = type.size > 0 && fold(type.data[type.size - 1]) == 's';
    return plural && is_one_of(text_of(type.data, type.size - 1), names, count);
}

bool review_required(const struct trail_event *event, enum trail_operation operation)
{
    if (event->requires_review != TRAIL_REVIEW_AUTO)
        return event->requires_review == TRAIL_REVIEW_YES;
    if (event->data_classification >= TRAIL_CLASSIFICATION_CONFIDENTIAL)
        return true;

    struct trail_text type = text_trim(event->resource_type);
    if (operation == TRAIL_OPERATION_DELETE &&
        (action_is_bulk(event->action) || is_one_or_more_of(type, depended_on, COUNT(depended_on))))
        return true;
    return (CHANGING >> (unsigned)operation & 1) != 0 && is_one_or_more_of(type, sensitive, COUNT(sensitive));
}
