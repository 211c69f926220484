/* Fetches URLs as an input's URL is fetched (app/work_input.c), through the egress that `reel
 * serve` uses: fetch_urls [NETWORKS [PORTS]], which open the guard. Each line of the input is a
 * URL, in which \xHH is a byte and \\ a backslash; each line of the output says how one ended:
 * "LINE OUTCOME STATUS REDIRECTS". Lines are counted from 0, and end in any order.
 *
 * Names are forgotten at once, so that every hop asks the name server anew. */
#include "base/memory.h"
#include "edge/egress.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FETCH_LINE_MAX = 4 * GUARD_URL_MAX + 2, FETCH_UNDER_WAY_MAX = 512, FETCH_BODY_MAX = 65536 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned under_way;

static size_t undo_escapes(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        char digits[3] = {0};
        if (from[0] == '\\' && from[1] == 'x' && from[2] && from[3]) {
            memcpy(digits, from + 2, 2);
            *to++ = (char)strtoul(digits, NULL, 16);
            from += 4;
        } else {
            from += from[0] == '\\' && from[1] == '\\';
            *to++ = *from++;
        }
    }
    return (size_t)(to - text);
}

static void on_done(void *context, const struct egress_result *result)
{
    const unsigned *line = context;
    (void)pthread_mutex_lock(&lock);
    (void)printf("%u %s %d %u\n", *line, egress_outcome_name(result->outcome),
                 result->response.status, result->redirects);
    under_way--;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
    memory_free(context);
}

static void wait_until_at_most(unsigned count)
{
    (void)pthread_mutex_lock(&lock);
    while (under_way > count)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

static bool fetch(struct egress *egress, struct span url, unsigned line)
{
    unsigned *number = memory_new(unsigned);
    *number = line;
    const struct http_request request = {.method = HTTP_GET, .target = url};
    const struct egress_call call = {
        .request = &request,
        .redirects_max = EGRESS_REDIRECTS_MAX,
        .answer = {.max = FETCH_BODY_MAX, .plain = true},
        .deadlines = {.first_byte = 20 * MS_SECOND, .total = 20 * MS_SECOND},
        .done = on_done,
        .context = number,
    };
    wait_until_at_most(FETCH_UNDER_WAY_MAX - 1);
    (void)pthread_mutex_lock(&lock);
    under_way++;
    (void)pthread_mutex_unlock(&lock);
    if (egress_send(egress, &call))
        return true;
    memory_free(number);
    return false;
}

int main(int argc, char **argv)
{
    static char text[FETCH_LINE_MAX];
    char fault[GUARD_WHY_SIZE];
    const char *networks = argc > 1 ? argv[1] : NULL, *ports = argc > 2 ? argv[2] : NULL;
    struct guard *guard = guard_make(networks, ports, fault);
    if (!guard) {
        (void)fprintf(stderr, "fetch_urls: %s\n", fault);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    const struct egress_config config = {.names_kept = 1};
    struct egress *egress = egress_make(&config, guard);
    bool good = egress != NULL;
    for (unsigned line = 0; good && fgets(text, sizeof text, stdin); line++) {
        text[strcspn(text, "\n")] = '\0';
        size_t size = undo_escapes(text);
        good = fetch(egress, span_make(text, size), line);
    }
    if (good)
        wait_until_at_most(0);
    egress_free(egress, 0);
    guard_free(guard);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
