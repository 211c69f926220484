/* From a job's row to what its provider's adapter is asked. */
#include "app/caller_private.h"
#include "app/data_url.h"
#include "app/link.h"
#include "base/memory.h"
#include "catalog/mapping.h"
#include "catalog/reference.h"
#include "depot/depot_upload.h"
#include "edge/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CALLER_LINK_KEPT MS_DAY /* a provider may queue for long before it reads its input */

__attribute__((format(printf, 3, 4))) static bool refuse(struct told *told, enum error_code error,
                                                         const char *format, ...)
{
    char text[TOLD_TEXT_SIZE];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    told->kind = TOLD_REFUSED;
    told->error = error;
    told_say(told, span_of(text));
    return false;
}

const char *caller_base_url(const struct offer *offer, struct arena *arena)
{
    const struct provider_entry *entry = offer->provider;
    const char *own = entry->base_url_variable ? getenv(entry->base_url_variable) : NULL;
    char *base = arena_copy(arena, span_of(own && *own ? own : entry->base_url));
    size_t size = strlen(base);
    while (size > 0 && base[size - 1] == '/')
        base[--size] = '\0';
    return base;
}

const char *caller_origin(const char *base_url, struct arena *arena)
{
    const char *host = strstr(base_url, "://");
    if (!host)
        return "";
    size_t size = strcspn(host + 3, "/?#");
    return arena_copy(arena, span_make(base_url, (size_t)(host + 3 - base_url) + size));
}

static bool find_offer(struct errand *errand, struct told *told)
{
    const struct catalog *catalog = errand->caller->config.catalog;
    const struct model *model = catalog_find(catalog, span_of(errand->model));
    errand->question.provider = provider_find(span_of(errand->provider_name));
    for (unsigned n = 0; model && n < model->offer_count; n++) {
        const struct offer *offer = model->offers[n];
        if (strcmp(offer->provider->name, errand->provider_name) == 0 &&
            strcmp(offer->slug, errand->slug) == 0)
            errand->offer = offer;
    }
    if (errand->question.provider && errand->offer)
        return true;
    return refuse(told, ERROR_PROVIDER_NOT_CONFIGURED, "%s is not offered by %s any more.",
                  errand->model, errand->provider_name);
}

/* ---------------------------------------------------------------- inputs that we keep */

struct finding {
    struct errand *errand;
    const json_t *input; /* canonical; its URLs are replaced */
    struct told *told;
    size_t inline_size;
    bool good;
};

/* "imageUrl" and "imageUrls[2]"; deeper places are only those of objects in a list. */
static void replace(const json_t *input, const char *path, const char *url)
{
    json_t *place = (json_t *)(uintptr_t)input;
    struct span rest = span_of(path), part;
    while (span_take(&rest, '.', &part)) {
        char name[64];
        int64_t index = -1;
        ptrdiff_t bracket = span_find(part, '[');
        struct span key = bracket < 0 ? part : span_make(part.data, (size_t)bracket);
        if (bracket >= 0)
            (void)span_integer(span_make(part.data + bracket + 1, part.size - (size_t)bracket - 2),
                               0, 1000, &index);
        (void)span_copy(key, name, sizeof name);
        bool is_last = !rest.data;
        if (index < 0 && is_last) {
            (void)json_object_set_new(place, name, json_string(url));
        } else if (index >= 0 && is_last) {
            (void)json_array_set_new(json_object_get(place, name), (size_t)index, json_string(url));
        } else {
            place = json_object_get(place, name);
            place = index >= 0 ? json_array_get(place, (size_t)index) : place;
        }
    }
}

/* The file itself, where nobody outside can reach us. */
static bool inline_file(struct finding *finding, const char *path, const char *file)
{
    struct errand *errand = finding->errand;
    struct stat status;
    struct buffer url, fault;
    if (stat(file, &status) != 0)
        return refuse(finding->told, ERROR_OUTPUT_LOST, "%s: its file is not there any more.",
                      path);
    finding->inline_size += (size_t)status.st_size;
    if (finding->inline_size > CALLER_INLINE_MAX)
        return refuse(finding->told, ERROR_INPUT_UNREACHABLE,
                      "%s: %s can't reach this server, and files of more than %d MB together are "
                      "not sent along. Set publicUrl, or name the file by a public URL.",
                      path, errand->offer->provider->title, CALLER_INLINE_MAX >> 20);
    buffer_init(&url, 2 * CALLER_INLINE_MAX);
    buffer_init(&fault, TOLD_TEXT_SIZE);
    bool good = data_url_make(file, CALLER_INLINE_MAX, &url, &fault);
    if (good)
        replace(finding->input, path, arena_copy(&errand->arena, buffer_span(&url)));
    else
        (void)refuse(finding->told, ERROR_OUTPUT_LOST, "%s: %.*s", path,
                     SPAN_PRINT(buffer_span(&fault)));
    buffer_done(&url);
    buffer_done(&fault);
    return good;
}

