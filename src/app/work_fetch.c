/* Files that a provider made: from their links, or the answer itself, through an inspection into
 * the depot. It is a work like any other, whose inputs are those files, and whose worker looks at
 * them instead of making something. Links expire, so nothing waits here but for room on the disk,
 * a place in the egress and a worker; what a fresh link may mend is told as FAILED with `again`.
 * When the server shuts down nothing is told: the next one will ask the provider again. */
#include "app/work_private.h"

#include "app/shape.h"
#include "base/crypto.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>

/* Of one file. The core gives all of them half an hour or more (core/stand.c). */
#define WORK_FETCH_MAX (20 * MS_MINUTE)

_Static_assert((int)TOLD_FILES_MAX <= JOB_OUTPUTS_MAX && (int)TOLD_FILES_MAX <= WORK_INPUTS_MAX,
               "each file has a place on its way");

/* ---------------------------------------------------------------- from any thread */

static void add_file(struct work *work, const struct told_file *file, unsigned count)
{
    struct work_input *input = &work->inputs[work->input_count];
    struct span text = file->url.size ? file->url : file->base64;
    (void)snprintf(input->name, sizeof input->name, "file-%u", work->input_count);
    (void)snprintf(input->field, sizeof input->field, count == 1 ? "The output" : "Output %u",
                   work->input_count + 1);
    work->input_count++;
    input->url = memory_copy(text);
    input->kind = span_starts(text, "data:") ? WORK_INPUT_DATA
                  : file->url.size           ? WORK_INPUT_HTTP
                                             : WORK_INPUT_BASE64;
}

void works_fetch(struct works *works, const struct job *job, unsigned attempt,
                 const struct told *told, const char *trusted)
{
    struct work *work = work_make(works, job, attempt);
    const struct provider_entry *entry =
        catalog_find_provider(works->config.catalog, span_of(job->attempt.provider));
    work->is_fetch = work->inspects = true;
    (void)span_copy(span_of(job->attempt.provider), work->provider, sizeof work->provider);
    work->fetches_max = entry ? entry->fetches : CATALOG_FETCHES;
    work->trusted = trusted ? memory_copy(span_of(trusted)) : NULL;
    work->files_before = job->output_count;
    for (unsigned n = 0; n < told->file_count && n < JOB_OUTPUTS_MAX - job->output_count; n++)
        add_file(work, &told->files[n], told->file_count);
    work_begin(work);
}

/* ---------------------------------------------------------------- files in the answer itself */

/* The part of a data: URL that counts (RFC 2397). What it says of its type is not looked at. */
static struct span base64_of(const struct work_input *input)
{
    struct span rest = span_of(input->url), head = {NULL, 0};
    if (input->kind == WORK_INPUT_BASE64)
        return rest;
    if (!span_take(&rest, ',', &head) || !rest.data || !span_ends(head, ";base64"))
        return SPAN("?");
    return rest;
}

static void write_file(struct work *work, const struct work_input *input)
{
    size_t max = work->works->config.output_max;
    struct span base64 = base64_of(input);
    if (base64.size / 4 * 3 > max) {
        work_fail(work, ERROR_TOO_LARGE, false, "%s is larger than the %zu MB it may be.",
                  input->field, max >> 20);
        return;
    }
    switch (work_write_base64(work, input->name, base64, max)) {
    case WORK_WRITTEN:
        break;
    case WORK_NO_BASE64:
        work_fail(work, ERROR_OUTPUT_INVALID, false, "%s came as text that is no valid base64.",
                  input->field);
        break;
    case WORK_NOT_WRITTEN:
        if (errno == ENOSPC || errno == EDQUOT)
            work->disk_full = true;
        else
            work_fail(work, ERROR_INTERNAL, true, "%s could not be written to the disk.",
                      input->field);
        break;
    }
}

/* On the pool. */
static void prepare(uv_work_t *request)
{
    struct work *work = request->data;
    enum depot_result result = work_open_folder(work);
    work->disk_full = result == DEPOT_FULL;
    if (result != DEPOT_OK && result != DEPOT_FULL)
        work_fail(work, ERROR_INTERNAL, true, "The work folder could not be made.");
    for (unsigned n = 0; n < work->input_count && result == DEPOT_OK && !work->disk_full; n++) {
        if (work->inputs[n].kind != WORK_INPUT_HTTP)
            write_file(work, &work->inputs[n]);
    }
}

