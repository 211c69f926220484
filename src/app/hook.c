#include "app/hook.h"

#include "app/hook_sign.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/mailbox.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OFFICE_MAILBOX = 8192,
    OFFICE_RETRY_MS = 100,    /* before an outcome that the core had no room for is told again */
    OFFICE_ANSWER_MAX = 4096, /* bytes; a longer one is cut off, and its connection closed */
    OFFICE_ALARM_TRIES = 3,   /* failed tries of one delivery that the operator should hear of */
    OFFICE_BATCH = 64
};

/* What other threads tell this one. */
struct order {
    enum { ORDER_DELIVER, ORDER_ECHO, ORDER_TEST, ORDER_ALERT, ORDER_ALERTED, ORDER_TELL } kind;
    int64_t job; /* DELIVER, ECHO */
    unsigned number, tries;
    bool is_last, forged;
    struct hook_test test; /* TEST; its texts are owned */
    enum alert_kind alert; /* ALERT, ALERTED */
    bool delivered;        /* ALERTED */
    char text[ALERT_TEXT_SIZE];
    struct message *message; /* TELL: an outcome that the core has not taken yet */
};

struct hook_office {
    struct hook_config config;
    pthread_t thread;
    bool running;
    struct mailbox *box;
    atomic_uint tests;
    struct alerts alerts;
};

/* A call under way: what its outcome belongs to. */
struct errand {
    struct hook_office *office;
    struct order order; /* its texts are owned */
    char id[NOTIFY_ID_SIZE];
};

static void free_texts(const struct hook_test *test)
{
    memory_free((char *)(uintptr_t)test->tenant);
    memory_free((char *)(uintptr_t)test->url);
}

static void order_free(struct order *order)
{
    free_texts(&order->test);
    message_free(order->message);
    memory_free(order);
}

static bool post(struct hook_office *office, const struct order *order)
{
    struct order *copy = memory_new(struct order);
    *copy = *order;
    if (mailbox_post(office->box, copy))
        return true;
    memory_free(copy);
    return false;
}

/* ---------------------------------------------------------------- how it went */

static void fail(struct hook_outcome *outcome, enum hooked_kind kind, const char *error)
{
    *outcome = (struct hook_outcome){.kind = kind};
    (void)snprintf(outcome->error, sizeof outcome->error, "%s", error);
}

void hook_read_outcome(const struct egress_result *result, ms_t now,
                       struct hook_outcome *ret_outcome)
{
    int status = result->response.status;
    if (status < 200) {
        bool is_stopped = result->outcome == EGRESS_CANCELED;
        char text[NOTIFY_ERROR_SIZE];
        (void)span_copy(SPAN("The server was stopped meanwhile."), text, sizeof text);
        if (!is_stopped)
            (void)snprintf(text, sizeof text, "%.*s", NOTIFY_ERROR_SIZE - 1, result->sentence);
        fail(ret_outcome, is_stopped ? HOOKED_UNSENT : HOOKED_FAILED, text);
        ret_outcome->took = result->times.total;
        return;
    }
    *ret_outcome = (struct hook_outcome){
        .kind = HOOKED_DELIVERED, .status = status, .took = result->times.total};
    if (status / 100 == 2)
        return; /* whatever became of the answer's body */
    ret_outcome->kind = status == 410 ? HOOKED_GONE : HOOKED_FAILED;
    ret_outcome->retry_after = http_retry_after(&result->response, now);
    (void)snprintf(ret_outcome->error, sizeof ret_outcome->error, "It answered %d (%s)%s", status,
                   http_status_name(status),
                   status == 410       ? ": nothing more is sent."
                   : status / 100 == 3 ? "; redirects are not followed."
                                       : ".");
}

/* The outcome of a delivery must not be lost, or it would count as in flight for ever. */
static void tell_core(struct hook_office *office, struct message *message)
{
    if (office->config.post(office->config.context, message))
        return;
    if (!post(office, &(struct order){.kind = ORDER_TELL, .message = message})) {
        message_free(message); /* it is stopping: what is not told is sent again */
        log_warn("the outcome of a webhook could not be told");
    }
}

static void count_outcome(struct hook_office *office, const struct order *order,
                          enum hooked_kind kind)
{
    struct board_counters *counters = board_counters(office->config.board);
    enum board_hook result = kind == HOOKED_DELIVERED ? BOARD_HOOK_DELIVERED
                             : kind == HOOKED_GONE    ? BOARD_HOOK_GONE
                             : order->is_last         ? BOARD_HOOK_GIVEN_UP
                                                      : BOARD_HOOK_FAILED;
    if (kind != HOOKED_UNSENT)
        atomic_fetch_add(&counters->hooks[result], 1);
}

