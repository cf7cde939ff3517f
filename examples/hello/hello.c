/* hello.c -- the smallest program that records something: one event, settings from the environment. */
#include <audittrail.h>
#include <stdio.h>

int main(void)
{
    struct trail      *trail = NULL;
    struct trail_error error = { 0 };
    if (trail_open(&trail, NULL, &error) != TRAIL_OK)
        return fprintf(stderr, "hello: %s\n", error.message), 1;

    struct trail_event event = { TRAIL_EVENT_INIT, .action = TRAIL_TEXT("create_tool"),
                                 .resource_type = TRAIL_TEXT("tool"), .resource_name = TRAIL_TEXT("weather"),
                                 .user_id = TRAIL_TEXT("ada") };
    struct trail_id    id = { "" };
    enum trail_err     code = trail_record(trail, &event, &id, &error);
    if (code != TRAIL_OK)
        fprintf(stderr, "hello: %s\n", code < 0 ? error.message : trail_strerror(code));
    else
        puts(id.text);
    return trail_close(trail, NULL) == TRAIL_OK && code == TRAIL_OK ? 0 : 1;
}
