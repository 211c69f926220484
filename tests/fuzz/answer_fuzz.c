/* What another server answered, as the egress takes it in: up to an empty line each line is one of
 * the head, the rest is the body and comes in pieces. The first byte says how large it may be. */
#include "edge/egress_intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const struct http_response *response)
{
    assert(response->status == 0 || (response->status >= 100 && response->status <= 999));
    assert(response->header_count <= HTTP_HEADERS_MAX);
    for (unsigned n = 0; n < response->header_count; n++) {
        struct span name = response->headers[n].name, value = response->headers[n].value;
        assert(name.size > 0 && span_find(name, ':') < 0 && span_find(name, '\n') < 0);
        assert(span_find(value, '\n') < 0 && span_equal(value, span_trim(value)));
    }
}

static void take_in(struct egress_intake *intake, struct span rest, size_t piece)
{
    struct span line;
    while (span_take(&rest, '\n', &line)) {
        if (!egress_intake_header(intake, line))
            return;
        check_head(&intake->response);
        if (line.size == 0 || (line.size == 1 && line.data[0] == '\r'))
            break;
    }
    for (size_t at = 0; rest.data && at < rest.size; at += piece) {
        size_t left = rest.size - at;
        if (!egress_intake_body(intake, (struct span){rest.data + at, left < piece ? left : piece}))
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size);
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    const struct egress_answer plan = {.max = 1 + (uint64_t)data[0] * 16};
    struct egress_intake intake;
    egress_intake_init(&intake, &plan, NULL);
    for (size_t piece = 1; piece < 100; piece *= 33) {
        take_in(&intake, (struct span){text, size - 1}, piece);
        assert(intake.body.size <= plan.max);
        assert(intake.outcome == EGRESS_ANSWERED || intake.outcome == EGRESS_TOO_LARGE);
        egress_intake_reset(&intake);
    }
    egress_intake_done(&intake);
    free(text);
    return 0;
}
