/* queue_baseline.c -- what a service writes when it has no audit library: a queue under a mutex. */
#include "bench/queue_baseline.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/contender.h"

struct queued {
    struct queued     *next;
    int64_t            at_us;
    enum trail_outcome outcome;
    char              *fields[EVENT_FIELD_COUNT]; /* NULL: absent. */
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t  filled;
    struct queued  *first;
    struct queued **last;
    bool            closing;
    FILE           *file;
    pthread_t       consumer;
};

static void write_line(FILE *file, const struct queued *event)
{
    fprintf(file, "%lld %d", (long long)event->at_us, (int)event->outcome);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (event->fields[i] != NULL)
            fprintf(file, " %s=%s", event_fields[i].name, event->fields[i]);
    }
    fputc('\n', file);
}

static void free_queued(struct queued *event)
{
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        free(event->fields[i]);
    free(event);
}

/* Take one event; NULL: there will be none any more. */
static struct queued *pop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->closing)
        pthread_cond_wait(&queue->filled, &queue->lock);
    struct queued *event = queue->first;
    if (event != NULL) {
        queue->first = event->next;
        if (queue->first == NULL)
            queue->last = &queue->first;
    }
    pthread_mutex_unlock(&queue->lock);
    return event;
}

static void *consume(void *argument)
{
    struct queue  *queue = argument;
    struct queued *event;
    while ((event = pop(queue)) != NULL) {
        write_line(queue->file, event);
        free_queued(event);
    }
    return NULL;
}

struct queue *queue_open(const char *directory)
{
    char          path[512];
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        bench_fail("no memory for the queue");
    snprintf(path, sizeof path, "%s/queue.log", directory);
    queue->file = fopen(path, "w");
    if (queue->file == NULL)
        bench_fail("cannot write %s", path);
    queue->last = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    if (pthread_create(&queue->consumer, NULL, consume, queue) != 0)
        bench_fail("cannot start the consumer");
    return queue;
}

void queue_push(struct queue *queue, const struct trail_event *event)
{
    struct timespec now;
    struct queued  *queued = calloc(1, sizeof *queued);
    if (queued == NULL)
        bench_fail("no memory for an event");
    clock_gettime(CLOCK_REALTIME, &now);
    queued->at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    queued->outcome = event->outcome;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, (enum event_field)i);
        if (text.size > 0)
            queued->fields[i] = strndup(text.data, text.size);
    }
    pthread_mutex_lock(&queue->lock);
    *queue->last = queued;
    queue->last = &queued->next;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closing = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
    pthread_join(queue->consumer, NULL);
    fclose(queue->file);
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->filled);
    free(queue);
}

/* ---- As a contender ---- */

static void *open_queue(const char *directory, const char *const *settings)
{
    (void)settings;
    return queue_open(directory);
}

static void record(void *context, const struct trail_event *event)
{
    struct queue *queue = context;
    queue_push(queue, event);
}

static void close_queue(void *context)
{
    struct queue *queue = context;
    queue_close(queue);
}

const struct contender contender_queue = { "queue", open_queue, record, close_queue };
