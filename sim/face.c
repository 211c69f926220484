#include "face.h"

#include "catalog/mapping.h"
#include "provider/provider_test_rig.h"

#include <string.h>

static const struct provider *provider_of(const struct face *face)
{
    return provider_find(span_of(face->offer->provider->name));
}

static struct ask ask_of(const struct face *face)
{
    return (struct ask){
        .offer = face->offer,
        .base_url = face->base_url,
        .endpoint = face->endpoint,
        .job_id = "gen_000000000000100aywaheppjw7",
        .mark = "fgk2",
        .run_limit = 15 * MS_MINUTE,
        .arena = face->arena,
    };
}

void face_ask(const struct face *face, const char *call, const json_t *input,
              struct http_request *ret_request)
{
    const struct provider *provider = provider_of(face);
    struct ask ask = ask_of(face);
    const struct remote remote = {.ask = &ask, .id = face->remote_id, .handle = ""};
    json_t *theirs = mapping_apply(face->offer, input, span_of(ask.job_id));
    ask.input = theirs;
    if (strcmp(call, "submit") == 0)
        provider->submit(&ask, ret_request);
    else if (strcmp(call, "result") == 0)
        provider->result(&remote, ret_request);
    else if (strcmp(call, "cancel") == 0)
        provider->cancel(&remote, ret_request);
    else
        provider->poll(&remote, ret_request);
    json_decref(theirs);
}

void face_hear(const struct face *face, const char *call, const struct http_response *answer,
               struct buffer *target)
{
    const struct ask ask = ask_of(face);
    struct told told;
    provider_of(face)->read(strcmp(call, "submit") == 0   ? PROVIDER_CALL_SUBMIT
                            : strcmp(call, "result") == 0 ? PROVIDER_CALL_RESULT
                            : strcmp(call, "cancel") == 0 ? PROVIDER_CALL_CANCEL
                                                          : PROVIDER_CALL_POLL,
                            &ask, answer, &told);
    rig_show_told(&told, target);
}
