/* The native dialect's uploads: POST /api/v1/uploads (the body itself is the app's business), and
 * GET and DELETE /api/v1/uploads/{id}. */
#ifndef DIALECT_NATIVE_UPLOAD_H
#define DIALECT_NATIVE_UPLOAD_H

#include "dialect/dialect.h"

void native_upload_read_id(const struct route_match *match, const struct dialect_scene *scene,
                           struct faults *faults, struct call *call);
/* Of an UPLOAD, which is 201 and has a Location, or of its status. */
void native_upload_write(const struct dialect_scene *scene, const struct call *call,
                         const struct upload *upload, struct json_writer *writer,
                         struct http_response *response);
/* {"success":true,"deleted":true} and what it was. */
void native_upload_write_deleted(const struct call *call, struct json_writer *writer);

#endif
