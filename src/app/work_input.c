/* From a job to the worker's request: every URL among the parameters becomes a file in the
 * attempt's folder, so that the worker needs no network and no store. */
#include "app/work_private.h"

#include "app/pool.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "catalog/reference.h"
#include "depot/depot_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void work_fail(struct work *work, enum error_code error, bool again, const char *format, ...)
{
    if (work->error != ERROR_NONE)
        return;
    work->error = error;
    work->again = again;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(work->text, sizeof work->text, format, list);
    va_end(list);
}

bool work_status_passes(int status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

static void found(void *context, const struct reference *reference)
{
    struct work *work = context;
    if (work->input_count == WORK_INPUTS_MAX) {
        work_fail(work, ERROR_VALIDATION, false, "The job names more than %d input files.",
                  WORK_INPUTS_MAX);
        return;
    }
    struct work_input *input = &work->inputs[work->input_count];
    (void)snprintf(input->name, sizeof input->name, "input-%u", work->input_count);
    if (!span_copy(span_of(reference->path), input->field, sizeof input->field)) {
        work_fail(work, ERROR_INTERNAL, false, "A parameter's name is too long.");
        return;
    }
    work->input_count++;
    input->url = memory_copy(reference->url);
    input->kind = reference->kind == REFERENCE_JOB      ? WORK_INPUT_JOB
                  : reference->kind == REFERENCE_DATA   ? WORK_INPUT_DATA
                  : reference->kind == REFERENCE_UPLOAD ? WORK_INPUT_UPLOAD
                                                        : WORK_INPUT_HTTP;
}

/* Which file of the other job is meant: asked of the store, on the works' thread. */
static void find_source(struct work *work, struct work_input *input)
{
    struct span id;
    unsigned output = 0;
    int64_t key;
    struct job source;
    if (!reference_read_reel(span_of(input->url), &id, &output) || !id_read(id, "gen_", &key)) {
        work_fail(work, ERROR_VALIDATION, false, "%s names no job.", input->field);
        return;
    }
    enum store_result result = reader_job(work->works->config.reader, key, &source, NULL);
    if (result != STORE_OK) {
        work_fail(work, ERROR_INPUT_UNREACHABLE, result == STORE_BUSY,
                  "%s: the job %.*s could not be read.", input->field, SPAN_PRINT(id));
        return;
    }
    if (source.removed_at) {
        work_fail(work, ERROR_INPUT_UNREACHABLE, false,
                  "%s: the files of the job %.*s were removed.", input->field, SPAN_PRINT(id));
    } else if (output >= source.output_count) {
        work_fail(work, ERROR_INPUT_UNREACHABLE, false,
                  "%s: the job %.*s has %u output%s, numbered from 0.", input->field,
                  SPAN_PRINT(id), source.output_count, source.output_count == 1 ? "" : "s");
    } else {
        (void)span_copy(span_of(source.id), input->source_id, sizeof input->source_id);
        (void)span_copy(span_of(source.outputs[output].name), input->source_name,
                        sizeof input->source_name);
    }
    reader_job_done(&source);
}

/* The job has held it since it was asked for, so it is there unless somebody touched the store. */
static void find_upload(struct work *work, struct work_input *input)
{
    struct span id;
    unsigned output = 0;
    int64_t key;
    struct upload upload;
    if (!reference_read_reel(span_of(input->url), &id, &output) || !id_read(id, "upl_", &key)) {
        work_fail(work, ERROR_VALIDATION, false, "%s names no upload.", input->field);
        return;
    }
    enum store_result result = reader_upload(work->works->config.reader, key, &upload);
    if (result == STORE_OK && span_is(id, upload.id) && strcmp(upload.tenant, work->tenant) == 0)
        (void)span_copy(id, input->source_id, sizeof input->source_id);
    else
        work_fail(work, ERROR_INPUT_UNREACHABLE, result == STORE_BUSY,
                  "%s: the upload %.*s has expired or was deleted.", input->field, SPAN_PRINT(id));
}

/* The model may have offers of others beside ours. */
static const char *renderer_of(const struct model *model)
{
    for (unsigned n = 0; n < model->offer_count; n++) {
        if (strcmp(model->offers[n]->provider->name, "local") == 0)
            return model->offers[n]->slug;
    }
    return model->offers[0]->slug;
}

bool work_find_inputs(struct work *work)
{
    if (!work->model || !work->input || work->model->offer_count == 0) {
        work_fail(work, ERROR_INTERNAL, false, "The catalogue has no model for this job any more.");
        return false;
    }
    if (work->command && !work_command_find(work))
        return false;
    work->renderer = renderer_of(work->model);
    reference_each(work->model, work->input, found, work);
    for (unsigned n = 0; n < work->input_count; n++) {
        if (work->inputs[n].kind == WORK_INPUT_JOB)
            find_source(work, &work->inputs[n]);
        else if (work->inputs[n].kind == WORK_INPUT_UPLOAD)
            find_upload(work, &work->inputs[n]);
    }
    return work->error == ERROR_NONE;
}

static bool write_bytes(int fd, struct span rest)
{
    while (rest.size > 0) {
        ssize_t part = write(fd, rest.data, rest.size);
        if (part <= 0)
            return false;
        rest.data += part;
        rest.size -= (size_t)part;
    }
    return true;
}

enum work_written work_write_base64(const struct work *work, const char *name, struct span text,
                                    size_t max)
{
    struct buffer padded, bytes;
    buffer_init(&padded, text.size + 4);
    buffer_init(&bytes, max);
    buffer_add(&padded, text);
    while (padded.size % 4 != 0 && !padded.failed)
        buffer_add_byte(&padded, '=');
    bool good = crypto_base64_read(buffer_span(&padded), &bytes);
    buffer_done(&padded);
    char path[DEPOT_PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%s", work->folder, name);
    int fd = good ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    bool written = fd >= 0 && write_bytes(fd, buffer_span(&bytes));
    int error = errno;
    if (fd >= 0 && close(fd) != 0 && written) {
        error = errno;
        written = false;
    }
    buffer_done(&bytes);
    errno = error;
    return !good ? WORK_NO_BASE64 : written ? WORK_WRITTEN : WORK_NOT_WRITTEN;
}

static void write_data(struct work *work, const struct work_input *input)
{
    struct span type, base64;
    enum work_written written = WORK_NO_BASE64;
    if (reference_read_data(span_of(input->url), &type, &base64))
        written = work_write_base64(work, input->name, base64, CATALOG_DATA_URL_MAX);
    if (written == WORK_NO_BASE64)
        work_fail(work, ERROR_VALIDATION, false, "%s is no valid data: URL.", input->field);
    else if (written == WORK_NOT_WRITTEN)
        work_fail(work, ERROR_STORAGE_FULL, true, "An input could not be written to the disk.");
}

static void link_source(struct work *work, const struct work_input *input)
{
    struct depot *depot = work->works->config.depot;
    struct span id = span_of(input->source_id), name = span_of(input->name);
    bool is_upload = input->kind == WORK_INPUT_UPLOAD;
    enum depot_result result =
        is_upload ? depot_upload_link(depot, id, work->folder, name)
                  : depot_link_input(depot, id, span_of(input->source_name), work->folder, name);
    if (result == DEPOT_FULL)
        work_fail(work, ERROR_STORAGE_FULL, true, "The disk is full.");
    else if (result == DEPOT_MISSING)
        work_fail(work, is_upload ? ERROR_INPUT_UNREACHABLE : ERROR_OUTPUT_LOST, false,
                  "%s: the file of %s is not there any more.", input->field, input->source_id);
    else if (result != DEPOT_OK)
        work_fail(work, ERROR_INTERNAL, true, "%s: the file of %s could not be read.", input->field,
                  input->source_id);
}

enum depot_result work_open_folder(struct work *work)
{
    struct depot *depot = work->works->config.depot;
    struct span job = span_of(work->job_id);
    /* Outputs of an attempt that was lost on their way into a row are in nobody's. */
    enum depot_result result = depot_remove_outputs(depot, job, work->files_before);
    return result == DEPOT_OK ? depot_work_folder(depot, job, work->attempt, work->folder) : result;
}

void work_prepare(uv_work_t *request)
{
    struct work *work = request->data;
    enum depot_result result = work_open_folder(work);
    if (result != DEPOT_OK) {
        work_fail(work, result == DEPOT_FULL ? ERROR_STORAGE_FULL : ERROR_INTERNAL, true,
                  "The work folder could not be made: %s.",
                  result == DEPOT_FULL ? "the disk is full" : "the log says why");
        return;
    }
    for (unsigned n = 0; n < work->input_count; n++) {
        if (work->inputs[n].kind == WORK_INPUT_JOB || work->inputs[n].kind == WORK_INPUT_UPLOAD)
            link_source(work, &work->inputs[n]);
        else if (work->inputs[n].kind == WORK_INPUT_DATA)
            write_data(work, &work->inputs[n]);
    }
}

/* The callback has one pointer, and it needs the work and which input. */
struct fetch {
    struct work *work;
    unsigned input;
};

static void on_fetched(void *context, const struct egress_result *result)
{
    struct fetch *fetch = context;
    work_post_fetched(fetch->work, fetch->input, result);
    memory_free(fetch);
}

bool work_download(struct work *work, unsigned number, struct egress_call *call)
{
    struct egress *egress = work->works->config.egress;
    struct work_input *input = &work->inputs[number];
    char path[DEPOT_PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%s", work->folder, input->name);
    const struct http_request request = {.method = HTTP_GET, .target = span_of(input->url)};
    struct fetch *fetch = memory_new(struct fetch);
    *fetch = (struct fetch){work, number};
    input->call = egress_id(egress);
    call->id = input->call;
    call->request = &request;
    call->redirects_max = EGRESS_REDIRECTS_MAX;
    call->answer.path = path;
    call->answer.plain = true;
    call->done = on_fetched;
    call->context = fetch;
    if (egress_send(egress, call)) {
        work->fetching++;
        return true;
    }
    memory_free(fetch);
    input->call = 0;
    return false;
}

bool work_fetch(struct work *work)
{
    const struct works_config *config = &work->works->config;
    for (unsigned n = 0; n < work->input_count; n++) {
        if (work->inputs[n].kind != WORK_INPUT_HTTP)
            continue;
        struct egress_call call = {
            .answer = {.max = config->fetch_max},
            .deadlines = {.first_byte = config->fetch_timeout, .total = config->fetch_timeout},
        };
        if (!work_download(work, n, &call)) {
            work_fail(work, ERROR_INTERNAL, true, "Too many downloads are waiting.");
            return false;
        }
    }
    return true;
}

void work_fetched(struct work *work, unsigned index, const struct egress_result *result)
{
    struct work_input *input = &work->inputs[index];
    int status = result->response.status;
    input->call = 0;
    if (result->outcome == EGRESS_ANSWERED && status >= 200 && status < 300)
        return;
    if (result->outcome == EGRESS_ANSWERED) {
        work_fail(work, ERROR_INPUT_UNREACHABLE, work_status_passes(status),
                  "%s could not be fetched: it answered %d.", input->field, status);
        return;
    }
    enum error_code error = ERROR_INPUT_UNREACHABLE;
    if (result->outcome == EGRESS_TOO_LARGE)
        error = ERROR_TOO_LARGE;
    else if (result->outcome == EGRESS_DISK_FULL)
        error = ERROR_STORAGE_FULL;
    bool again = result->outcome == EGRESS_BROKEN || result->outcome == EGRESS_DISK_FULL ||
                 result->outcome == EGRESS_NOT_CONNECTED;
    work_fail(work, error, again, "%s could not be fetched: %.320s", input->field,
              result->sentence);
}

/* Puts the file's name where the URL stood: "imageUrl" or "imageUrls[2]". */
static void replace(struct work *work, const struct work_input *input, const char *folder)
{
    char path[DEPOT_PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%s", folder, input->name);
    struct span field = span_of(input->field);
    ptrdiff_t at = span_find(field, '[');
    if (at < 0) {
        (void)json_object_set_new(work->input, input->field, json_string(path));
        return;
    }
    char name[64];
    int64_t index = 0;
    (void)span_copy((struct span){field.data, (size_t)at}, name, sizeof name);
    struct span number = {field.data + at + 1, field.size - (size_t)at - 2};
    json_t *list = json_object_get(work->input, name);
    if (span_integer(number, 0, WORK_INPUTS_MAX, &index) && list)
        (void)json_array_set_new(list, (size_t)index, json_string(path));
}

void work_put_paths(struct work *work, const char *folder)
{
    for (unsigned n = 0; n < work->input_count; n++)
        replace(work, &work->inputs[n], folder);
}

void work_request(struct work *work, struct buffer *target)
{
    work_put_paths(work, work->name);
    struct json_writer writer;
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_text(&writer, "id", span_of(work->name));
    json_text(&writer, "op", SPAN("render"));
    json_text(&writer, "renderer", span_of(work->renderer));
    json_value(&writer, "input", work->input);
    json_text(&writer, "dir", span_of(work->name));
    if (work->model->timeout_ms)
        json_number(&writer, "cpuSeconds",
                    (work->model->timeout_ms / MS_SECOND + 1) * POOL_THREADS);
    const json_t *seed = json_object_get(work->input, "seed");
    json_number(&writer, "seed", json_is_integer(seed) ? json_integer_value(seed) : 0);
    json_close_object(&writer);
}