static void warn_operator(struct hook_office *office, const struct order *order, const char *id,
                          const char *error)
{
    unsigned tries = order->tries + 1;
    if (tries != OFFICE_ALARM_TRIES && !order->is_last)
        return;
    char text[ALERT_TEXT_SIZE];
    (void)snprintf(text, sizeof text, "The webhook %s %s after %u %s: %s", id,
                   order->is_last ? "was given up" : "fails", tries, tries == 1 ? "try" : "tries",
                   error);
    hook_alert(office, ALERT_DELIVERIES, text);
}

static void end_delivery(const struct errand *errand, const struct hook_outcome *outcome)
{
    struct hook_office *office = errand->office;
    const struct order *order = &errand->order;
    struct message *message = message_make(EVENT_HOOKED);
    message->event.hooked = (struct hooked){
        .job = order->job,
        .number = order->number,
        .kind = outcome->kind,
        .status = outcome->status,
        .took = outcome->took,
        .retry_after = outcome->retry_after,
    };
    if (outcome->kind != HOOKED_DELIVERED)
        message->event.hooked.error = arena_copy(&message->arena, span_of(outcome->error));
    count_outcome(office, order, outcome->kind);
    if (outcome->kind == HOOKED_FAILED) {
        log_warn("a webhook failed", log_text("id", errand->id),
                 log_number("try", order->tries + 1), log_number("status", outcome->status),
                 log_text("why", outcome->error));
        warn_operator(office, order, errand->id, outcome->error);
    }
    tell_core(office, message);
}

static void end_test(const struct errand *errand, const struct hook_outcome *outcome)
{
    const struct hook_test *test = &errand->order.test;
    struct answer_hook_test told = {.delivered = outcome->kind == HOOKED_DELIVERED,
                                    .status = outcome->status,
                                    .took = outcome->took};
    (void)span_copy(span_of(errand->id), told.id, sizeof told.id);
    (void)span_copy(span_of(outcome->error), told.error, sizeof told.error);
    atomic_fetch_sub(&errand->office->tests, 1);
    test->tell(test->context, test->token, &told);
}

static void end_alert(const struct errand *errand, const struct hook_outcome *outcome)
{
    const struct order told = {.kind = ORDER_ALERTED,
                               .alert = errand->order.alert,
                               .delivered = outcome->kind == HOOKED_DELIVERED};
    if (!told.delivered)
        log_warn("an alert could not be delivered",
                 log_text("kind", alert_name(errand->order.alert)),
                 log_text("why", outcome->error));
    (void)post(errand->office, &told);
}

/* The end of an errand, on whatever thread. */
static void finish(struct errand *errand, const struct hook_outcome *outcome)
{
    if (errand->order.kind == ORDER_DELIVER)
        end_delivery(errand, outcome);
    else if (errand->order.kind == ORDER_TEST)
        end_test(errand, outcome);
    else if (errand->order.kind != ORDER_ECHO)
        end_alert(errand, outcome);
    free_texts(&errand->order.test);
    memory_free(errand);
}

/* It ended before it began. */
static void give_up(struct errand *errand, enum hooked_kind kind, const char *error)
{
    struct hook_outcome outcome;
    fail(&outcome, kind, error);
    finish(errand, &outcome);
}

/* On the egress's thread. */
static void on_done(void *context, const struct egress_result *result)
{
    struct hook_outcome outcome;
    hook_read_outcome(result, clock_wall(), &outcome);
    finish(context, &outcome);
}

/* ---------------------------------------------------------------- sending */

static void add_header(struct http_request *request, const char *name, struct span value)
{
    request->headers[request->header_count++] = (struct http_header){span_of(name), value};
}

/* What is sent, and where. */
struct parcel {
    const char *url;
    bool is_trusted; /* the operator's own: past the guard */
    struct span body;
    const char *secrets[2];
    unsigned secret_count;
    const struct job *fal_job; /* it is in fal's shape, and signed in fal's way too; or NULL */
};

/* What the headers of fal's signature borrow. */
struct fal_headers {
    char signature[2 * CRYPTO_ED25519_SIGNATURE + 1];
};