static bool is_ended(const struct work *work)
{
    return work->stopped || work->dropped || work->error != ERROR_NONE;
}

static void begin(struct work *work);
static void download(struct work *work);

static void after_prepare(uv_work_t *request, int status)
{
    (void)status;
    struct work *work = request->data;
    work->in_pool = false;
    if (work->disk_full && !is_ended(work)) {
        work_pause(work, WORK_FULL_PAUSE_MS, begin);
        return;
    }
    work->stage = WORK_FETCHING;
    download(work);
}

static void begin(struct work *work)
{
    if (is_ended(work))
        work_over(work);
    else
        work_in_pool(work, prepare, after_prepare);
}

/* ---------------------------------------------------------------- not too many at once */

static void stand_in_line(struct work *work)
{
    if (!is_ended(work))
        place_take(&work->works->lines, work->provider, work->fetches_max, &work->place);
    if (!work->place.line || work->place.is_had)
        begin(work);
}

void work_fetch_start(struct work *work)
{
    if (work->input_count == 0)
        work_fail(work, ERROR_OUTPUT_INVALID, false, "%s",
                  work->files_before < JOB_OUTPUTS_MAX
                      ? "The provider names no file."
                      : "The job has as many outputs as it may have.");
    if (is_ended(work) || place_idle(&work->works->lines, work->provider))
        stand_in_line(work);
    else
        work_pause(work, (ms_t)(crypto_random_number() % WORK_SPREAD_MS), stand_in_line);
}

void work_fetch_leave(struct work *work)
{
    struct place *next = place_leave(&work->place);
    if (next && !work->works->ending)
        begin(LIST_OWNER(next, struct work, place));
}

bool work_fetch_leave_line(struct work *work)
{
    if (!work->place.line || work->place.is_had)
        return false;
    (void)place_leave(&work->place);
    work_over(work);
    return true;
}

/* ---------------------------------------------------------------- files behind links */

static void inspect(struct work *work)
{
    if (is_ended(work))
        work_over(work);
    else
        work_run(work);
}

/* Once nothing is under way: whatever comes next. */
static void go_on(struct work *work)
{
    if (work->fetching > 0)
        return;
    if (work->disk_full && !is_ended(work))
        work_pause(work, WORK_FULL_PAUSE_MS, download);
    else
        inspect(work);
}

static void download(struct work *work)
{
    work->disk_full = false;
    for (unsigned n = 0; n < work->input_count && !is_ended(work); n++) {
        const struct work_input *input = &work->inputs[n];
        struct egress_call call = {
            .trusted = work->trusted,
            .answer = {.max = work->works->config.output_max},
            .deadlines = {.total = WORK_FETCH_MAX},
        };
        /* Neither a full queue nor a full disk is for ever. */
        if (input->kind == WORK_INPUT_HTTP && !input->is_here && !work_download(work, n, &call))
            work->disk_full = true;
    }
    go_on(work);
}

static void refuse_size(struct work *work, const char *what)
{
    work_fail(work, ERROR_TOO_LARGE, false,
              "%s could not be kept: more than the %llu MB of local.maxOutput.", what,
              (unsigned long long)(work->works->config.output_max >> 20));
}

static void take_answer(struct work *work, struct work_input *input,
                        const struct egress_result *result)
{
    int status = result->response.status;
    if (status < 200 || status > 299) {
        work->passing = work_status_passes(status);
        work_fail(work, ERROR_OUTPUT_LOST, true, "%s could not be fetched: %s (%d).", input->field,
                  status == 403 || status == 404 || status == 410
                      ? "its link has expired or is wrong"
                      : "its server refused",
                  status);
        return;
    }
    input->is_here = true;
    work->fetched += result->bytes;
    if (result->bytes == 0)
        work_fail(work, ERROR_OUTPUT_INVALID, true, "%s is an empty file.", input->field);
    if (work->fetched > work->works->config.output_max)
        refuse_size(work, "The outputs together");
}

