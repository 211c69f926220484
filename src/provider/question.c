#include "provider/question.h"

#include <stdio.h>
#include <string.h>

void question_request(const struct question *question, struct http_request *ret_request)
{
    const struct provider *provider = question->provider;
    const struct remote remote = {&question->ask, question->remote_id, question->handle};
    switch (question->call) {
    case PROVIDER_CALL_SUBMIT:
        provider->submit(&question->ask, ret_request);
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
        provider->find(&question->ask, question->page, ret_request);
        break;
    case PROVIDER_CALL_HEALTH:
        provider->health(&question->ask, ret_request);
        break;
    }
}

static bool goes_on(struct question *question, const struct told *told)
{
    struct arena *arena = question->ask.arena;
    bool wants_result = question->call == PROVIDER_CALL_POLL && told->kind == TOLD_DONE &&
                        told->file_count == 0 && question->provider->traits.can & CAN_RESULT;
    if (wants_result) {
        /* It is done, and what it made is told by a call of its own. */
        question->call = PROVIDER_CALL_RESULT;
        return true;
    }
    bool wants_health = question->call == PROVIDER_CALL_POLL && told->kind == TOLD_WAITING &&
                        question->explains && question->provider->health && !told->stage[0];
    if (wants_health) {
        question->call = PROVIDER_CALL_HEALTH;
        question->waiting = arena_new(arena, struct told);
        *question->waiting = *told;
        return true;
    }
    if (told->kind == TOLD_MORE && ++question->pages < QUESTION_PAGES_MAX) {
        question->page = arena_copy(arena, span_of(told->handle));
        return true;
    }
    return false;
}

/* A cache between us, or their mistake: how another job stands is not ours. */
static void doubt(const struct question *question, struct told *told)
{
    bool is_about_one = question->call == PROVIDER_CALL_POLL ||
                        question->call == PROVIDER_CALL_RESULT ||
                        question->call == PROVIDER_CALL_CANCEL;
    if (!is_about_one || !told->remote_id[0] || strcmp(told->remote_id, question->remote_id) == 0)
        return;
    told_init(told);
    told->error = ERROR_PROVIDER_FAILED;
    told_say(told, SPAN("The provider answered about another job."));
}

/* What the adapter can't say. */
static void explain(const struct question *question, int status, struct told *told)
{
    char text[TOLD_TEXT_SIZE];
    if (question->call != PROVIDER_CALL_SUBMIT || told->kind != TOLD_NOTHING || told->text[0])
        return;
    (void)snprintf(text, sizeof text, "It answered %d, and not whether it took the job.", status);
    told_say(told, span_of(text));
}

static void name(const struct question *question, struct told *told)
{
    bool is_named = question->call == PROVIDER_CALL_RESULT ||
                    (question->call == PROVIDER_CALL_POLL && told->kind != TOLD_NOTHING &&
                     told->kind != TOLD_GONE);
    if (is_named && !told->remote_id[0])
        (void)span_copy(span_of(question->remote_id), told->remote_id, sizeof told->remote_id);
}

/* The poll's word, with what was said of the provider beside it. */
static void join(const struct question *question, struct told *told)
{
    struct told joined = *question->waiting;
    if (told->kind == TOLD_HEALTHY) {
        (void)span_copy(span_of(told->text), joined.stage, sizeof joined.stage);
        joined.position = told->position;
    }
    *told = joined;
}

bool question_read(struct question *question, const struct http_response *answer,
                   struct told *ret_told)
{
    struct told *told = ret_told;
    question->provider->read(question->call, &question->ask, answer, told);
    doubt(question, told);
    explain(question, answer->status, told);
    name(question, told);
    if (question->waiting)
        join(question, told);
    return goes_on(question, told);
}

void question_silence(const struct question *question, bool is_ours, struct span sentence,
                      struct told *ret_told)
{
    if (question->waiting) {
        *ret_told = *question->waiting;
        return;
    }
    told_init(ret_told);
    if (is_ours && question->call == PROVIDER_CALL_SUBMIT)
        ret_told->kind = TOLD_REFUSED;
    ret_told->error = is_ours ? ERROR_PROVIDER_NOT_CONFIGURED : ERROR_PROVIDER_UNAVAILABLE;
    told_say(ret_told, sentence);
}

enum provider_call question_call(const struct question *question)
{
    bool is_poll = question->call == PROVIDER_CALL_RESULT || question->waiting;
    return is_poll ? PROVIDER_CALL_POLL : question->call;
}
