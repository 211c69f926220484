#include "edge/egress.h"

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/egress_resolver.h"
#include "edge/egress_transfer.h"
#include "edge/mailbox.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    TICK_MS = 50,
    IDLE_MS = 60 * 1000,
    CANCELS_MAX = 1024,
    IDLE_CONNECTIONS_MAX = 64,
    TAKEN_AT_ONCE = 64,
    HOST_KEY_SIZE = GUARD_HOST_SIZE + 8
};

#define ONE_FOR (10 * MS_MINUTE) /* HTTP/1.1, where HTTP/2 broke */

/* How many calls go to one host and port, and how. */
struct egress_host {
    unsigned count;
    ms_t one_until; /* monotonic: HTTP/1.1 alone; 0: not so */
    char key[HOST_KEY_SIZE];
};

struct message {
    struct egress_transfer *transfer; /* NULL: cancel `id` */
    uint64_t id;
};

struct egress {
    struct egress_config config;
    const struct guard *guard;
    CURLM *multi;
    struct mailbox *box;
    struct egress_resolver *resolver;
    pthread_t thread;
    atomic_uint_fast64_t last_id;
    atomic_uint waiting_count, flight_count;
    _Atomic ms_t end_by; /* MS_NEVER: go on */
    /* The thread's own. */
    struct list waiting, flight;
    struct map hosts;
    unsigned strangers; /* calls in flight that are not to a trusted origin */
    unsigned staying;   /* calls in flight that take no place */
    uint64_t last_token;
    ms_t ticked_at;
    bool changed; /* a call came or a place became free: look at those that wait */
};

const char *egress_outcome_name(enum egress_outcome outcome)
{
    static const char *const names[] = {
#define EGRESS_OUTCOME_NAME(name, text) #text,
        EGRESS_OUTCOME_LIST(EGRESS_OUTCOME_NAME)
#undef EGRESS_OUTCOME_NAME
    };
    return names[outcome];
}

static void wake(void *context)
{
    struct egress *egress = context;
    (void)curl_multi_wakeup(egress->multi);
}

static void leave_host(struct egress *egress, struct egress_transfer *transfer)
{
    struct egress_host *host = transfer->host;
    transfer->host = NULL;
    egress->changed = true;
    if (!host || --host->count > 0 || host->one_until > clock_monotonic())
        return;
    (void)map_remove(&egress->hosts, span_of(host->key));
    memory_free(host);
}

static struct egress_host *known_host(const struct egress *egress, const struct guard_url *url)
{
    char key[HOST_KEY_SIZE];
    (void)snprintf(key, sizeof key, "%s %u", url->host, url->port);
    return map_get(&egress->hosts, span_of(key));
}

static struct egress_host *find_host(struct egress *egress, const struct guard_url *url)
{
    struct egress_host *host = known_host(egress, url);
    if (host)
        return host;
    host = memory_new(struct egress_host);
    (void)snprintf(host->key, sizeof host->key, "%s %u", url->host, url->port);
    map_set(&egress->hosts, span_of(host->key), host);
    return host;
}

/* A read of a provider's. What pays is written once, which HTTP/2 does not promise; and files come
 * from elsewhere, one at a time. */
static bool may_speak_two(const struct egress *egress, const struct egress_transfer *transfer,
                          ms_t now)
{
    enum http_method method = transfer->request.method;
    const struct egress_host *host =
        transfer->host ? transfer->host : known_host(egress, &transfer->url);
    return transfer->at_trusted && transfer->url.https && !transfer->call.paid &&
           (method == HTTP_GET || method == HTTP_HEAD) && (!host || host->one_until <= now);
}

static void note_break(struct egress *egress, const struct egress_transfer *transfer)
{
    if (transfer->may_two && transfer->outcome == EGRESS_BROKEN)
        find_host(egress, &transfer->url)->one_until = clock_monotonic() + ONE_FOR;
}

