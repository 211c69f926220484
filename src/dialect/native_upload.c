#include "dialect/native_upload.h"

#include "base/id.h"
#include "dialect/native_ask.h"

void native_upload_read_id(const struct route_match *match, const struct dialect_scene *scene,
                           struct faults *faults, struct call *call)
{
    struct span raw = route_value(match, "id");
    if (!http_decode(raw, false, scene->arena, &call->upload_id) ||
        !id_read(call->upload_id, "upl_", &call->upload))
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no upload \"%s\".",
                      native_ask_cut(scene->arena, raw, 60));
}

void native_upload_write(const struct dialect_scene *scene, const struct call *call,
                         const struct upload *upload, struct json_writer *writer,
                         struct http_response *response)
{
    json_open_object(writer, NULL);
    if (call->kind == CALL_UPLOAD) {
        response->status = 201;
        (void)http_response_add(
            response, "Location",
            span_of(arena_print(scene->arena, "/api/v1/uploads/%s", upload->id)));
        json_bool(writer, "success", true);
    }
    json_text(writer, "uploadId", span_of(upload->id));
    json_text(writer, "url", span_of(arena_print(scene->arena, "reel://%s", upload->id)));
    json_text(writer, "contentType", span_of(upload->content_type));
    json_number(writer, "fileSizeBytes", upload->size);
    json_text(writer, "sha256", span_of(upload->sha256));
    json_time(writer, "createdAt", upload->created_at);
    json_time(writer, "expiresAt", upload->expires_at);
    json_close_object(writer);
}

void native_upload_write_deleted(const struct call *call, struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_bool(writer, "success", true);
    json_bool(writer, "deleted", true);
    if (call->kind == CALL_DELETE)
        json_text(writer, "jobId", call->job_id);
    else
        json_text(writer, "uploadId", call->upload_id);
    json_close_object(writer);
}
