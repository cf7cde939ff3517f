/* figures.h -- writes numbers, sizes and ages as people read them: 1,234,567, 3.2 MiB, 12 s.
 *
 * Thread: any.
 * Memory: a struct figure is returned by value; its text lives as long as it does.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_FIGURES_H
#define AUDITTRAIL_CLI_FIGURES_H

#include <stdint.h>

struct figure {
    char text[32]; /* NUL-terminated; 2^64 with its commas has 26 characters. */
};

struct figure figure_count(uint64_t count); /* "1,234,567" */
struct figure figure_bytes(uint64_t bytes); /* "512 B", "3.2 MiB" */
struct figure figure_age(int64_t age_us);   /* "0.4 s", "12 s", "3 min", "5 h", "2 days" */

#endif
