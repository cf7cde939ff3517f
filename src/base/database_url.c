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

/* How many of the bytes are one of `these`, or are none of them. */
static size_t span(struct trail_text text, const char *these, bool are)
{
    size_t size = 0;
    while (size < text.size && (memchr(these, text.data[size], strlen(these)) != NULL) == are)
        size++;
    return size;
}

static struct trail_text behind(struct trail_text text, size_t size)
{
    return text_of(text.data + size, text.size - size);
}

/* How much of "host:port,host:port" is sure to hold no password: "user:PASSWORD", its host forgotten, has a port that
 * is no number. Addresses of IPv6 stand in brackets. */
static size_t without_password(struct trail_text hosts)
{
    size_t user = span(hosts, "@", false);
    size_t done = user < hosts.size ? user + 1 : 0;
    while (done < hosts.size) {
        if (hosts.data[done] == '[')
            done += span(behind(hosts, done), "]", false);
        done += span(behind(hosts, done), ":,", false);
        if (done == hosts.size)
            break;
        bool   is_port = hosts.data[done++] == ':';
        size_t digits = is_port ? span(behind(hosts, done), "0123456789", true) : 0;
        if (is_port && done + digits < hosts.size && hosts.data[done + digits] != ',')
            return done;
        done += digits;
    }
    return done;
}

/* Append what stands behind "scheme://" up to where the parameters are to be looked at; that place. */
static struct trail_text mask_authority(struct trail_text rest, struct buf *out)
{
    /* USER:PASSWORD@HOST. A password that was not percent-encoded may hold `/` and `@`, so everything from the first
     * colon to the last @ is taken for it. */
    const char *colon = memchr(rest.data, ':', rest.size);
    const char *at = memrchr(rest.data, '@', rest.size);
    size_t      hosts = span(rest, "/?", false);
    size_t      shown = colon != NULL && at != NULL && colon < at ? (size_t)(colon + 1 - rest.data)
                                                                  : without_password(text_of(rest.data, hosts));
    size_t      hidden = colon != NULL && at != NULL && colon < at ? (size_t)(at - rest.data) : hosts;
    buf_append(out, rest.data, shown);
    if (shown < hidden)
        buf_append_string(out, "***");
    return behind(rest, hidden);
}

/* Where the value of a parameter starts that nobody needs to see, or text.size. A name with %XX in it can be any. */
static size_t find_secret(struct trail_text text)
{
    static const char *const names[] = { "password=", "secret=", "scram_client_key=", "scram_server_key=" };
    size_t                   first = text.size;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t found = find_nocase(text, names[i]);
        if (found < text.size && found + strlen(names[i]) < first)
            first = found + strlen(names[i]);
    }
    size_t at = span(text, "?", false);
    while (at < text.size) {
        struct trail_text name = behind(text, at + 1);
        size_t            size = span(name, "=&", false);
        if (memchr(name.data, '%', size) != NULL)
            return at + 1 < first ? at + 1 : first;
        at += 1 + size + span(behind(name, size), "&", false);
    }
    return first;
}

void database_url_mask(struct trail_text url, struct buf *out)
{
    size_t authority = find_nocase(url, "://");
    if (authority < url.size) {
        buf_append(out, url.data, authority + 3);
        url = mask_authority(behind(url, authority + 3), out);
    }

    /* ?password=... and libpq's "host=x password='a b'": what follows is masked to the end. */
    size_t secret = find_secret(url);
    buf_append(out, url.data, secret);
    if (secret < url.size)
        buf_append_string(out, "***");
}
