/* reply.h -- what the gateway answers: a status, a body, and the few headers it ever sets.
 *
 * Every body is JSON, an error is an application/problem+json object (RFC 9457); only /metrics is plain text.
 * The sentence of an error is kept beside the body: it is what the audit record calls the error message.
 *
 * Thread: one owner.
 * Memory: the body is owned by the reply until reply_take_body() or reply_done().
 * Errors: out of memory turns the reply into a 500 without a body.
 */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include <jansson.h>
#include <stddef.h>

struct reply {
    unsigned    status;
    const char *content_type;
    char       *body;               /* Heap; NULL = no body. */
    size_t      body_size;          /* Bytes. */
    char        detail[256];        /* An error's sentence, else "". */
    char        correlation_id[65]; /* Header X-Correlation-Id; "" = none. */
    char        location[80];       /* Header Location, for 201; "" = none. */
    char        allow[64];          /* Header Allow, for 405; "" = none. */
};

/* Answer with a JSON value. Takes the reference; NULL (jansson was out of memory) makes it a 500. */
void reply_json(struct reply *reply, unsigned status, json_t *value);

/* Answer with text. Takes the heap block; NULL makes it a 500. */
void reply_text(struct reply *reply, const char *content_type, char *text, size_t size);

/* Answer with a problem: the status decides its title, the sentence is for a person. */
void reply_problem(struct reply *reply, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The body becomes the caller's. */
char *reply_take_body(struct reply *reply);
void  reply_done(struct reply *reply);

#endif
