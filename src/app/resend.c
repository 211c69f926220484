#include "app/resend.h"

#include "base/crypto.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>

struct note {
    enum { NOTE_NONE, NOTE_WAITS, NOTE_OPEN, NOTE_LOST, NOTE_DELIVERED } state;
    unsigned char digest[RESEND_DIGEST_SIZE];
    char key[RESEND_KEY_SIZE];
    ms_t until; /* LOST, DELIVERED */
};

struct resend {
    pthread_mutex_t lock;
    uint64_t tags[RESEND_MAX]; /* of the digests, beside each other: they are searched */
    struct note notes[RESEND_MAX];
    unsigned next; /* the oldest, which is written over */
};

struct resend *resend_make(void)
{
    struct resend *resend = memory_new(struct resend);
    (void)pthread_mutex_init(&resend->lock, NULL);
    return resend;
}

void resend_free(struct resend *resend)
{
    if (!resend)
        return;
    (void)pthread_mutex_destroy(&resend->lock);
    memory_free(resend);
}

/* Headers with which libraries count their tries, from 0. */
static bool says_retry(const struct http_request *request)
{
    static const char *const names[] = {"x-stainless-retry-count", "x-retry-count",
                                        "x-retry-attempt"};
    struct span value;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        if (http_request_header(request, names[n], &value) && value.size > 0 &&
            !span_is(value, "0"))
            return true;
    return false;
}

static void add_part(struct crypto_sha256 *digest, struct span part)
{
    uint64_t size = part.size; /* so that parts can't run into each other */
    crypto_sha256_add(digest, span_make(&size, sizeof size));
    crypto_sha256_add(digest, part);
}

static void make_digest(const struct http_request *request, const char *tenant,
                        unsigned char target[static RESEND_DIGEST_SIZE])
{
    /* The second names the address that a proxied request means. */
    static const char *const headers[] = {"authorization", "x-fal-target-url"};
    struct crypto_sha256 *digest = crypto_sha256_make();
    add_part(digest, span_of(tenant));
    add_part(digest, request->method_name);
    add_part(digest, request->target);
    for (size_t n = 0; n < sizeof headers / sizeof headers[0]; n++) {
        struct span value = SPAN("");
        (void)http_request_header(request, headers[n], &value);
        add_part(digest, value);
    }
    add_part(digest, request->body);
    crypto_sha256_take(digest, target);
}

static void make_key(char target[static RESEND_KEY_SIZE])
{
    unsigned char bytes[16];
    crypto_random(bytes, sizeof bytes);
    memcpy(target, "resend-", 7);
    crypto_hex(bytes, sizeof bytes, target + 7);
}

static uint64_t tag_of(const unsigned char *digest)
{
    uint64_t tag;
    memcpy(&tag, digest, sizeof tag);
    return tag;
}

/* ---------------------------------------------------------------- under the lock */

static bool is_of(const struct resend *resend, unsigned at, const struct resend_ticket *ticket,
                  ms_t now)
{
    const struct note *note = &resend->notes[at];
    bool is_old = (note->state == NOTE_LOST || note->state == NOTE_DELIVERED) && note->until <= now;
    return resend->tags[at] == tag_of(ticket->digest) && note->state != NOTE_NONE && !is_old &&
           memcmp(note->digest, ticket->digest, RESEND_DIGEST_SIZE) == 0;
}

/* The equal creates: how many are under way, and one whose key this one may have. */
static struct note *find(struct resend *resend, const struct resend_ticket *ticket, ms_t now,
                         unsigned *ret_beside)
{
    struct note *found = NULL;
    unsigned beside = 0;
    for (unsigned n = 0; n < RESEND_MAX; n++) {
        if (!is_of(resend, n, ticket, now))
            continue;
        struct note *note = &resend->notes[n];
        beside += note->state == NOTE_OPEN || note->state == NOTE_WAITS ? 1 : 0;
        if (note->state == NOTE_LOST ||
            (note->state == NOTE_DELIVERED && ticket->is_retry && !found))
            found = note;
    }
    *ret_beside = beside;
    return found;
}

static struct note *find_own(struct resend *resend, const struct resend_ticket *ticket, ms_t now)
{
    for (unsigned n = 0; n < RESEND_MAX; n++)
        if (is_of(resend, n, ticket, now) && strcmp(resend->notes[n].key, ticket->key) == 0)
            return &resend->notes[n];
    return NULL;
}

static struct note *add(struct resend *resend, const struct resend_ticket *ticket)
{
    unsigned at = resend->next++ % RESEND_MAX;
    struct note *note = &resend->notes[at];
    memcpy(note->digest, ticket->digest, RESEND_DIGEST_SIZE);
    memcpy(note->key, ticket->key, RESEND_KEY_SIZE);
    resend->tags[at] = tag_of(ticket->digest);
    return note;
}

static void end_waiting(struct resend *resend, struct resend_ticket *ticket, ms_t now)
{
    struct note *own = ticket->waits ? find_own(resend, ticket, now) : NULL;
    if (own)
        own->state = NOTE_NONE;
    ticket->waits = false;
}

/* ---------------------------------------------------------------- from outside */

bool resend_open(struct resend *resend, const struct http_request *request, const char *tenant,
                 ms_t now, struct resend_ticket *ticket)
{
    unsigned beside;
    if (ticket->tries++ == 0) {
        make_digest(request, tenant, ticket->digest);
        make_key(ticket->key);
        ticket->is_retry = says_retry(request);
    }
    (void)pthread_mutex_lock(&resend->lock);
    end_waiting(resend, ticket, now);
    struct note *note = find(resend, ticket, now, &beside);
    if (note) {
        memcpy(ticket->key, note->key, RESEND_KEY_SIZE);
    } else {
        note = add(resend, ticket);
        ticket->waits = beside > 0 && beside < RESEND_BESIDE && ticket->tries <= RESEND_TRIES;
    }
    note->state = ticket->waits ? NOTE_WAITS : NOTE_OPEN;
    (void)pthread_mutex_unlock(&resend->lock);
    return !ticket->waits;
}

void resend_close(struct resend *resend, struct resend_ticket *ticket, enum resend_end end,
                  ms_t now)
{
    if (!ticket->key[0])
        return;
    (void)pthread_mutex_lock(&resend->lock);
    bool was_open = !ticket->waits;
    struct note *note = find_own(resend, ticket, now);
    if (!was_open || end == RESEND_REFUSED) {
        if (note)
            note->state = NOTE_NONE;
    } else {
        note = note ? note : add(resend, ticket);
        note->state = end == RESEND_LOST ? NOTE_LOST : NOTE_DELIVERED;
        note->until = now + RESEND_KEEP_MS;
    }
    ticket->key[0] = '\0';
    (void)pthread_mutex_unlock(&resend->lock);
}