static void count_flight(struct egress *egress, const struct egress_transfer *transfer, int by)
{
    atomic_fetch_add(&egress->flight_count, (unsigned)by);
    if (transfer->call.stays)
        egress->staying += (unsigned)by;
    else if (!transfer->call.trusted)
        egress->strangers += (unsigned)by;
}

/* One more at the host; false: it has as many as it may have. */
static bool join_host(struct egress *egress, struct egress_transfer *transfer)
{
    if (transfer->call.stays)
        return true;
    struct egress_host *host = find_host(egress, &transfer->url);
    if (host->count >= egress->config.per_host_max)
        return false;
    host->count++;
    transfer->host = host;
    return true;
}

/* The transfer is in one of the lists and its handle perhaps in the multi handle: it leaves both,
 * tells its caller and is gone. */
static void finish(struct egress *egress, struct egress_transfer *transfer)
{
    if (transfer->easy)
        (void)curl_multi_remove_handle(egress->multi, transfer->easy);
    list_remove(&transfer->link);
    note_break(egress, transfer);
    leave_host(egress, transfer);
    if (transfer->state == EGRESS_WAITING) {
        atomic_fetch_sub(&egress->waiting_count, 1);
    } else {
        count_flight(egress, transfer, -1);
    }
    transfer->state = EGRESS_OVER;
    egress_transfer_report(transfer);
    egress_transfer_free(transfer);
}

static void dial(struct egress *egress, struct egress_transfer *transfer, ms_t now)
{
    transfer->state = EGRESS_RUNNING;
    transfer->may_two = may_speak_two(egress, transfer, now);
    bool dialled = egress_transfer_dial(transfer, now);
    if (dialled && curl_multi_add_handle(egress->multi, transfer->easy) != CURLM_OK) {
        egress_transfer_end(transfer, EGRESS_BROKEN, "The request could not be started.");
        dialled = false;
    }
    if (!dialled)
        finish(egress, transfer);
}

/* The URL is judged and the host has room. */
static void begin_hop(struct egress *egress, struct egress_transfer *transfer, ms_t now)
{
    transfer->hop_at = now;
    if (transfer->url.is_address) {
        if (egress_transfer_judge(transfer, &transfer->url.address, 1))
            dial(egress, transfer, now);
        else
            finish(egress, transfer);
        return;
    }
    transfer->state = EGRESS_RESOLVING;
    transfer->token = ++egress->last_token;
    if (!egress_resolver_ask(egress->resolver, transfer->token, transfer->url.host,
                             transfer->at_trusted)) {
        egress_transfer_end(transfer, EGRESS_NOT_RESOLVED, "Too many names wait to be looked up.");
        finish(egress, transfer);
    }
}

/* Strangers' calls leave a quarter of the places to the providers'. */
static bool has_place(const struct egress *egress, const struct egress_transfer *transfer)
{
    unsigned max = egress->config.in_flight_max;
    if (transfer->call.stays)
        return true;
    if (atomic_load(&egress->flight_count) - egress->staying >= max)
        return false;
    return transfer->call.trusted || egress->strangers < max - max / 4;
}

static void start_waiting(struct egress *egress, ms_t now)
{
    if (!egress->changed)
        return;
    egress->changed = false;
    LIST_EACH(&egress->waiting, link) {
        struct egress_transfer *transfer = LIST_OWNER(link, struct egress_transfer, link);
        if (!has_place(egress, transfer) || !join_host(egress, transfer))
            continue;
        list_remove(&transfer->link);
        list_add(&egress->flight, &transfer->link);
        atomic_fetch_sub(&egress->waiting_count, 1);
        count_flight(egress, transfer, 1);
        transfer->started_at = now;
        begin_hop(egress, transfer, now);
    }
}

static void cancel(struct egress *egress, struct list *list, uint64_t id)
{
    LIST_EACH(list, link) {
        struct egress_transfer *transfer = LIST_OWNER(link, struct egress_transfer, link);
        if (id != 0 && transfer->call.id != id)
            continue;
        egress_transfer_end(transfer, EGRESS_CANCELED, "The request was canceled.");
        finish(egress, transfer);
    }
}

