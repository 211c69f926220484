#include "provider/exchange.h"

void exchange_request(const struct exchange *exchange, struct http_request *ret_request)
{
    const struct provider *provider = exchange->provider;
    const struct remote remote = {&exchange->ask, exchange->remote_id, exchange->handle};
    switch (exchange->call) {
    case PROVIDER_CALL_SUBMIT:
        provider->submit(&exchange->ask, ret_request);
        break;
    case PROVIDER_CALL_POLL:
        provider->poll(&remote, ret_request);
        break;
    case PROVIDER_CALL_RESULT:
        provider->result(&remote, ret_request);
        break;
    case PROVIDER_CALL_CANCEL:
        provider->cancel(&remote, ret_request);
        break;
    case PROVIDER_CALL_FIND:
        provider->find(&exchange->ask, exchange->page, ret_request);
        break;
    case PROVIDER_CALL_HEALTH:
        provider->health(&exchange->ask, ret_request);
        break;
    }
}

static bool goes_on(struct exchange *exchange, const struct told *told)
{
    struct arena *arena = exchange->ask.arena;
    bool wants_result = exchange->call == PROVIDER_CALL_POLL && told->kind == TOLD_DONE &&
                        told->file_count == 0 && exchange->provider->traits.can & CAN_RESULT;
    if (wants_result) {
        /* It is done, and what it made is told by a call of its own. */
        exchange->call = PROVIDER_CALL_RESULT;
        if (told->remote_id[0])
            exchange->remote_id = arena_copy(arena, span_of(told->remote_id));
        return true;
    }
    if (told->kind == TOLD_MORE && ++exchange->pages < EXCHANGE_PAGES_MAX) {
        exchange->page = arena_copy(arena, span_of(told->handle));
        return true;
    }
    return false;
}

bool exchange_read(struct exchange *exchange, const struct http_response *answer,
                   struct told *ret_told)
{
    struct told *told = ret_told;
    exchange->provider->read(exchange->call, &exchange->ask, answer, told);
    if (goes_on(exchange, told))
        return true;
    bool is_named = exchange->call == PROVIDER_CALL_RESULT ||
                    (exchange->call == PROVIDER_CALL_POLL && told->kind != TOLD_NOTHING &&
                     told->kind != TOLD_GONE);
    if (is_named && !told->remote_id[0])
        (void)span_copy(span_of(exchange->remote_id), told->remote_id, sizeof told->remote_id);
    return false;
}

void exchange_silence(const struct exchange *exchange, bool is_ours, struct span sentence,
                      struct told *ret_told)
{
    told_init(ret_told);
    if (is_ours && exchange->call == PROVIDER_CALL_SUBMIT)
        ret_told->kind = TOLD_REFUSED;
    ret_told->error = is_ours ? ERROR_PROVIDER_NOT_CONFIGURED : ERROR_PROVIDER_UNAVAILABLE;
    told_say(ret_told, sentence);
}

enum provider_call exchange_call(const struct exchange *exchange)
{
    return exchange->call == PROVIDER_CALL_RESULT ? PROVIDER_CALL_POLL : exchange->call;
}
