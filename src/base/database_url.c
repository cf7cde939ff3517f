/* database_url.c -- checks a store's URL, makes its path absolute, and hides a password in it. */
#include "base/database_url.h"

#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/text.h"

static enum trail_err refuse(struct buf *reason, const char *why)
{
    buf_append_string(reason, why);
    return TRAIL_EINVAL;
}

enum trail_err database_url_resolve(struct trail_text url, struct buf *out, struct buf *reason)
{
    static const struct trail_text scheme = { "sqlite:", 7 };

    /* What stands behind it is libpq's to understand, and is looked at by the back-end. */
    if (text_starts_with(url, trail_str("postgresql://")) || text_starts_with(url, trail_str("postgres://"))) {
        buf_append_text(out, url);
        return TRAIL_OK;
    }
    if (!text_starts_with(url, scheme))
        return refuse(reason, "allowed are sqlite:PATH and postgresql://USER@HOST:PORT/DATABASE");

    struct trail_text path = text_of(url.data + scheme.size, url.size - scheme.size);
    if (path.size == 0)
        return refuse(reason, "a path must follow; write sqlite:PATH");
    if (text_equal(path, trail_str(":memory:")))
        return refuse(reason, "a trail in memory would be lost with the process; write sqlite:PATH");
    if (text_starts_with(path, trail_str("//")))
        return refuse(reason,
                      "programs differ in what they read `//` as; write sqlite:PATH, as in sqlite:/var/lib/x.db");
    if (path.data[path.size - 1] == '/')
        return refuse(reason, "a file is needed, and this is a directory; write sqlite:PATH");

    buf_append_text(out, scheme);
    if (path_absolute(path, out) != TRAIL_OK)
        return refuse(reason, "the working directory is gone, so only an absolute path is allowed");
    return TRAIL_OK;
}

/* Where `needle` starts in `text`, any case, or text.size. */
static size_t find_nocase(struct trail_text text, const char *needle)
{
    size_t size = strlen(needle);
    for (size_t i = 0; i + size <= text.size; i++) {
        if (strncasecmp(text.data + i, needle, size) == 0)
            return i;
    }
    return text.size;
}

void database_url_mask(struct trail_text url, struct buf *out)
{
    static const char parameter[] = "password=";

    /* scheme://user:PASSWORD@host. A password that was not percent-encoded may hold `/` and `@`, so
     * everything from the first colon to the last @ is taken for it. */
    size_t authority = find_nocase(url, "://");
    if (authority < url.size) {
        authority += 3;
        const char *colon = memchr(url.data + authority, ':', url.size - authority);
        const char *at = memrchr(url.data + authority, '@', url.size - authority);
        if (colon != NULL && at != NULL && colon < at) {
            buf_append(out, url.data, (size_t)(colon + 1 - url.data));
            buf_append_string(out, "***");
            url = text_of(at, url.size - (size_t)(at - url.data));
        }
    }

    /* ?password=... and libpq's "host=x password='a b'": nobody needs to see what follows. */
    size_t found = find_nocase(url, parameter);
    if (found < url.size) {
        buf_append(out, url.data, found + sizeof parameter - 1);
        buf_append_string(out, "***");
        return;
    }
    buf_append_text(out, url);
}