static void take_messages(struct egress *egress)
{
    void *messages[TAKEN_AT_ONCE];
    for (size_t count; (count = mailbox_take_all(egress->box, messages, TAKEN_AT_ONCE)) > 0;) {
        for (size_t n = 0; n < count; n++) {
            struct message *message = messages[n];
            struct egress_transfer *transfer = message->transfer;
            if (!transfer) {
                cancel(egress, &egress->waiting, message->id);
                cancel(egress, &egress->flight, message->id);
            } else {
                list_add(&egress->waiting, &transfer->link);
                egress->changed = true;
                if (!egress_transfer_open(transfer))
                    finish(egress, transfer);
            }
            memory_free(message);
        }
    }
}

static struct egress_transfer *find_resolving(struct egress *egress, uint64_t token)
{
    LIST_EACH(&egress->flight, link) {
        struct egress_transfer *transfer = LIST_OWNER(link, struct egress_transfer, link);
        if (transfer->state == EGRESS_RESOLVING && transfer->token == token)
            return transfer;
    }
    return NULL;
}

static void take_lookups(struct egress *egress, ms_t now)
{
    struct egress_lookup *lookup;
    while ((lookup = egress_resolver_take(egress->resolver))) {
        struct egress_transfer *transfer = find_resolving(egress, lookup->token);
        if (transfer && egress_transfer_judge(transfer, lookup->addresses, lookup->count))
            dial(egress, transfer, now);
        else if (transfer)
            finish(egress, transfer);
        memory_free(lookup);
    }
}

static void take_finished(struct egress *egress, ms_t now)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(egress->multi, &left))) {
        struct egress_transfer *transfer = NULL;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)(void *)&transfer);
        (void)curl_multi_remove_handle(egress->multi, easy);
        if (!egress_transfer_close(transfer, code) || !egress_transfer_open(transfer)) {
            finish(egress, transfer);
            continue;
        }
        leave_host(egress, transfer);
        if (!transfer->call.stays) {
            transfer->host = find_host(egress, &transfer->url);
            transfer->host->count++; /* however many there are: it is under way */
        }
        begin_hop(egress, transfer, now);
    }
}

static void tick(struct egress *egress, struct list *list, ms_t now)
{
    LIST_EACH(list, link) {
        struct egress_transfer *transfer = LIST_OWNER(link, struct egress_transfer, link);
        if (!egress_transfer_tick(transfer, now))
            finish(egress, transfer);
    }
}

/* Whether the loop goes on. */
static bool turn(struct egress *egress)
{
    ms_t now = clock_monotonic();
    take_messages(egress);
    take_lookups(egress, now);
    start_waiting(egress, now);
    int running;
    CURLMcode code = curl_multi_perform(egress->multi, &running);
    if (code != CURLM_OK)
        log_error("the HTTP library failed", log_text("error", curl_multi_strerror(code)));
    now = clock_monotonic();
    take_finished(egress, now);
    if (now - egress->ticked_at >= TICK_MS) {
        egress->ticked_at = now;
        tick(egress, &egress->waiting, now);
        tick(egress, &egress->flight, now);
    }
    ms_t end_by = atomic_load(&egress->end_by);
    if (now >= end_by) {
        take_messages(egress);
        cancel(egress, &egress->waiting, 0);
        cancel(egress, &egress->flight, 0);
    }
    bool idle = list_empty(&egress->waiting) && list_empty(&egress->flight);
    return !(end_by != MS_NEVER && idle && mailbox_size(egress->box) == 0);
}

static void *run(void *context)
{
    struct egress *egress = context;
    while (turn(egress)) {
        bool idle = list_empty(&egress->waiting) && list_empty(&egress->flight);
        int wait_ms = egress->changed ? 0 : idle ? IDLE_MS : TICK_MS;
        (void)curl_multi_poll(egress->multi, NULL, 0, wait_ms, NULL);
    }
    return NULL;
}

