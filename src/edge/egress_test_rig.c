#include "edge/egress_test_rig.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct egress_test_server *egress_test_rig_server, *egress_test_rig_other, *egress_test_rig_secure;
struct egress *egress_test_rig_strict, *egress_test_rig_loose;
struct guard *egress_test_rig_open;
char egress_test_rig_folder[] = "/tmp/reel-egress-XXXXXX";

static struct guard *closed;
static char authorities[64];
static atomic_uint flips;

void egress_test_rig_note(void *context, const struct egress_result *result)
{
    struct egress_test_rig_end *waited = context;
    (void)pthread_mutex_lock(&waited->mutex);
    waited->count++;
    waited->result = *result;
    struct span body = result->response.body;
    waited->result.response.body.size =
        body.size < sizeof waited->body ? body.size : sizeof waited->body - 1;
    memcpy(waited->body, body.data, waited->result.response.body.size);
    waited->body[waited->result.response.body.size] = '\0';
    (void)span_copy(result->url, waited->url, sizeof waited->url);
    struct span value;
    if (http_find(result->response.headers, result->response.header_count, "X-Test", &value))
        (void)span_copy(value, waited->header, sizeof waited->header);
    (void)pthread_cond_signal(&waited->over);
    (void)pthread_mutex_unlock(&waited->mutex);
}

struct egress_test_rig_end *egress_test_rig_end_make(void)
{
    struct egress_test_rig_end *waited = memory_new(struct egress_test_rig_end);
    (void)pthread_mutex_init(&waited->mutex, NULL);
    (void)pthread_cond_init(&waited->over, NULL);
    return waited;
}

void egress_test_rig_wait(struct egress_test_rig_end *waited)
{
    (void)pthread_mutex_lock(&waited->mutex);
    while (waited->count == 0)
        (void)pthread_cond_wait(&waited->over, &waited->mutex);
    (void)pthread_mutex_unlock(&waited->mutex);
    assert_int_equal(waited->count, 1);
}

struct egress_call *egress_test_rig_ask(struct egress_test_rig_call *asked, const char *host,
                                        const char *path, bool trusted)
{
    *asked = (struct egress_test_rig_call){.call = {.answer = {.max = 65536}, .redirects_max = 3}};
    unsigned port = egress_test_server_port(egress_test_rig_server);
    (void)snprintf(asked->url, sizeof asked->url, "http://%s:%u%s", host, port, path);
    (void)snprintf(asked->trusted, sizeof asked->trusted, "http://%s:%u", host, port);
    asked->request.method = HTTP_GET;
    asked->request.target = span_of(asked->url);
    asked->call.request = &asked->request;
    asked->call.trusted = trusted ? asked->trusted : NULL;
    asked->call.deadlines.total = 15 * MS_SECOND;
    return &asked->call;
}

void egress_test_rig_add_header(struct egress_test_rig_call *asked, const char *name,
                                const char *value)
{
    asked->request.headers[asked->request.header_count++] =
        (struct http_header){span_of(name), span_of(value)};
}

void egress_test_rig_set_body(struct egress_test_rig_call *asked, enum http_method method,
                              const char *body)
{
    asked->request.method = method;
    asked->request.part_count = 1;
    asked->request.parts[0] = (struct http_part){.kind = HTTP_PART_BYTES, .bytes = span_of(body)};
}

const struct egress_test_rig_end *egress_test_rig_get(struct egress *egress,
                                                      struct egress_call *call)
{
    static struct egress_test_rig_end *last;
    memory_free(last);
    last = egress_test_rig_end_make();
    call->done = egress_test_rig_note;
    call->context = last;
    assert_true(egress_send(egress, call));
    egress_test_rig_wait(last);
    return last;
}

void egress_test_rig_expect(const struct egress_test_rig_end *waited, enum egress_outcome outcome,
                            bool sent)
{
    if (waited->result.outcome != outcome || waited->result.sent != sent)
        fail_msg("%s, %ssent: %s", egress_outcome_name(waited->result.outcome),
                 waited->result.sent ? "" : "not ", waited->result.sentence);
    assert_true((waited->result.sentence[0] == '\0') == (outcome == EGRESS_ANSWERED));
}

static unsigned put_address(struct sockaddr_storage *target, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        return 0;
    memcpy(target, &address, sizeof address);
    return 1;
}

unsigned egress_test_rig_resolve(void *context, const char *host,
                                 struct sockaddr_storage *addresses, unsigned capacity)
{
    if (strcmp(host, "one.test") == 0 || strcmp(host, "two.test") == 0)
        return put_address(addresses, "127.0.0.1");
    if (strcmp(host, "inside.test") == 0)
        return put_address(addresses, "10.0.0.1");
    if (strcmp(host, "dual.test") == 0)
        return put_address(addresses, "8.8.8.8") + put_address(addresses + 1, "192.168.0.1");
    if (strcmp(host, "flip.test") == 0) /* first inside, then outside: a name that is rebound */
        return put_address(addresses, atomic_fetch_add(&flips, 1) == 0 ? "127.0.0.1" : "8.8.8.8");
    if (strcmp(host, "stuck.test") == 0)
        (void)usleep(600 * 1000);
    return 0;
}

static bool credential(void *context, struct span name, struct buffer *target)
{
    if (!span_is(name, "fal"))
        return false;
    buffer_add_text(target, "id:secret");
    return true;
}

int egress_test_rig_begin(void **state)
{
    /* The environment must not matter. */
    (void)setenv("http_proxy", "http://127.0.0.1:1/", 1);
    (void)setenv("https_proxy", "http://127.0.0.1:1/", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
    (void)signal(SIGPIPE, SIG_IGN);
    char why[GUARD_WHY_SIZE];
    assert_non_null(mkdtemp(egress_test_rig_folder));
    (void)snprintf(authorities, sizeof authorities, "%s/ca.pem", egress_test_rig_folder);
    egress_test_rig_server = egress_test_server_make(NULL);
    egress_test_rig_other = egress_test_server_make(NULL);
    egress_test_rig_secure = egress_test_server_make(authorities);
    closed = guard_make(NULL, "*", why);
    egress_test_rig_open = guard_make("127.0.0.0/8", "*", why);
    struct egress_config config = {
        .names_kept = 1, .resolve = egress_test_rig_resolve, .credential = credential};
    egress_test_rig_strict = egress_make(&config, closed);
    config.authorities = authorities;
    egress_test_rig_loose = egress_make(&config, egress_test_rig_open);
    return egress_test_rig_strict && egress_test_rig_loose ? 0 : -1;
}

int egress_test_rig_finish(void **state)
{
    egress_free(egress_test_rig_strict, 0);
    egress_free(egress_test_rig_loose, 0);
    guard_free(closed);
    guard_free(egress_test_rig_open);
    egress_test_server_free(egress_test_rig_server);
    egress_test_server_free(egress_test_rig_other);
    egress_test_server_free(egress_test_rig_secure);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/part", egress_test_rig_folder);
    (void)unlink(path);
    (void)unlink(authorities);
    return rmdir(egress_test_rig_folder);
}

unsigned egress_test_rig_flips(void)
{
    return atomic_load(&flips);
}

void egress_test_rig_set_url(struct egress_test_rig_call *asked, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    /* The result is looked at: GCC 12 takes `format` for null where it is thrown away. */
    int size = vsnprintf(asked->url, sizeof asked->url, format, list);
    va_end(list);
    assert_in_range(size, 0, sizeof asked->url - 1);
    asked->request.target = span_of(asked->url);
}