static void add_fal(const struct hook_office *office, const struct parcel *parcel,
                    const char *timestamp, struct fal_headers *texts, struct http_request *request)
{
    const struct job *job = parcel->fal_job;
    struct buffer head;
    if (!job || !office->config.fal_seed)
        return;
    buffer_init(&head, 512);
    buffer_print(&head, "%s\n%s\n%s\n", job->id, job->tenant, timestamp);
    hook_sign_fal(office->config.fal_seed, buffer_span(&head), parcel->body, texts->signature);
    add_header(request, "X-Fal-Webhook-Request-Id", span_of(job->id));
    add_header(request, "X-Fal-Webhook-User-Id", span_of(job->tenant));
    add_header(request, "X-Fal-Webhook-Timestamp", span_of(timestamp));
    add_header(request, "X-Fal-Webhook-Signature", span_of(texts->signature));
    buffer_done(&head);
}

static void send_parcel(struct errand *errand, const struct parcel *parcel, const char *timestamp,
                        struct span signature)
{
    struct hook_office *office = errand->office;
    ms_t timeout = office->config.timeout;
    struct http_request request = {
        .method = HTTP_POST, .target = span_of(parcel->url), .part_count = 1};
    request.parts[0] = (struct http_part){.kind = HTTP_PART_BYTES, .bytes = parcel->body};
    add_header(&request, "Content-Type", SPAN("application/json"));
    add_header(&request, "User-Agent", SPAN("reel/" REEL_VERSION));
    add_header(&request, "webhook-id", span_of(errand->id));
    add_header(&request, "webhook-timestamp", span_of(timestamp));
    if (signature.size)
        add_header(&request, "webhook-signature", signature);
    struct fal_headers texts;
    add_fal(office, parcel, timestamp, &texts, &request);
    const struct egress_call call = {
        .request = &request,
        .trusted = parcel->is_trusted ? parcel->url : NULL,
        .answer = {.max = OFFICE_ANSWER_MAX, .plain = true},
        .deadlines = {.first_byte = timeout, .total = timeout, .slow = MS_NEVER},
        .done = on_done,
        .context = errand,
    };
    if (!egress_send(office->config.egress, &call))
        give_up(errand, HOOKED_UNSENT, "Too much is being sent already.");
}

static void sign_and_send(struct errand *errand, const struct parcel *parcel)
{
    char timestamp[24];
    struct buffer signature;
    int64_t seconds = clock_wall() / MS_SECOND;
    bool good = true;
    buffer_init(&signature, 1024);
    (void)snprintf(timestamp, sizeof timestamp, "%" PRId64, seconds);
    for (unsigned n = 0; n < parcel->secret_count && good; n++)
        good = hook_sign(parcel->secrets[n], errand->id, seconds, parcel->body, &signature);
    if (good)
        send_parcel(errand, parcel, timestamp, buffer_span(&signature));
    else
        give_up(errand, HOOKED_FAILED, "The secret for the signature can't be read.");
    buffer_done(&signature);
}

static void send_as_tenant(struct errand *errand, const char *tenant, const char *url,
                           struct span body, const struct job *fal_job)
{
    struct hook_secret secret;
    enum store_result result = reader_secret(errand->office->config.reader, tenant, &secret);
    if (result != STORE_OK) {
        give_up(errand, result == STORE_BUSY ? HOOKED_UNSENT : HOOKED_FAILED,
                "The tenant's secret can't be read.");
        return;
    }
    bool has_old = secret.old[0] && secret.old_until > clock_wall();
    const struct parcel parcel = {.url = url,
                                  .body = body,
                                  .secrets = {secret.text, secret.old},
                                  .secret_count = has_old ? 2 : 1,
                                  .fal_job = fal_job};
    sign_and_send(errand, &parcel);
    explicit_bzero(&secret, sizeof secret);
}

static struct errand *errand_make(struct hook_office *office, const struct order *order)
{
    struct errand *errand = memory_new(struct errand);
    errand->office = office;
    errand->order = *order;
    return errand;
}

/* Another job's id of the same length for the job's own, and a key that is nobody's. */
static void forge(struct errand *errand, const struct job *job, const char *url, char *body)
{
    char secret[] = "whsec_Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIQ==";
    size_t size = strlen(job->id);
    for (char *at = body; (at = strstr(at, job->id)); at += size)
        at[size - 1] = (char)(at[size - 1] == '0' ? '1' : '0');
    sign_and_send(errand, &(struct parcel){url, false, span_of(body), {secret, NULL}, 1, NULL});
}

