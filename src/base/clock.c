/* clock.c -- what time it is, by a clock that tests can replace. */
#include "base/clock.h"

#include <stdio.h>

#define US_PER_SECOND INT64_C(1000000)

static int64_t read_clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static int64_t system_wall_us(void *context)
{
    (void)context;
    return read_clock_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void *context)
{
    (void)context;
    return read_clock_us(CLOCK_MONOTONIC);
}

static int64_t system_boot_us(void *context)
{
    (void)context;
    return read_clock_us(CLOCK_BOOTTIME);
}

const struct clock clock_system = { system_wall_us, system_mono_us, NULL, system_boot_us };

struct timespec clock_deadline(uint32_t timeout_ms)
{
    struct timespec when;
    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += timeout_ms / 1000;
    when.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

void clock_format(int64_t wall_us, char out[CLOCK_TEXT_SIZE])
{
    int64_t seconds = wall_us / US_PER_SECOND;
    int64_t fraction = wall_us % US_PER_SECOND;
    if (fraction < 0) {
        fraction += US_PER_SECOND;
        seconds--;
    }
    time_t    when = (time_t)seconds;
    struct tm utc;
    gmtime_r(&when, &utc);
    /* The moduli only tell the compiler what the calendar already promises. */
    snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)(utc.tm_year + 1900) % 10000,
             (unsigned)(utc.tm_mon + 1) % 100, (unsigned)utc.tm_mday % 100, (unsigned)utc.tm_hour % 100,
             (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100, (unsigned)fraction % 1000000);
}

/* Read exactly `digits` digits at *text and step over them. */
static bool take_number(struct trail_text *text, size_t digits, int *ret_number)
{
    int number = 0;
    if (text->size < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        char c = text->data[i];
        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    text->data += digits;
    text->size -= digits;
    *ret_number = number;
    return true;
}

static bool take_char(struct trail_text *text, const char *any_of)
{
    if (text->size == 0)
        return false;
    for (; *any_of != '\0'; any_of++) {
        if (text->data[0] == *any_of) {
            text->data++;
            text->size--;
            return true;
        }
    }
    return false;
}

/* Digits after the point, as microseconds; further digits are cut off. */
static bool take_fraction(struct trail_text *text, int64_t *ret_us)
{
    int64_t us = 0;
    int64_t unit = US_PER_SECOND / 10;
    int     digit = 0;
    if (!take_number(text, 1, &digit))
        return false;
    do {
        us += digit * unit;
        unit /= 10;
    } while (take_number(text, 1, &digit));
    *ret_us = us;
    return true;
}

static bool take_zone(struct trail_text *text, int64_t *ret_offset_seconds)
{
    *ret_offset_seconds = 0;
    if (text->size == 0 || take_char(text, "Zz"))
        return true;

    int sign = text->data[0] == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!take_char(text, "+-") || !take_number(text, 2, &hours) || !take_char(text, ":") ||
        !take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_offset_seconds = (int64_t)sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_time(struct trail_text *text, struct tm *utc, int64_t *ret_fraction_us)
{
    if (!take_char(text, "Tt ") || !take_number(text, 2, &utc->tm_hour) || !take_char(text, ":") ||
        !take_number(text, 2, &utc->tm_min))
        return false;
    /* A fraction belongs to seconds: "04:05.5" would be half a minute to ISO 8601. */
    if (take_char(text, ":") &&
        (!take_number(text, 2, &utc->tm_sec) || (take_char(text, ".,") && !take_fraction(text, ret_fraction_us))))
        return false;
    return utc->tm_hour <= 23 && utc->tm_min <= 59 && utc->tm_sec <= 60;
}

bool clock_parse(struct trail_text text, int64_t *ret_wall_us)
{
    struct tm utc = { 0 };
    int64_t   fraction_us = 0;
    int64_t   zone_seconds = 0;

    if (!take_number(&text, 4, &utc.tm_year) || !take_char(&text, "-") || !take_number(&text, 2, &utc.tm_mon) ||
        !take_char(&text, "-") || !take_number(&text, 2, &utc.tm_mday))
        return false;
    if (text.size > 0 && !take_time(&text, &utc, &fraction_us))
        return false;
    if (!take_zone(&text, &zone_seconds) || text.size > 0)
        return false;
    if (utc.tm_mon < 1 || utc.tm_mon > 12 || utc.tm_mday < 1)
        return false;

    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    /* A leap second is the first second of the next minute, here as in the system's own clock. Added
     * afterwards, so that the day still tells whether timegm() moved 31 February into March. */
    int leap_seconds = utc.tm_sec == 60 ? 1 : 0;
    utc.tm_sec -= leap_seconds;
    int     asked_day = utc.tm_mday;
    int64_t seconds = (int64_t)timegm(&utc) + leap_seconds;
    if (utc.tm_mday != asked_day)
        return false;
    *ret_wall_us = (seconds - zone_seconds) * US_PER_SECOND + fraction_us;
    return true;
}
