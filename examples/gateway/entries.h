/* entries.h -- what can be done with one kind of entry (tools, servers): the handlers behind the routes.
 *
 *     http  ->  routes  ->  [entries]  ->  registry
 *
 * A handler reads the request, does it, fills in the reply, and notes in call->facts what the audit record should
 * say beyond what the request says: the id and name of the resource, the values before and after. It makes no audit
 * call.
 *
 * Thread: as the call.
 * Memory: the facts are the call's: entries_facts_done().
 * Errors: replies. 400 not JSON, 404 no such id, 409 disabled, 422 JSON that does not fit, 503 no database.
 */
#ifndef GATEWAY_ENTRIES_H
#define GATEWAY_ENTRIES_H

#include "call.h"

void entries_list(struct call *call);
void entries_create(struct call *call);
void entries_get(struct call *call);
void entries_update(struct call *call);
void entries_delete(struct call *call);
void entries_set_state(struct call *call);
void entries_invoke(struct call *call);

void entries_facts_done(struct call_facts *facts);

#endif