static void deliver_body(struct errand *errand, const struct job *job, char *text)
{
    struct span body = span_of(text);
    char fault[JSON_FAULT_SIZE];
    json_t *options = job->options ? json_read(span_of(job->options), fault) : NULL;
    const char *url = json_string_value(json_object_get(options, "webhookUrl"));
    const char *own = json_string_value(json_object_get(options, "webhookSecret"));
    bool is_fal = span_is(json_span(json_object_get(options, "webhookDialect")), "fal");
    const struct job *fal_job = is_fal ? job : NULL;
    notify_id(job->id, errand->order.number, errand->id);
    if (!url)
        give_up(errand, HOOKED_GONE, "The job has no webhook any more.");
    else if (errand->order.forged)
        forge(errand, job, url, text);
    else if (own)
        sign_and_send(errand, &(struct parcel){url, false, body, {own, NULL}, 1, fal_job});
    else
        send_as_tenant(errand, job->tenant, url, body, fal_job);
    json_decref(options);
}

static void run_deliver(struct hook_office *office, const struct order *order)
{
    struct reader *reader = office->config.reader;
    struct errand *errand = errand_make(office, order);
    struct delivery row;
    struct job job;
    char *body = NULL;
    enum store_result result = reader_delivery(reader, order->job, order->number, &row, &body);
    if (result == STORE_OK)
        result = reader_job(reader, order->job, &job, NULL);
    if (result == STORE_OK) {
        deliver_body(errand, &job, body);
        reader_job_done(&job);
    } else if (result == STORE_NONE) {
        give_up(errand, HOOKED_GONE, "The job was removed.");
    } else {
        give_up(errand, HOOKED_UNSENT, "The store could not be read.");
    }
    memory_free(body);
}

static void run_test(struct hook_office *office, const struct order *order)
{
    struct errand *errand = errand_make(office, order);
    struct buffer body;
    struct json_writer writer;
    (void)snprintf(errand->id, sizeof errand->id, "msg_test_%016" PRIx64, crypto_random_number());
    buffer_init(&body, 1024);
    json_writer_init(&writer, &body);
    json_open_object(&writer, NULL);
    json_text(&writer, "event", SPAN("test"));
    json_text(&writer, "message", SPAN("A test call: nothing has happened."));
    json_time(&writer, "createdAt", clock_wall());
    json_close_object(&writer);
    send_as_tenant(errand, order->test.tenant, order->test.url, buffer_span(&body), NULL);
    buffer_done(&body);
}

static void send_alerts(struct hook_office *office)
{
    enum alert_kind kind;
    while (alert_take(&office->alerts, clock_monotonic(), &kind)) {
        const struct order order = {.kind = ORDER_ALERT, .alert = kind};
        const struct alert *alert = &office->alerts.list[kind];
        struct errand *errand = errand_make(office, &order);
        struct buffer body;
        buffer_init(&body, 4096);
        (void)snprintf(errand->id, sizeof errand->id, "%s", alert->id);
        alert_write(alert, kind, &body);
        const struct parcel parcel = {.url = office->config.alert_url,
                                      .is_trusted = true,
                                      .body = buffer_span(&body),
                                      .secrets = {office->config.alert_secret, NULL},
                                      .secret_count = office->config.alert_secret ? 1 : 0};
        sign_and_send(errand, &parcel);
        buffer_done(&body);
    }
}

static void take_order(struct hook_office *office, struct order *order)
{
    switch (order->kind) {
    case ORDER_DELIVER:
    case ORDER_ECHO:
        run_deliver(office, order);
        break;
    case ORDER_TEST:
        run_test(office, order);
        order->test = (struct hook_test){0}; /* the errand has its texts */
        break;
    case ORDER_ALERT:
        if (alert_raise(&office->alerts, order->alert, order->text, clock_monotonic(),
                        clock_wall()))
            log_warn("alert", log_text("kind", alert_name(order->alert)),
                     log_text("message", order->text));
        break;
    case ORDER_ALERTED:
        (void)alert_tried(&office->alerts, order->alert, order->delivered, clock_monotonic());
        break;
    case ORDER_TELL:
        tell_core(office, order->message);
        order->message = NULL;
        break;
    }
    order_free(order);
}

