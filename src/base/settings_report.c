/* settings_report.c -- gathers what is wrong in a configuration, and finds the name that was meant. */
#include "base/settings_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/database_url.h"
#include "base/err.h"
#include "base/text.h"

/* Longer names are not compared: no setting is nearly as long. */
#define NAME_BYTES_MAX 63

/* Enough for every setting to be wrong in two sources; a file of 10,000 wrong lines is told by its first ones. */
#define PROBLEM_COUNT_MAX 100

/* Put a question mark in the place of each control character. Returns the new size. */
static size_t replace_controls(char *text, size_t size)
{
    size_t end = 0;
    for (size_t i = 0; i < size; i++) {
        size_t control = text_control_size(text_of(text, size), i);
        text[end++] = control > 0 ? '?' : text[i];
        i += control > 1 ? control - 1 : 0;
    }
    return end;
}

/* Copy what fits, with "..." at the end of what does not; nothing in it can move a terminal's cursor. */
static void copy_cut(char *out, size_t size, struct trail_text text)
{
    uint32_t flags = 0;
    size_t   end = replace_controls(out, text_clean(text, size - 1, out, &flags));
    out[end] = '\0';
    if ((flags & TRAIL_FLAG_TRUNCATED) != 0) {
        end = end < size - 4 ? end : size - 4;
        while (end > 0 && ((unsigned char)out[end] & 0xC0) == 0x80)
            end--;
        memcpy(out + end, "...", 4);
    }
}

/* A new problem in the report, or NULL when there is no room; it is counted in either case. */
static struct settings_problem *add(struct settings_report *report, bool warning, struct trail_text name)
{
    if (!warning)
        report->error_count++;
    if (report->problem_count == PROBLEM_COUNT_MAX)
        return NULL;

    struct settings_problem *problems = realloc(report->problems, (report->problem_count + 1) * sizeof *problems);
    if (problems == NULL) {
        if (warning)
            report->error_count++;
        return NULL;
    }
    report->problems = problems;
    struct settings_problem *problem = &problems[report->problem_count++];
    *problem = (struct settings_problem){ .warning = warning };
    copy_cut(problem->name, sizeof problem->name, name);
    return problem;
}

void report_invalid(struct settings_report *report, const struct setting_info *info, struct trail_text value,
                    const char *where, struct trail_text reason)
{
    struct settings_problem *problem = add(report, false, trail_str(info->name));
    if (problem == NULL)
        return;

    struct buf shown;
    buf_init(&shown, NULL, 0);
    if (info->secret)
        database_url_mask(value, &shown);
    else
        buf_append_text(&shown, value);
    copy_cut(problem->value, sizeof problem->value, buf_text(&shown));

    buf_clear(&shown);
    buf_printf(&shown, "%s=%s (%s) is not valid: ", info->name, problem->value, where);
    buf_append_text(&shown, reason);
    copy_cut(problem->message, sizeof problem->message, buf_text(&shown));
    buf_done(&shown);
}

void report_unknown(struct settings_report *report, struct trail_text name, const char *where, bool warning)
{
    struct settings_problem *problem = add(report, warning, name);
    if (problem == NULL)
        return;

    const struct setting_info *nearest = setting_nearest(name);
    struct buf                 sentence;
    buf_init(&sentence, NULL, 0);
    buf_printf(&sentence, "%s (%s) is not a setting of audittrail %s", problem->name, where, TRAIL_VERSION);
    if (nearest != NULL)
        buf_printf(&sentence, "; did you mean %s?", nearest->name);
    copy_cut(problem->message, sizeof problem->message, buf_text(&sentence));
    buf_done(&sentence);
}

void report_sentence(struct settings_report *report, bool warning, const char *name, const char *format, ...)
{
    struct settings_problem *problem = add(report, warning, trail_str(name));
    if (problem == NULL)
        return;

    /* Room for more than fits: what is cut is cut by copy_cut(), which also sees what somebody else wrote. */
    char    sentence[2 * sizeof problem->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    copy_cut(problem->message, sizeof problem->message, trail_str(sentence));
}

enum trail_err settings_report_first(const struct settings_report *report, enum trail_err err,
                                     struct trail_error *ret_error)
{
    for (size_t i = 0; i < report->problem_count; i++) {
        if (!report->problems[i].warning)
            return error_set(ret_error, err, 0, "%s", report->problems[i].message);
    }
    return error_set(ret_error, err, 0, "cannot read the settings");
}

void settings_report_done(struct settings_report *report)
{
    if (report == NULL)
        return;
    free(report->problems);
    *report = (struct settings_report){ 0 };
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be inserted, deleted, replaced or swapped with their neighbour to make a out of b
 * (optimal string alignment). Both are at most NAME_BYTES_MAX long. */
static size_t edit_distance(struct trail_text a, struct trail_text b)
{
    size_t rows[3][NAME_BYTES_MAX + 1] = { { 0 } }; /* The row before the last, the last, the one being filled. */

    for (size_t j = 0; j <= b.size; j++)
        rows[1][j] = j;
    memcpy(rows[0], rows[1], sizeof rows[0]);
    for (size_t i = 1; i <= a.size; i++) {
        rows[2][0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t cost = a.data[i - 1] == b.data[j - 1] ? 0 : 1;
            size_t best = least(rows[1][j] + 1, rows[2][j - 1] + 1);
            best = least(best, rows[1][j - 1] + cost);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                best = least(best, rows[0][j - 2] + 1);
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][b.size];
}

const struct setting_info *setting_nearest(struct trail_text name)
{
    static const size_t prefix_size = sizeof "AUDIT_TRAIL_" - 1;

    if (name.size > NAME_BYTES_MAX)
        return NULL;

    const struct setting_info *nearest = NULL;
    size_t                     nearest_distance = SIZE_MAX;
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        size_t                     size = strlen(info->name);
        size_t                     distance = edit_distance(name, text_of(info->name, size));
        /* A third of the name may be wrong: more, and the suggestion is a guess. */
        if (distance < nearest_distance && distance * 3 <= size - prefix_size) {
            nearest = info;
            nearest_distance = distance;
        }
    }
    return nearest;
}
