/* figures.c -- writes numbers, sizes and ages as people read them. */
#include "cli/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct figure figure_count(uint64_t count)
{
    char          digits[24];
    struct figure figure;
    size_t        size = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t        at = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            figure.text[at++] = ',';
        figure.text[at++] = digits[i];
    }
    figure.text[at] = '\0';
    return figure;
}

struct figure figure_bytes(uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
    struct figure            figure;
    double                   value = (double)bytes / 1024;
    size_t                   unit = 0;

    if (bytes < 1024) {
        snprintf(figure.text, sizeof figure.text, "%" PRIu64 " B", bytes);
        return figure;
    }
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(figure.text, sizeof figure.text, "%.*f %s", value < 10 ? 1 : 0, value, units[unit]);
    return figure;
}

struct figure figure_age(int64_t age_us)
{
    struct figure figure;
    int64_t       seconds = age_us / 1000000;
    if (seconds < 10)
        snprintf(figure.text, sizeof figure.text, "%.1f s", (double)age_us / 1e6);
    else if (seconds < 120)
        snprintf(figure.text, sizeof figure.text, "%" PRId64 " s", seconds);
    else if (seconds < 2 * 3600)
        snprintf(figure.text, sizeof figure.text, "%" PRId64 " min", seconds / 60);
    else if (seconds < 2 * 86400)
        snprintf(figure.text, sizeof figure.text, "%" PRId64 " h", seconds / 3600);
    else
        snprintf(figure.text, sizeof figure.text, "%" PRId64 " days", seconds / 86400);
    return figure;
}
