/* The native dialect's keys and tenants: /api/v1/keys, /api/v1/tenants. */
#ifndef DIALECT_NATIVE_KEYS_H
#define DIALECT_NATIVE_KEYS_H

#include "dialect/dialect.h"

enum {
    NATIVE_KEYS_NAME_MAX = 100, /* characters of a key's name */
    NATIVE_KEYS_RATE_MAX = 1000000,
    NATIVE_KEYS_LIMIT_MAX = 100000000, /* jobs */
    NATIVE_KEYS_MONEY_MAX = 1000000000 /* dollars */
};

/* Reads a call whose kind is known already. */
void native_keys_read(const struct dialect_scene *scene, const struct http_request *request,
                      const struct route_match *match, struct faults *faults, struct call *call);
void native_keys_write(const struct dialect_scene *scene, const struct call *call,
                       const struct answer *answer, struct json_writer *writer,
                       struct http_response *response);

#endif
