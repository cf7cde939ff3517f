/* when.c -- reads a moment as people type it. */
#include "cli/when.h"

#include "base/clock.h"
#include "base/text.h"

/* Seconds of a unit's letter; 0: no unit. */
static int64_t unit_seconds(char letter)
{
    switch (letter) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 7 * 86400;
    default: return 0;
    }
}

/* "1d12h": every number must have its unit. */
static bool parse_age(struct trail_text text, int64_t *ret_seconds)
{
    int64_t total = 0;
    if (text.size == 0)
        return false;
    while (text.size > 0) {
        int64_t number = 0;
        size_t  digits = 0;
        /* Nine digits of weeks are 19 million years: far outside, and no overflow. */
        while (digits < text.size && digits < 9 && text.data[digits] >= '0' && text.data[digits] <= '9')
            number = number * 10 + (text.data[digits++] - '0');
        if (digits == 0 || digits == text.size || unit_seconds(text.data[digits]) == 0)
            return false;
        total += number * unit_seconds(text.data[digits]);
        if (total > CLOCK_WALL_US_MAX / 1000000)
            return false;
        text = text_of(text.data + digits + 1, text.size - digits - 1);
    }
    *ret_seconds = total;
    return true;
}

bool when_parse(struct trail_text text, int64_t now_us, int64_t *ret_us)
{
    int64_t seconds = 0;
    int64_t when_us = 0;

    text = text_trim(text);
    if (text_equal_nocase(text, TRAIL_TEXT("now")))
        when_us = now_us;
    else if (parse_age(text, &seconds))
        when_us = now_us - seconds * 1000000;
    else if (!clock_parse(text, &when_us))
        return false;

    if (when_us < CLOCK_WALL_US_MIN || when_us > CLOCK_WALL_US_MAX)
        return false;
    *ret_us = when_us;
    return true;
}