static void take(struct work *work, struct work_input *input, const struct egress_result *result)
{
    switch (result->outcome) {
    case EGRESS_ANSWERED:
        take_answer(work, input, result);
        return;
    case EGRESS_DISK_FULL:
        work->disk_full = true;
        return;
    case EGRESS_TOO_LARGE:
        refuse_size(work, input->field);
        return;
    case EGRESS_DISK_BROKEN:
        work_fail(work, ERROR_INTERNAL, true, "%s could not be written to the disk.", input->field);
        return;
    case EGRESS_CANCELED: /* not by us, or it would be ended already: the server is shutting down */
        work->dropped = true;
        return;
    case EGRESS_REFUSED_BY_GUARD:
    case EGRESS_INVALID:
        work_fail(work, ERROR_OUTPUT_LOST, false, "%s may not be fetched: %.300s", input->field,
                  result->sentence);
        return;
    case EGRESS_NOT_RESOLVED:
    case EGRESS_NOT_CONNECTED:
    case EGRESS_TLS_FAILED:
    case EGRESS_TIMED_OUT:
    case EGRESS_BROKEN:
    case EGRESS_OUTCOME_COUNT:
        break;
    }
    work->passing = true;
    work_fail(work, ERROR_OUTPUT_LOST, true, "%s could not be fetched: %.300s", input->field,
              result->sentence);
}

void work_fetch_got(struct work *work, unsigned number, const struct egress_result *result)
{
    struct work_input *input = &work->inputs[number];
    input->call = 0;
    work->fetching--;
    if (!is_ended(work)) {
        take(work, input, result);
        if (is_ended(work))
            work_halt(work); /* the others would be in vain */
    }
    go_on(work);
}

/* ---------------------------------------------------------------- the inspection */

static void write_number(struct json_writer *writer, const struct work *work, const char *name)
{
    double value = json_number_value(json_object_get(work->input, name));
    if (value > 0)
        json_real_number(writer, name, value);
}

/* What the request says about the outcome, in the words that the catalogue has for it. */
static void write_wish(struct json_writer *writer, const struct work *work)
{
    int64_t side = shape_side(json_span(json_object_get(work->input, "resolution")));
    double aspect = shape_aspect(json_span(json_object_get(work->input, "aspectRatio")));
    enum media media = work->model ? work->model->output : MEDIA_NONE;
    json_open_object(writer, "wish");
    if (media == MEDIA_IMAGE || media == MEDIA_AUDIO || media == MEDIA_VIDEO)
        json_text(writer, "media", span_of(catalog_media_name(media)));
    write_number(writer, work, "duration");
    write_number(writer, work, "width");
    write_number(writer, work, "height");
    write_number(writer, work, "fps");
    if (side > 0)
        json_number(writer, "side", side);
    if (aspect > 0)
        json_real_number(writer, "aspect", aspect);
    if (json_is_true(json_object_get(work->input, "generateAudio")))
        json_bool(writer, "sound", true);
    json_close_object(writer);
}

void work_fetch_request(struct work *work, struct buffer *target)
{
    struct json_writer writer;
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_text(&writer, "id", span_of(work->name));
    json_text(&writer, "op", SPAN("inspect"));
    json_text(&writer, "dir", span_of(work->name));
    json_open_array(&writer, "files");
    for (unsigned n = 0; n < work->input_count; n++)
        json_text(&writer, NULL, span_of(work->inputs[n].name));
    json_close_array(&writer);
    write_wish(&writer, work);
    json_close_object(&writer);
}

void work_fetch_wait(struct work *work)
{
    work->stage = WORK_FETCHING;
    work_pause(work, WORK_FULL_PAUSE_MS, inspect);
}

void work_fetch_inspected(struct work *work, const struct worker_end *end)
{
    if (end->how == WORKER_FAILED && work->error == ERROR_STORAGE_FULL && !work->dropped) {
        work->error = ERROR_NONE; /* there was no room for the thumbnail */
        work_fetch_wait(work);
        return;
    }
    if (end->how == WORKER_STOPPED && work->error == ERROR_NONE)
        work->dropped = true; /* by us, or by the end of the server: nothing came of it */
    else if (end->how != WORKER_DONE)
        work_fail(work, ERROR_INTERNAL, true, "The output could not be inspected: %s",
                  end->sentence);
    if (is_ended(work))
        work_over(work);
    else
        work_keep(work);
}
