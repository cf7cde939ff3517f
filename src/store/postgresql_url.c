/* postgresql_url.c -- what the URL of a PostgreSQL database says, before anything is connected to. */
#include "store/postgresql_url.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOW_TO_WRITE "write postgresql://USER@HOST:PORT/DATABASE?parameter=value"

/* The value of a parameter that the URL gives, else NULL. */
static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    }
    return NULL;
}

/* ---- Checking ---- */

/* As libpq reads it: whatever stands before the first @ that no / stands before says who we are. */
static const char *behind_credentials(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *rest = scheme != NULL ? scheme + strlen("://") : url;
    size_t      size = strcspn(rest, "@/");
    return rest[size] == '@' ? rest + size + 1 : rest;
}

/* In "u:a@b@h/d" the host is "b@h", in "u:1/b@h/d" the database is "b@h/d": either would be shown, with a part of the
 * password. */
static bool splits_the_password(const char *url)
{
    const char *rest = behind_credentials(url);
    return memchr(rest, '@', strcspn(rest, "?")) != NULL;
}

/* libpq quotes what it does not understand. The name of a parameter helps; anything else can be the password. */
static enum trail_err refuse_words(const char *url, const char *words, struct trail_error *ret_error)
{
    const char *parameters = strchr(behind_credentials(url), '?');
    bool        quotes_a_name = strstr(words, "URI query parameter: ") != NULL && parameters != NULL;
    if (quotes_a_name && strchr(parameters, '@') != NULL)
        quotes_a_name = false; /* It may stand behind a password. */
    return error_set(ret_error, TRAIL_ECONFIG, 0, "the database URL is not one that libpq takes: %.*s; " HOW_TO_WRITE,
                     (int)strcspn(words, quotes_a_name ? "\n" : ":\n"), words);
}

/* "5432", "", or one for each host. */
static bool are_ports(const char *ports)
{
    const char *at = ports != NULL ? ports : "";
    for (;;) {
        size_t size = strcspn(at, ",");
        long   port = strtol(at, NULL, 10);
        if (size > 0 && (size > 5 || strspn(at, "0123456789") != size || port < 1 || port > 65535))
            return false;
        if (at[size] == '\0')
            return true;
        at += size + 1;
    }
}

static bool is_ssl_mode(const char *mode)
{
    static const char *const modes[] = { "disable", "allow", "prefer", "require", "verify-ca", "verify-full" };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(mode, modes[i]) == 0)
            return true;
    }
    return false;
}

/* What libpq takes for now, and would refuse once it connects. */
static enum trail_err check_values(const PQconninfoOption *options, struct trail_error *ret_error)
{
    const char *mode = value_of(options, "sslmode");
    if (!are_ports(value_of(options, "port")))
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "the database URL has a port that is no number from 1 to 65535 (a password stands before the "
                         "@); " HOW_TO_WRITE);
    if (mode != NULL && !is_ssl_mode(mode))
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "the database URL has sslmode=%.32s; allowed are disable, allow, prefer, require, verify-ca "
                         "and verify-full",
                         mode);
    return TRAIL_OK;
}

enum trail_err pg_check_url(const char *url, struct trail_error *ret_error)
{
    if (splits_the_password(url))
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "the database URL has an @ too many: in a user name or a password write %%40 for @ and %%2F "
                         "for /; " HOW_TO_WRITE);
    char             *words = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &words);
    enum trail_err    err = TRAIL_OK;
    if (options != NULL)
        err = check_values(options, ret_error);
    else if (words != NULL)
        err = refuse_words(url, words, ret_error);
    else
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a URL");
    PQconninfoFree(options);
    PQfreemem(words);
    return err;
}

/* ---- Hosts ---- */

static size_t item_count(const char *list)
{
    size_t count = list != NULL ? 1 : 0;
    for (; list != NULL && *list != '\0'; list++)
        count += *list == ',' ? 1 : 0;
    return count;
}

/* The item at `index` of "a,b,c"; false: it is not there, empty, or too long. */
static bool copy_item(const char *list, size_t index, char *out, size_t room)
{
    for (; list != NULL && index > 0; index--)
        list = strchr(list, ',') != NULL ? strchr(list, ',') + 1 : NULL;
    size_t size = list != NULL ? strcspn(list, ",") : 0;
    if (size == 0 || size >= room)
        return false;
    memcpy(out, list, size);
    out[size] = '\0';
    return true;
}

/* Among the hosts libpq goes by more than their order. */
static bool libpq_chooses(const PQconninfoOption *options)
{
    const char *wanted = value_of(options, "target_session_attrs");
    const char *balance = value_of(options, "load_balance_hosts");
    return (wanted != NULL && strcmp(wanted, "prefer-standby") == 0) ||
           (balance != NULL && strcmp(balance, "disable") != 0);
}

/* Every host by itself must mean what it means in the list: an empty one would be the whole list again. */
static size_t divide(const PQconninfoOption *options, size_t index, struct pg_host *ret_host)
{
    const char *hosts = value_of(options, "host");
    const char *addresses = value_of(options, "hostaddr");
    const char *ports = value_of(options, "port");
    size_t      count = item_count(addresses != NULL ? addresses : hosts);
    if (count < 2 || libpq_chooses(options) || (hosts != NULL && item_count(hosts) != count) ||
        (item_count(ports) > 1 && item_count(ports) != count))
        return 1;
    for (size_t i = 0; i < count; i++) {
        struct pg_host host = { .port = "5432" };
        if ((hosts != NULL && !copy_item(hosts, i, host.host, sizeof host.host)) ||
            (addresses != NULL && !copy_item(addresses, i, host.address, sizeof host.address)))
            return 1;
        if (item_count(ports) < 2)
            host.port[0] = '\0'; /* One for all of them. */
        else
            (void)copy_item(ports, i, host.port, sizeof host.port);
        if (i == index)
            *ret_host = host;
    }
    return count;
}

size_t pg_url_host(const char *url, size_t index, struct pg_host *ret_host)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    *ret_host = (struct pg_host){ .host = "" };
    size_t count = options != NULL ? divide(options, index, ret_host) : 1;
    if (count == 1)
        *ret_host = (struct pg_host){ .host = "" };
    PQconninfoFree(options);
    return count;
}
