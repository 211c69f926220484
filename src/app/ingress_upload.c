/* POST /api/v1/uploads: a file, alone or in a form, streamed to the disk as it comes. The loop
 * copies runs of the body into a buffer while libuv's pool writes the one before; when both are
 * full the client waits. So memory stays flat however large the file is, and a slow disk holds up
 * nobody else. Whole, the file is synced and renamed into place, and only then the engine hears. */
#include "app/ingress_private.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sniff.h"
#include "depot/depot_upload.h"
#include "depot/sign.h"
#include "edge/clock.h"
#include "edge/multipart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    UPLOAD_CHUNK = 256 * 1024,      /* written at once */
    UPLOAD_SYNC_EVERY = 32 << 20,   /* bytes; so that the last sync is short */
    UPLOAD_FORM_EXTRA = 1024 * 1024 /* of a form around its file, at most */
};

static const char media_types[] =
    "an image (PNG, JPEG, WebP, GIF, AVIF, HEIC, BMP, TIFF), audio (WAV, MP3, Ogg, FLAC, M4A, AAC) "
    "or video (MP4, MOV, WebM, Matroska, Ogg)";

struct uploading {
    uv_work_t work;
    struct ingress *ingress;
    struct exchange *exchange; /* NULL once the client left */
    struct request *request;   /* once the body has ended */
    struct upload row;         /* key, id and tenant from the start */
    int fd;
    struct crypto_sha256 *digest; /* NULL once taken */
    struct multipart multipart;
    const json_t *form; /* the route's details about the form, borrowed from the catalogue … */
    const char *file_field; /* … and the name of its field */
    bool is_form, in_file, has_file;
    unsigned char head[SNIFF_HEAD];
    size_t head_size;
    const char *type;               /* once it is known; literal */
    struct buffer filling, writing; /* the loop's, and the pool's while `busy` */
    bool busy, waits, is_placed;    /* waits: the client, for us; is_placed: out of staging */
    int64_t announced;              /* bytes of the desk's count that are ours */
    uint64_t unsynced;
    ms_t until; /* monotonic */
    enum depot_result result;
    enum error_code error; /* NONE: well so far */
    const char *field;     /* of the form, that the error is about */
    char text[JOB_ERROR_SIZE];
};

/* ---------------------------------------------------------------- the pool's part */

static enum depot_result write_all(int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t part = write(fd, bytes.data, bytes.size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? DEPOT_FULL : DEPOT_BROKEN;
        bytes = (struct span){bytes.data + part, bytes.size - (size_t)part};
    }
    return DEPOT_OK;
}

static void write_chunk(uv_work_t *work)
{
    struct uploading *uploading = work->data;
    const struct ingress_shared *shared = uploading->ingress->shared;
    struct span bytes = buffer_span(&uploading->writing);
    uploading->result = write_all(uploading->fd, bytes);
    crypto_sha256_add(uploading->digest, bytes);
    uploading->unsynced += bytes.size;
    if (uploading->result != DEPOT_OK || uploading->unsynced < UPLOAD_SYNC_EVERY)
        return;
    uploading->unsynced = 0;
    if (fdatasync(uploading->fd) != 0)
        uploading->result = DEPOT_BROKEN;
    else if (depot_free_bytes(shared->depot) < shared->config->disk_reserve)
        uploading->result = DEPOT_FULL;
}

static void place(uv_work_t *work)
{
    struct uploading *uploading = work->data;
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256_take(uploading->digest, digest);
    uploading->digest = NULL;
    crypto_hex(digest, sizeof digest, uploading->row.sha256);
    uploading->result = depot_upload_keep(uploading->ingress->shared->depot,
                                          span_of(uploading->row.id), uploading->fd);
    uploading->is_placed = uploading->result == DEPOT_OK;
}

static void take_away(uv_work_t *work)
{
    struct uploading *uploading = work->data;
    struct depot *depot = uploading->ingress->shared->depot;
    (void)close(uploading->fd);
    if (uploading->is_placed)
        (void)depot_upload_remove(depot, span_of(uploading->row.id));
    else
        (void)depot_upload_abort(depot, span_of(uploading->row.id));
}

/* ---------------------------------------------------------------- its end */

static void release(struct uploading *uploading)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    struct upload_desk *desk = uploading->ingress->shared->uploads;
    (void)atomic_fetch_sub(&desk->in_flight, 1);
    (void)atomic_fetch_sub(&desk->announced, uploading->announced);
    if (uploading->digest)
        crypto_sha256_take(uploading->digest, digest);
    buffer_done(&uploading->filling);
    buffer_done(&uploading->writing);
    memory_free(uploading);
}

