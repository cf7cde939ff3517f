/* postgresql_url.h -- what the URL of a PostgreSQL database says, before anything is connected to.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * libpq reads URLs, and with them whatever it knows. What it would find out only while it connects is checked here, so
 * that a slip is told at the start; and a slip that makes libpq take a password for something that it shows.
 *
 * Thread: any.
 * Memory: results are the caller's.
 * Errors: TRAIL_ECONFIG says what is wrong, and quotes nothing that can be a password. TRAIL_ENOMEM.
 */
#ifndef TRAIL_STORE_POSTGRESQL_URL_H
#define TRAIL_STORE_POSTGRESQL_URL_H

#include <stddef.h>

#include "base/err.h"

/* Is it one that libpq takes? */
TRAIL_MUST_CHECK enum trail_err pg_check_url(const char *url, struct trail_error *ret_error);

/* One host of several; empty: as the URL says. */
struct pg_host {
    char host[256];
    char address[64];
    char port[16];
};

/* How many hosts the URL names that are to be tried one after another, and the one at `index`. 1: libpq is to take the
 * URL as it is; there is one host, or libpq chooses among them itself. */
size_t pg_url_host(const char *url, size_t index, struct pg_host *ret_host);

#endif