static bool give_output(struct finding *finding, const struct reference *found)
{
    struct errand *errand = finding->errand;
    struct caller *caller = errand->caller;
    struct span id;
    unsigned number = 0;
    int64_t key = 0;
    struct job job;
    (void)reference_read_reel(found->url, &id, &number);
    if (!id_read(id, "gen_", &key) ||
        reader_job(caller->config.reader, key, &job, NULL) != STORE_OK)
        return refuse(finding->told, ERROR_OUTPUT_LOST, "%s: the job is not there any more.",
                      found->path);
    bool good = number < job.output_count;
    char file[DEPOT_PATH_SIZE];
    if (!good) {
        (void)refuse(finding->told, ERROR_VALIDATION, "%s: the job %s has %u outputs.", found->path,
                     job.id, job.output_count);
    } else if (caller->config.config->public_url) {
        struct buffer url;
        const struct link_rule rule = {"", caller->config.secret, clock_wall() + CALLER_LINK_KEPT};
        buffer_init(&url, 4096);
        link_write(caller->config.config, &rule, &job, job.outputs[number].name, &url);
        replace(finding->input, found->path, arena_copy(&errand->arena, buffer_span(&url)));
        buffer_done(&url);
    } else {
        good = depot_path(caller->config.depot, span_of(job.id), span_of(job.outputs[number].name),
                          file) == DEPOT_OK &&
               inline_file(finding, found->path, file);
    }
    reader_job_done(&job);
    return good;
}

static bool give_upload(struct finding *finding, const struct reference *found)
{
    struct caller *caller = finding->errand->caller;
    struct span id;
    unsigned number = 0;
    int64_t key = 0;
    struct upload upload;
    char file[DEPOT_PATH_SIZE];
    (void)reference_read_reel(found->url, &id, &number);
    if (!id_read(id, "upl_", &key) ||
        reader_upload(caller->config.reader, key, &upload) != STORE_OK ||
        depot_upload_path(caller->config.depot, id, file) != DEPOT_OK)
        return refuse(finding->told, ERROR_INPUT_UNREACHABLE,
                      "%s: the upload is not there any more.", found->path);
    return inline_file(finding, found->path, file);
}

static void found(void *context, const struct reference *reference)
{
    struct finding *finding = context;
    if (!finding->good)
        return;
    if (reference->kind == REFERENCE_JOB)
        finding->good = give_output(finding, reference);
    else if (reference->kind == REFERENCE_UPLOAD)
        finding->good = give_upload(finding, reference);
}

/* ---------------------------------------------------------------- the ask */

static bool map_input(struct errand *errand, struct told *told)
{
    char fault[JSON_FAULT_SIZE];
    json_t *input = json_read(span_of(errand->input), fault);
    struct finding finding = {errand, input, told, 0, input != NULL};
    if (finding.good)
        reference_each(errand->offer->model, input, found, &finding);
    if (finding.good)
        errand->mapped = mapping_apply(errand->offer, input, span_of(errand->job_id));
    json_decref(input);
    return errand->mapped != NULL ||
           (told->kind == TOLD_REFUSED ? false
                                       : refuse(told, ERROR_INTERNAL, "The input can't be read."));
}

static const char *hook_url(const struct errand *errand, const char *mark)
{
    const char *base = errand->caller->hook_base ? errand->caller->hook_base
                                                 : errand->caller->config.config->public_url;
    if (!base || !(errand->question.provider->traits.can & CAN_HOOK))
        return NULL;
    return arena_print((struct arena *)(uintptr_t)&errand->arena, "%s/callbacks/%s/%s.%u.%s", base,
                       errand->provider_name, errand->job_id, errand->attempt, mark);
}

bool caller_ask_fill(struct errand *errand, struct told *told)
{
    char mark[CALLER_MARK_SIZE];
    told_init(told);
    if (!find_offer(errand, told))
        return false;
    bool needs_input = errand->kind == EFFECT_SUBMIT || errand->kind == EFFECT_FIND;
    if (needs_input && !map_input(errand, told))
        return false;
    const char *variable = errand->offer->endpoint_variable;
    const char *endpoint = variable ? getenv(variable) : NULL;
    caller_mark(errand->caller->config.secret, errand->job_id, errand->attempt, mark);
    errand->question.ask = (struct ask){
        .offer = errand->offer,
        .base_url = caller_base_url(errand->offer, &errand->arena),
        .endpoint = arena_copy(&errand->arena, span_of(endpoint)),
        .job_id = errand->job_id,
        .mark = arena_copy(&errand->arena, span_of(mark)),
        .input = errand->mapped,
        .hook_url = hook_url(errand, mark),
        .sent_at = errand->intent_at,
        .asked_at = errand->asked_at,
        .run_limit = errand->offer->model->timeout_ms
                         ? errand->offer->model->timeout_ms
                         : errand->caller->config.config->attempt_timeout,
        .arena = &errand->arena,
    };
    return true;
}