static void after_take_away(uv_work_t *work, int status)
{
    (void)status;
    release(work->data);
}

/* Leaves nothing of it; the client has been answered, or is gone. */
static void discard(struct uploading *uploading)
{
    (void)uv_queue_work(&uploading->ingress->loop, &uploading->work, take_away, after_take_away);
}

__attribute__((format(printf, 3, 4))) static void
fail(struct uploading *uploading, enum error_code error, const char *format, ...)
{
    if (uploading->error != ERROR_NONE)
        return; /* the first reason is the reason */
    uploading->error = error;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(uploading->text, sizeof uploading->text, format, list);
    va_end(list);
}

static void fail_by(struct uploading *uploading, enum depot_result result)
{
    if (result == DEPOT_FULL)
        fail(uploading, ERROR_STORAGE_FULL, "The disk is nearly full; try again later.");
    else if (result != DEPOT_OK)
        fail(uploading, ERROR_INTERNAL, "The upload could not be written; try again.");
}

static void answer_failed(struct uploading *uploading)
{
    struct request *request = uploading->request;
    if (uploading->field)
        faults_add(&request->faults,
                   arena_copy(exchange_arena(request->exchange), span_of(uploading->field)),
                   arena_print(exchange_arena(request->exchange), "the field \"%s\" alone",
                               uploading->file_field),
                   "%s", uploading->text);
    else
        faults_refuse(&request->faults, uploading->error, "%s", uploading->text);
    struct answer answer = {.refusal = &request->faults};
    ingress_answer(request, &answer);
    discard(uploading);
}

/* To the engine, which removes the file itself if it wants no row for it. */
static void hand_over(struct uploading *uploading)
{
    struct request *request = uploading->request;
    struct message *message = message_make(EVENT_UPLOADED);
    struct uploaded *uploaded = &message->event.uploaded;
    uploaded->upload = uploading->row;
    request->upload = arena_new(exchange_arena(request->exchange), struct upload);
    *request->upload = uploading->row;
    if (!call_send(request, message, &uploaded->token)) {
        discard(uploading);
        return;
    }
    (void)close(uploading->fd);
    release(uploading);
}

static void after_place(uv_work_t *work, int status)
{
    (void)status;
    struct uploading *uploading = work->data;
    uploading->busy = false;
    fail_by(uploading, uploading->result);
    if (!uploading->exchange)
        discard(uploading);
    else if (uploading->error != ERROR_NONE)
        answer_failed(uploading);
    else
        hand_over(uploading);
}

/* ---------------------------------------------------------------- its bytes */

static void finish(struct uploading *uploading);
static void after_write(uv_work_t *work, int status);

static void start_write(struct uploading *uploading)
{
    struct buffer empty = uploading->writing;
    uploading->writing = uploading->filling;
    uploading->filling = empty;
    buffer_clear(&uploading->filling);
    uploading->busy = true;
    (void)uv_queue_work(&uploading->ingress->loop, &uploading->work, write_chunk, after_write);
}

static void after_write(uv_work_t *work, int status)
{
    (void)status;
    struct uploading *uploading = work->data;
    int64_t written = (int64_t)uploading->writing.size;
    written = written < uploading->announced ? written : uploading->announced;
    uploading->announced -= written; /* the disk itself counts it now */
    (void)atomic_fetch_sub(&uploading->ingress->shared->uploads->announced, written);
    uploading->busy = false;
    fail_by(uploading, uploading->result);
    if (!uploading->exchange) {
        discard(uploading);
    } else if (uploading->request) {
        finish(uploading);
    } else if (uploading->waits) {
        uploading->waits = false;
        if (uploading->filling.size > 0 && uploading->error == ERROR_NONE)
            start_write(uploading);
        exchange_resume(uploading->exchange);
    }
}

/* As soon as the first bytes are here, or all: what it is. */
static void sniff(struct uploading *uploading)
{
    uploading->type = sniff_media(uploading->head, uploading->head_size);
    if (!uploading->type)
        fail(uploading, ERROR_UNSUPPORTED_TYPE, "The file is none of those that can be used: %s.",
             media_types);
}

