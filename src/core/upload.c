/* A client's file has come: its row, within the tenant's limits. */
#include "core/core_private.h"

#include <stdarg.h>
#include <stdio.h>

static struct span name_of(const int64_t *key)
{
    return span_make(key, sizeof *key);
}

void core_give_upload(struct core *core, const struct upload *upload)
{
    if (map_get(&core->uploads, name_of(&upload->key)))
        return; /* what is in memory is newer */
    struct upload_entry *entry = arena_new(&core->arena, struct upload_entry);
    entry->upload = *upload;
    map_set(&core->uploads, name_of(&entry->upload.key), entry);
}

void core_give_uploads(struct core *core, const char *tenant, int64_t bytes, int64_t count)
{
    if (map_get(&core->totals, span_of(tenant)))
        return;
    struct upload_total *total = arena_new(&core->arena, struct upload_total);
    *total = (struct upload_total){bytes, count};
    map_set(&core->totals, span_of(arena_copy(&core->arena, span_of(tenant))), total);
}

struct upload_entry *upload_find(const struct core *core, int64_t key)
{
    struct upload_entry *entry = map_get(&core->uploads, name_of(&key));
    return entry && !entry->is_gone ? entry : NULL;
}

void upload_needs(const struct uploaded *uploaded, struct needs *ret_needs)
{
    ret_needs->list[ret_needs->count++] =
        (struct need){.kind = NEED_UPLOAD, .upload = uploaded->upload.key};
    ret_needs->list[ret_needs->count++] =
        (struct need){.kind = NEED_UPLOADS, .tenant = uploaded->upload.tenant};
}

static void remove_file(struct output *output, const char *id)
{
    (void)span_copy(span_of(id), output_effect(output, EFFECT_REMOVE_UPLOAD)->upload, ID_SIZE);
}

/* The file came before its row, and now there will be none. */
__attribute__((format(printf, 4, 5))) static void refuse(struct output *output,
                                                         const struct uploaded *uploaded,
                                                         enum error_code error, const char *format,
                                                         ...)
{
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = uploaded->token;
    reply->error = error;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reply->text, sizeof reply->text, format, list);
    va_end(list);
    remove_file(output, uploaded->upload.id);
}

/* False when it may not be kept; then that has been answered. */
static bool is_allowed(struct core *core, struct output *output, const struct event *event,
                       const struct upload_total *total)
{
    const struct core_config *config = &core->config;
    const struct uploaded *uploaded = &event->uploaded;
    if (map_get(&core->uploads, name_of(&uploaded->upload.key)))
        refuse(output, uploaded, ERROR_INTERNAL, "The upload's key is taken; try again.");
    else if (event->disk_free < config->disk_reserve)
        refuse(output, uploaded, ERROR_STORAGE_FULL,
               "The disk is nearly full: %llu MB are free and uploads need %llu MB.",
               (unsigned long long)(event->disk_free >> 20),
               (unsigned long long)(config->disk_reserve >> 20));
    else if (config->upload_max && total->bytes + uploaded->upload.size > config->upload_max)
        refuse(output, uploaded, ERROR_TOO_LARGE,
               "Your uploads would take %lld bytes together; %lld are allowed. Delete some, or "
               "wait until they expire.",
               (long long)(total->bytes + uploaded->upload.size), (long long)config->upload_max);
    else if (config->upload_count_max && total->count >= config->upload_count_max)
        refuse(output, uploaded, ERROR_TOO_LARGE,
               "You have %lld uploads, and more are not allowed. Delete some, or wait until they "
               "expire.",
               (long long)total->count);
    else
        return true;
    return false;
}

void upload_step(struct core *core, struct output *output, const struct event *event)
{
    const struct uploaded *uploaded = &event->uploaded;
    core_give_uploads(core, uploaded->upload.tenant, 0, 0);
    struct upload_total *total = map_get(&core->totals, span_of(uploaded->upload.tenant));
    if (!is_allowed(core, output, event, total))
        return;
    struct upload upload = uploaded->upload;
    upload.created_at = core->now;
    upload.expires_at = core->now + core->config.upload_kept;
    output_change(output, CHANGE_UPLOAD_ADD)->upload = upload;
    core_give_upload(core, &upload);
    total->bytes += upload.size;
    total->count++;
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = uploaded->token;
    reply->created_at = upload.created_at;
    reply->expires_at = upload.expires_at;
}

void upload_remove(struct core *core, struct output *output, struct upload_entry *entry)
{
    output_change(output, CHANGE_UPLOAD_REMOVE)->upload.key = entry->upload.key;
    entry->is_gone = true;
    struct upload_total *total = map_get(&core->totals, span_of(entry->upload.tenant));
    if (total) {
        total->bytes -= entry->upload.size;
        total->count--;
    }
    remove_file(output, entry->upload.id);
}