static void release(struct egress *egress)
{
    if (egress->resolver)
        egress_resolver_free(egress->resolver, MS_SECOND);
    if (egress->multi)
        (void)curl_multi_cleanup(egress->multi);
    size_t cursor = 0;
    for (void *host; (host = map_next(&egress->hosts, &cursor));)
        memory_free(host);
    map_done(&egress->hosts);
    mailbox_free(egress->box);
    memory_free(egress);
}

/* Signals belong to the main thread, except the one of a broken pipe, which OpenSSL's writes to a
 * closed peer would raise here: it stays blocked for ever. */
static bool start_thread(struct egress *egress)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&egress->thread, NULL, run, egress) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool egress_can_trust(const char *authorities)
{
    if (!authorities)
        return true;
    X509_STORE *store = X509_STORE_new();
    bool good = store && X509_STORE_load_file(store, authorities) == 1;
    X509_STORE_free(store);
    ERR_clear_error();
    return good;
}

struct egress *egress_make(const struct egress_config *config, const struct guard *guard)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct egress *egress = memory_new(struct egress);
    egress->config = *config;
    if (egress->config.names_kept == 0)
        egress->config.names_kept = 30 * MS_SECOND;
    if (egress->config.in_flight_max == 0)
        egress->config.in_flight_max = 256;
    if (egress->config.per_host_max == 0)
        egress->config.per_host_max = 16;
    if (egress->config.queue_max == 0)
        egress->config.queue_max = 4096;
    egress->guard = guard;
    list_init(&egress->waiting);
    list_init(&egress->flight);
    map_init(&egress->hosts);
    atomic_store(&egress->end_by, MS_NEVER);
    egress->multi = curl_multi_init();
    egress->box = mailbox_make((size_t)egress->config.queue_max + CANCELS_MAX, wake, egress);
    bool made = egress->multi && curl_multi_setopt(egress->multi, CURLMOPT_MAXCONNECTS,
                                                   (long)IDLE_CONNECTIONS_MAX) == CURLM_OK;
    if (made)
        egress->resolver = egress_resolver_make(&egress->config, wake, egress);
    if (made && start_thread(egress))
        return egress;
    release(egress);
    return NULL;
}

void egress_free(struct egress *egress, ms_t wait_ms)
{
    if (!egress)
        return;
    mailbox_close(egress->box);
    atomic_store(&egress->end_by, clock_monotonic() + wait_ms);
    (void)curl_multi_wakeup(egress->multi);
    (void)pthread_join(egress->thread, NULL);
    release(egress);
}

uint64_t egress_id(struct egress *egress)
{
    return atomic_fetch_add(&egress->last_id, 1) + 1;
}

bool egress_send(struct egress *egress, const struct egress_call *call)
{
    if (atomic_fetch_add(&egress->waiting_count, 1) >= egress->config.queue_max) {
        atomic_fetch_sub(&egress->waiting_count, 1);
        return false;
    }
    struct message *message = memory_new(struct message);
    message->transfer = egress_transfer_make(&egress->config, egress->guard, call);
    if (mailbox_post(egress->box, message))
        return true;
    atomic_fetch_sub(&egress->waiting_count, 1);
    egress_transfer_free(message->transfer);
    memory_free(message);
    return false;
}

void egress_cancel(struct egress *egress, uint64_t id)
{
    if (id == 0)
        return;
    struct message *message = memory_new(struct message);
    message->id = id;
    if (mailbox_post(egress->box, message))
        return;
    log_warn("a request could not be canceled", log_number("id", (int64_t)id));
    memory_free(message);
}

struct egress_load egress_load(struct egress *egress)
{
    return (struct egress_load){atomic_load(&egress->waiting_count),
                                atomic_load(&egress->flight_count)};
}