static void add(struct uploading *uploading, struct span bytes)
{
    const struct config *config = uploading->ingress->shared->config;
    uint64_t size = (uint64_t)uploading->row.size + bytes.size;
    if (size > config->uploads.max_size) {
        fail(uploading, ERROR_TOO_LARGE, "An upload may have %llu bytes (uploads.maxSize).",
             (unsigned long long)config->uploads.max_size);
        return;
    }
    uploading->row.size = (int64_t)size;
    size_t room = sizeof uploading->head - uploading->head_size;
    size_t part = bytes.size < room ? bytes.size : room;
    memcpy(uploading->head + uploading->head_size, bytes.data, part);
    uploading->head_size += part;
    if (part > 0 && uploading->head_size == sizeof uploading->head)
        sniff(uploading);
    buffer_add(&uploading->filling, bytes);
}

/* Whether the route passes it over: a vendor's client sends it, and nobody here needs it. */
static bool is_other(const struct uploading *uploading)
{
    const json_t *others = json_object_get(uploading->form, "others");
    for (size_t n = 0; n < json_array_size(others); n++)
        if (span_is(json_span(json_array_get(others, n)), uploading->multipart.name))
            return true;
    return false;
}

static void take_part(struct uploading *uploading)
{
    const struct multipart *multipart = &uploading->multipart;
    uploading->in_file = strcmp(multipart->name, uploading->file_field) == 0;
    if (uploading->in_file && !uploading->has_file) {
        uploading->has_file = true;
        return;
    }
    if (is_other(uploading))
        return;
    uploading->field = multipart->name;
    fail(uploading, ERROR_VALIDATION, "%s",
         uploading->in_file ? "comes twice" : "is no field of an upload");
}

static void take_form(struct uploading *uploading, struct span run)
{
    struct span data;
    enum multipart_event event;
    while (uploading->error == ERROR_NONE &&
           (event = multipart_read(&uploading->multipart, &run, &data)) != MULTIPART_MORE) {
        if (event == MULTIPART_PART)
            take_part(uploading);
        else if (event == MULTIPART_DATA && uploading->in_file)
            add(uploading, data);
        else if (event == MULTIPART_BROKEN)
            fail(uploading, ERROR_VALIDATION, "%s", uploading->multipart.fault);
    }
}

static enum exchange_want take_run(void *context, struct span run)
{
    struct uploading *uploading = context;
    if (clock_monotonic() > uploading->until)
        fail(uploading, ERROR_TIMEOUT, "The upload took longer than it may (uploads.timeout).");
    if (uploading->is_form)
        take_form(uploading, run);
    else
        add(uploading, run);
    if (uploading->error != ERROR_NONE)
        return EXCHANGE_STOP;
    if (uploading->filling.size < UPLOAD_CHUNK)
        return EXCHANGE_MORE;
    if (!uploading->busy) {
        start_write(uploading);
        return EXCHANGE_MORE;
    }
    uploading->waits = true;
    return EXCHANGE_WAIT;
}

void upload_drop(void *context)
{
    struct uploading *uploading = context;
    uploading->exchange = NULL;
    if (!uploading->busy)
        discard(uploading);
}

static void gone(void *context)
{
    struct uploading *uploading = context;
    struct request *request = uploading->request;
    if (request) {
        atomic_fetch_add(&board_counters(request->ingress->shared->board)->requests[0], 1);
        call_done(&request->call);
    }
    upload_drop(uploading);
}

/* All bytes are here: writes what is left, then moves the file into place. */
static void finish(struct uploading *uploading)
{
    if (uploading->busy)
        return; /* it is called again */
    if (uploading->is_form && uploading->error == ERROR_NONE) {
        if (!multipart_is_whole(&uploading->multipart))
            fail(uploading, ERROR_VALIDATION, "The form ends before its closing boundary.");
        else if (!uploading->has_file)
            fail(uploading, ERROR_VALIDATION, "The form has no field \"%s\".",
                 uploading->file_field);
    }
    if (uploading->row.size == 0)
        fail(uploading, ERROR_VALIDATION, "The file is empty.");
    else if (!uploading->type && uploading->error == ERROR_NONE)
        sniff(uploading);
    if (uploading->error != ERROR_NONE) {
        answer_failed(uploading);
    } else if (uploading->filling.size > 0) {
        start_write(uploading);
    } else {
        (void)span_copy(span_of(uploading->type), uploading->row.content_type,
                        sizeof uploading->row.content_type);
        uploading->busy = true;
        (void)uv_queue_work(&uploading->ingress->loop, &uploading->work, place, after_place);
    }
}

void upload_run(struct request *request)
{
    struct uploading *uploading = exchange_sink_context(request->exchange);
    if (!uploading) {
        ingress_refuse(request, ERROR_VALIDATION,
                       "The body is empty; send a file, or a form with the field \"file\".");
        return;
    }
    uploading->request = request;
    exchange_on_gone(request->exchange, gone, uploading);
    finish(uploading);
}

