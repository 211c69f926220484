/* A bounded queue of pointers between threads: anyone posts, one thread takes. What a message is
 * and who frees it is agreed between the two ends; the box never looks inside.
 *
 * The taker either waits in mailbox_wait, or it is woken through `notify`, which is called by the
 * posting thread each time the box stops being empty (and once when it is closed): so a taker that
 * was notified has to take until mailbox_take_all gives 0. `notify` must be quick and must not call
 * the box; uv_async_send and curl_multi_wakeup are what it is for. */
#ifndef EDGE_MAILBOX_H
#define EDGE_MAILBOX_H

#include "base/time.h"

struct mailbox;

/* `capacity` > 0 messages; `notify` may be NULL. */
struct mailbox *mailbox_make(size_t capacity, void (*notify)(void *context), void *context);
/* No thread may use the box any more; messages still inside are the caller's loss, so take them
 * first. Accepts NULL. */
void mailbox_free(struct mailbox *box);
/* Any thread. False when the box is full or closed: the message is still the caller's. */
bool mailbox_post(struct mailbox *box, void *message);
/* The oldest messages, at most `capacity` of them, in the order in which they were posted; gives
 * their number. Does not wait. Works on a closed box too. */
size_t mailbox_take_all(struct mailbox *box, void **messages, size_t capacity);
/* Waits until there is a message (true), the box is closed (true) or the monotonic clock
 * (clock_monotonic) reaches `until` (false). MS_NEVER waits without a limit. */
bool mailbox_wait(struct mailbox *box, ms_t until);
/* From now on nothing is posted and `notify` is never called again once this has returned. */
void mailbox_close(struct mailbox *box);
bool mailbox_closed(struct mailbox *box);
size_t mailbox_size(struct mailbox *box);

#endif
