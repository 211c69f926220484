/* What adapters share: the body of a request, and what an answer means where the provider says
 * nothing of its own. */
#ifndef PROVIDER_RESPONSE_H
#define PROVIDER_RESPONSE_H

#include "provider/provider.h"

/* -- requests */

/* Method, URL ("" is added to the base as it is) and the two headers that all of them want. The
 * credential is a slot: "Bearer {key:replicate}". */
void request_start(const struct ask *ask, enum http_method method, const char *path,
                   const char *credential, struct http_request *ret_request);
void request_header(struct http_request *request, const char *name, const char *value);
/* Server-sent events too, where JSON alone is asked for otherwise. */
void request_accept_events(struct http_request *request);
/* Takes the value over; its text becomes the body, as JSON. */
void request_json(const struct ask *ask, json_t *value, struct http_request *request);
/* Percent-encoded for a query or a segment of a path. */
const char *request_escape(struct arena *arena, const char *text);

/* -- answers */

/* NULL when the body is not JSON; the caller frees with json_decref. */
json_t *response_json(const struct http_response *response);
/* What the status alone says (SPEC 8, reliability 3.1). Of a submission: 4xx refuse it, 429 puts it
 * off, all else leaves it open. Of a read: 404 is GONE, all else NOTHING. Fills error, text and
 * `after`; adapters say the rest. */
void response_status(enum provider_call call, const struct http_response *response,
                     struct told *ret_told);
bool response_is_good(const struct http_response *response); /* 2xx */
/* Every http(s) or data: URL in a JSON value, as files, in the order of their finding; copied. */
void response_files(const json_t *value, struct arena *arena, struct told *told);
void response_add_file(struct told *told, struct arena *arena, struct span url, struct span type);
/* Numbers equal in value and texts, lists and objects equal in all: an input as the provider
 * echoes it, whatever the order of its keys. */
bool response_same(const json_t *a, const json_t *b);
/* The percentage of the last line that starts as tqdm's bars do, " 35%|███▌ | 7/20 […]"; −1. */
int response_progress(struct span logs);
/* Copies the text of a string value; empty for anything else. */
void response_text(const json_t *value, char *target, size_t capacity);

#endif