/* ---------------------------------------------------------------- its beginning */

/* What the client says that it will send; −1 when it says nothing. */
static int64_t announced_by(const struct http_request *http)
{
    struct span text;
    int64_t size;
    if (http_request_header(http, "content-length", &text) &&
        span_integer(text, 0, INT64_MAX, &size))
        return size;
    return -1;
}

/* Adds a fault when it can't be taken, for what is known before its first byte. */
static void judge(struct request *request, const struct http_request *http, bool is_form,
                  int64_t size)
{
    const struct ingress_shared *shared = request->ingress->shared;
    const struct config *config = shared->config;
    struct faults *faults = &request->faults;
    struct span coding;
    uint64_t most = config->uploads.max_size + (is_form ? UPLOAD_FORM_EXTRA : 0);
    uint64_t need = config->disk_reserve + (uint64_t)atomic_load(&shared->uploads->announced);
    if (size > 0 && (uint64_t)size > most)
        faults_refuse(faults, ERROR_TOO_LARGE, "An upload may have %llu bytes (uploads.maxSize).",
                      (unsigned long long)config->uploads.max_size);
    else if (http_request_header(http, "content-encoding", &coding) &&
             !span_is_nocase(coding, "identity"))
        faults_refuse(faults, ERROR_UNSUPPORTED_TYPE,
                      "The body has a Content-Encoding; send the file's bytes as they are.");
    else if (request->ingress->draining)
        faults_refuse(faults, ERROR_RATE_LIMITED, "The server is shutting down; try again.");
    else if (board_full(shared->board) ||
             depot_free_bytes(shared->depot) < need + (uint64_t)(size > 0 ? size : 0))
        faults_refuse(faults, ERROR_STORAGE_FULL,
                      "The disk is nearly full: there is no room for the upload.");
    else if (atomic_load(&shared->uploads->in_flight) >= (unsigned)config->uploads.in_flight)
        faults_refuse(faults, ERROR_RATE_LIMITED,
                      "%lld uploads are being received, and more can't be; try again.",
                      (long long)config->uploads.in_flight);
}

/* A key that no other upload of this process has; one of an earlier life is the core's to see. */
static int64_t next_key(struct upload_desk *desk)
{
    int_fast64_t last = atomic_load(&desk->last_key), next;
    do {
        next = id_next_key(last, clock_wall());
    } while (!atomic_compare_exchange_weak(&desk->last_key, &last, next));
    return next;
}

static struct uploading *begin(struct request *request, const struct multipart *multipart,
                               int64_t size)
{
    struct ingress *ingress = request->ingress;
    const struct ingress_shared *shared = ingress->shared;
    struct uploading *uploading = memory_new(struct uploading);
    if (request->upload_id.size == 0) {
        uploading->row.key = next_key(shared->uploads);
        id_write("upl_", uploading->row.key, crypto_random_number(), uploading->row.id);
    } else if (!id_read(request->upload_id, "upl_", &uploading->row.key) ||
               !span_copy(request->upload_id, uploading->row.id, sizeof uploading->row.id)) {
        faults_refuse(&request->faults, ERROR_NOT_FOUND, "There is no such upload.");
        memory_free(uploading);
        return NULL;
    }
    enum depot_result result =
        depot_upload_begin(shared->depot, span_of(uploading->row.id), &uploading->fd);
    if (result != DEPOT_OK) {
        faults_refuse(&request->faults,
                      result == DEPOT_FULL    ? ERROR_STORAGE_FULL
                      : result == DEPOT_TAKEN ? ERROR_CONFLICT
                                              : ERROR_INTERNAL,
                      result == DEPOT_TAKEN ? "This upload is being sent already."
                                            : "The upload could not be begun; try again.");
        memory_free(uploading);
        return NULL;
    }
    uploading->work.data = uploading;
    uploading->ingress = ingress;
    uploading->exchange = request->exchange;
    (void)span_copy(span_of(request->tenant), uploading->row.tenant, sizeof uploading->row.tenant);
    uploading->digest = crypto_sha256_make();
    uploading->is_form = multipart != NULL;
    const char *field = json_string_value(json_object_get(request->upload_form, "field"));
    uploading->file_field = field ? field : "file";
    uploading->form = request->upload_form;
    if (multipart)
        uploading->multipart = *multipart;
    buffer_init(&uploading->filling, 2 * UPLOAD_CHUNK);
    buffer_init(&uploading->writing, 2 * UPLOAD_CHUNK);
    uploading->until = clock_monotonic() + shared->config->uploads.timeout;
    uploading->announced = size > 0 ? size : 0;
    (void)atomic_fetch_add(&shared->uploads->in_flight, 1);
    (void)atomic_fetch_add(&shared->uploads->announced, uploading->announced);
    return uploading;
}