static void *run(void *context)
{
    struct hook_office *office = context;
    void *orders[OFFICE_BATCH];
    while (!mailbox_closed(office->box)) {
        (void)mailbox_wait(office->box, alert_next_at(&office->alerts));
        size_t count = mailbox_take_all(office->box, orders, OFFICE_BATCH);
        bool was_refused = false;
        for (size_t n = 0; n < count; n++) {
            was_refused |= ((struct order *)orders[n])->kind == ORDER_TELL;
            take_order(office, orders[n]);
        }
        reader_rest(office->config.reader);
        send_alerts(office);
        if (was_refused) {
            const struct timespec pause = {.tv_nsec = OFFICE_RETRY_MS * 1000000L};
            (void)nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- orders */

struct hook_office *hook_make(const struct hook_config *config)
{
    struct hook_office *office = memory_new(struct hook_office);
    office->config = *config;
    office->box = mailbox_make(OFFICE_MAILBOX, NULL, NULL);
    alert_init(&office->alerts);
    office->running = pthread_create(&office->thread, NULL, run, office) == 0;
    if (office->running)
        return office;
    hook_free(office);
    return NULL;
}

void hook_stop(struct hook_office *office)
{
    if (!office || !office->running)
        return;
    mailbox_close(office->box);
    (void)pthread_join(office->thread, NULL);
    office->running = false;
}

void hook_free(struct hook_office *office)
{
    if (!office)
        return;
    void *orders[OFFICE_BATCH];
    hook_stop(office);
    size_t count;
    while ((count = mailbox_take_all(office->box, orders, OFFICE_BATCH)) > 0) {
        for (size_t n = 0; n < count; n++)
            order_free(orders[n]);
    }
    mailbox_free(office->box);
    memory_free(office);
}

void hook_deliver(struct hook_office *office, int64_t job, unsigned number, unsigned tries,
                  bool is_last)
{
    const struct order order = {
        .kind = ORDER_DELIVER, .job = job, .number = number, .tries = tries, .is_last = is_last};
    /* The core's limit on what is in flight keeps the box from being full. */
    if (!post(office, &order))
        log_warn("a webhook could not be sent; it is sent again after a restart");
}

void hook_echo(struct hook_office *office, int64_t job, unsigned number, bool forged)
{
    (void)post(office,
               &(struct order){.kind = ORDER_ECHO, .job = job, .number = number, .forged = forged});
}

bool hook_test(struct hook_office *office, const struct hook_test *test)
{
    struct order order = {.kind = ORDER_TEST, .test = *test};
    if (atomic_fetch_add(&office->tests, 1) >= HOOK_TESTS_MAX) {
        atomic_fetch_sub(&office->tests, 1);
        return false;
    }
    order.test.tenant = memory_copy(span_of(test->tenant));
    order.test.url = memory_copy(span_of(test->url));
    if (post(office, &order))
        return true;
    free_texts(&order.test);
    atomic_fetch_sub(&office->tests, 1);
    return false;
}

void hook_alert(struct hook_office *office, enum alert_kind kind, const char *text)
{
    if (!office->config.alert_url)
        return;
    struct order order = {.kind = ORDER_ALERT, .alert = kind};
    (void)snprintf(order.text, sizeof order.text, "%s", text);
    (void)post(office, &order);
}

void hook_disk(struct hook_office *office, uint64_t free, uint64_t reserve)
{
    char text[ALERT_TEXT_SIZE];
    (void)snprintf(text, sizeof text,
                   "The disk is nearly full: %llu MB are free; new jobs are refused when less than "
                   "%llu MB are.",
                   (unsigned long long)(free >> 20), (unsigned long long)(reserve >> 20));
    hook_alert(office, ALERT_DISK, text);
}

void hook_budget(struct hook_office *office, const struct budget_notice *notice)
{
    char text[ALERT_TEXT_SIZE];
    alert_budget(notice, text);
    log_warn("a budget is nearly used up, or is", log_text("whose", notice->account.name),
             log_number("percent", notice->percent));
    hook_alert(office, ALERT_BUDGET, text);
}

void hook_unwell(struct hook_office *office, const struct unwell_notice *notice)
{
    char text[ALERT_TEXT_SIZE];
    alert_unwell(notice, text);
    log_warn("a provider is sent nothing for a while", log_text("provider", notice->provider),
             log_text("why", error_name(notice->why)));
    hook_alert(office, alert_is_account(notice) ? ALERT_ACCOUNT : ALERT_BREAKER, text);
}
