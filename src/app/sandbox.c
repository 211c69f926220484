#include "app/sandbox.h"

#include "app/sandbox_mark.h"
#include "base/log.h"
#include "base/memory.h"
#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOME_TRIES = 100, HOME_PAUSE_MS = 100 };

static const char no_key[] = "sandbox";

void sandbox_await_home(const char *home)
{
    const struct timespec pause = {.tv_nsec = HOME_PAUSE_MS * 1000000L};
    for (int n = 0; n < HOME_TRIES && depot_is_locked(home); n++)
        (void)nanosleep(&pause, NULL);
}

void sandbox_close(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    sandbox_script_free(sandbox->script);
    sandbox_ledger_close(sandbox->ledger);
    memory_free(sandbox);
}

/* ---------------------------------------------------------------- into the ledger */

static bool note_job(struct sandbox *sandbox, const struct job *job)
{
    struct arena arena;
    struct sandbox_mark mark;
    bool good = true;
    arena_init(&arena);
    if (sandbox_mark_read(job->options, &arena, &mark))
        good = sandbox_ledger_accept(sandbox->ledger, &(struct sandbox_row){
                                                          .at = job->created_at,
                                                          .provider = mark.provider,
                                                          .model = job->model,
                                                          .remote_id = job->id,
                                                          .tag = mark.tag,
                                                          .digest = mark.digest,
                                                          .price = mark.price,
                                                      });
    arena_done(&arena);
    return good;
}

bool sandbox_note(struct sandbox *sandbox, struct reader *reader, const struct reply *reply)
{
    for (unsigned n = 0; reply->error == ERROR_NONE && n < reply->job_count; n++) {
        struct job job;
        bool ended = false;
        if (sandbox_ledger_has(sandbox->ledger, reply->ids[n], &ended))
            continue;
        if (reader_job(reader, reply->jobs[n], &job, NULL) != STORE_OK)
            return false;
        bool good = note_job(sandbox, &job);
        if (state_is_terminal(job.state))
            sandbox_changed(sandbox, &job);
        reader_job_done(&job);
        if (!good)
            return false;
    }
    return true;
}

/* An end that comes before its acceptance was written down is told again by sandbox_note. */
void sandbox_changed(struct sandbox *sandbox, const struct job *job)
{
    if (state_is_terminal(job->state))
        sandbox_ledger_end(sandbox->ledger, job->id, job->ended_at, state_name(job->state));
}

static bool settle(struct sandbox *sandbox, struct reader *reader)
{
    struct reader_filter filter = {.limit = READER_LIMIT_MAX};
    struct job *jobs[READER_LIMIT_MAX];
    bool good = true;
    do {
        unsigned count = 0;
        int64_t next = 0;
        if (reader_list(reader, &filter, jobs, &count, &next) != STORE_OK) {
            log_error("the store could not be compared with the ledger");
            return false;
        }
        for (unsigned n = 0; n < count; n++) {
            bool ended = false;
            if (!sandbox_ledger_has(sandbox->ledger, jobs[n]->id, &ended))
                good = note_job(sandbox, jobs[n]) && good;
            if (!ended)
                sandbox_changed(sandbox, jobs[n]);
            job_free(jobs[n]);
        }
        filter.before = next;
    } while (good && filter.before);
    return good;
}

struct sandbox *sandbox_open(const struct config *config, struct store *store,
                             char ret_fault[static SANDBOX_FAULT_SIZE])
{
    struct sandbox *sandbox = memory_new(struct sandbox);
    char fault[SANDBOX_LEDGER_FAULT_SIZE] = "", why[STORE_FAULT_SIZE];
    ret_fault[0] = '\0';
    sandbox->script = sandbox_script_make(config->sandbox.script, ret_fault);
    if (sandbox->script)
        sandbox->ledger = sandbox_ledger_open(config->home, fault);
    struct reader *reader = sandbox->ledger ? store_open_reader(store, why) : NULL;
    bool good = reader && settle(sandbox, reader);
    reader_close(reader);
    if (good)
        return sandbox;
    if (!ret_fault[0])
        (void)snprintf(ret_fault, SANDBOX_FAULT_SIZE, "%s",
                       fault[0] ? fault : "its store can't be compared with its ledger");
    sandbox_close(sandbox);
    return NULL;
}

/* ---------------------------------------------------------------- the environment */

static bool set(const char *variable, const char *value, char fault[static SANDBOX_FAULT_SIZE])
{
    /* Called before anybody else reads the environment. */
    if (setenv(variable, value, 1) == 0)
        return true;
    (void)snprintf(fault, SANDBOX_FAULT_SIZE, "%s can't be set", variable);
    return false;
}

static bool set_needs(const struct texts *needs, char fault[static SANDBOX_FAULT_SIZE])
{
    for (unsigned n = 0; n < needs->count; n++)
        if (!set(needs->items[n], no_key, fault))
            return false;
    return true;
}

/* "local-still": how RunPod's dialect knows a model that no endpoint is named for. */
static bool set_endpoint(const struct offer *offer, char fault[static SANDBOX_FAULT_SIZE])
{
    char id[CATALOG_FAULT_SIZE];
    if (!offer->endpoint_variable || !span_copy(span_of(offer->model->id), id, sizeof id))
        return true;
    for (char *byte = id; *byte; byte++)
        *byte = (char)(*byte == '/' ? '-' : *byte);
    return set(offer->endpoint_variable, id, fault);
}

static bool set_base(const struct provider_entry *entry, const char *origin,
                     char fault[static SANDBOX_FAULT_SIZE])
{
    const char *path = json_string_value(json_object_get(entry->details, "sandbox"));
    char url[300];
    if (path && entry->base_url_variable) {
        (void)snprintf(url, sizeof url, "%s%s", origin, path);
        return set(entry->base_url_variable, url, fault);
    }
    (void)snprintf(fault, SANDBOX_FAULT_SIZE,
                   "the catalogue's entry of %s has no baseUrlVariable, or no details.sandbox with "
                   "the path at which a sandbox answers for it",
                   entry->title);
    return false;
}

bool sandbox_environment(const struct catalog *catalog, const char *origin,
                         char ret_fault[static SANDBOX_FAULT_SIZE])
{
    bool good = true;
    for (size_t n = 0; n < catalog_provider_count(catalog) && good; n++) {
        const struct provider_entry *entry = catalog_provider_at(catalog, n);
        good =
            set_needs(&entry->needs, ret_fault) &&
            (!origin || !provider_find(span_of(entry->name)) || set_base(entry, origin, ret_fault));
    }
    for (size_t n = 0; n < catalog_model_count(catalog) && good; n++) {
        const struct model *model = catalog_model_at(catalog, n);
        for (unsigned offer = 0; offer < model->offer_count && good; offer++)
            good = set_needs(&model->offers[offer]->needs, ret_fault) &&
                   set_endpoint(model->offers[offer], ret_fault);
    }
    return good;
}