void upload_gate(struct request *request, const struct http_request *http, struct server_gate *gate)
{
    struct span type;
    struct multipart multipart;
    const char *fault = NULL;
    int64_t size = announced_by(http);
    bool is_form = http_request_header(http, "content-type", &type) && type.size >= 10 &&
                   span_is_nocase((struct span){type.data, 10}, "multipart/");
    if (is_form && !multipart_init(&multipart, type, &fault))
        faults_refuse(&request->faults, ERROR_UNSUPPORTED_TYPE, "%s", fault);
    else
        judge(request, http, is_form, size);
    struct uploading *uploading =
        faults_any(&request->faults) ? NULL : begin(request, is_form ? &multipart : NULL, size);
    if (!uploading) {
        gate->kind = SERVER_REFUSE;
        gate->response = ingress_refusal(request);
        return;
    }
    gate->kind = SERVER_STREAM;
    gate->body_max = request->ingress->shared->config->uploads.max_size + 2 * UPLOAD_FORM_EXTRA;
    gate->sink = (struct exchange_sink){take_run, gone, uploading};
}

void upload_announce(struct request *request)
{
    const struct ingress_shared *shared = request->ingress->shared;
    struct arena *arena = exchange_arena(request->exchange);
    struct upload upload = {.key = next_key(shared->uploads)};
    struct buffer path;
    struct answer answer = {.upload = &upload};
    id_write("upl_", upload.key, crypto_random_number(), upload.id);
    buffer_init(&path, 1024);
    buffer_print(&path, "/fal/storage/files/%s/%s", request->tenant, upload.id);
    sign_path(shared->url_secret, span_of(arena_copy(arena, buffer_span(&path))),
              clock_wall() + MS_HOUR, &path);
    answer.upload_path = arena_copy(arena, buffer_span(&path));
    buffer_done(&path);
    ingress_answer(request, &answer);
}

/* ---------------------------------------------------------------- reading them */

bool upload_read(struct request *request, int64_t key, struct span id, struct upload *ret_upload)
{
    enum store_result result = reader_upload(request->ingress->reader, key, ret_upload);
    if (result == STORE_OK && strcmp(ret_upload->tenant, request->tenant) == 0 &&
        span_is(id, ret_upload->id))
        return true;
    if (result == STORE_OK || result == STORE_NONE)
        ingress_refuse(request, ERROR_NOT_FOUND, "There is no upload %.*s.", SPAN_PRINT(id));
    else
        ingress_refuse(request, ERROR_INTERNAL, "The upload could not be read; try again.");
    return false;
}

void upload_show(struct request *request)
{
    struct upload upload;
    if (!upload_read(request, request->call.upload, request->call.upload_id, &upload))
        return;
    struct answer answer = {.upload = &upload};
    ingress_answer(request, &answer);
}

static unsigned media_of(const char *type)
{
    if (strncmp(type, "image/", 6) == 0)
        return 1u << MEDIA_IMAGE;
    return strncmp(type, "audio/", 6) == 0 ? 1u << MEDIA_AUDIO : 1u << MEDIA_VIDEO;
}

void upload_check(struct request *request)
{
    const struct call_ask *ask = &request->call.ask;
    for (unsigned n = 0; n < ask->upload_count; n++) {
        const struct call_upload *wish = &ask->uploads[n];
        struct upload upload;
        enum store_result result = reader_upload(request->ingress->reader, wish->key, &upload);
        bool is_own = result == STORE_OK && strcmp(upload.tenant, request->tenant) == 0 &&
                      strcmp(upload.id, wish->id) == 0;
        if (result != STORE_OK && result != STORE_NONE)
            continue; /* the core looks again */
        if (!is_own)
            faults_add(&request->faults, wish->field, "an upload of yours (POST /api/v1/uploads)",
                       "names the upload %s, which does not exist", wish->id);
        else if (upload.expires_at <= clock_wall())
            faults_add(&request->faults, wish->field, "an upload that has not expired",
                       "names the upload %s, which has expired", wish->id);
        else if (wish->media && !(wish->media & media_of(upload.content_type)))
            faults_add(&request->faults, wish->field, "an upload of a type that this field takes",
                       "names the upload %s, which is %s", wish->id, upload.content_type);
    }
}
