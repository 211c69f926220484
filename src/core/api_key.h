/* The keys with which applications come to the API (not to be taken for idempotency keys). The core
 * decides nothing about them: they pass through the turn because it is the one way in which
 * anything changes, and so that whoever checks them is told after the commit.
 *
 * The text of a key is known to its owner alone: a row holds its SHA-256, which is enough for 256
 * random bits, and the first letters, by which people tell their keys apart. */
#ifndef CORE_API_KEY_H
#define CORE_API_KEY_H

#include "core/job.h"

enum {
    API_KEY_HASH_SIZE = 32,
    API_KEY_PREFIX_SIZE = 16, /* "reel_0a1b2c3d" */
    API_KEY_NAME_SIZE = 128,
    API_KEY_NO_LIMIT = -1
};

struct api_key_row {
    char id[ID_SIZE]; /* "key_…"; sorts by time */
    char tenant[JOB_TENANT_SIZE];
    char name[API_KEY_NAME_SIZE]; /* for people; UTF-8, may be empty */
    char prefix[API_KEY_PREFIX_SIZE];
    unsigned char hash[API_KEY_HASH_SIZE];
    unsigned scopes;     /* bits, see base/scope.h */
    int64_t rate;        /* requests a minute; 0: no limit of its own */
    int64_t spend_limit; /* micro-dollars; API_KEY_NO_LIMIT: none */
    /* Of one with a limit: settled for its jobs, and held for those that are not over. */
    int64_t spent, reserved;
    ms_t created_at;
    ms_t expires_at, revoked_at; /* 0: never, not */
    ms_t used_at;                /* the last time that was written down, 0: never */
};

enum api_key_act {
    API_KEY_MADE,
    API_KEY_REVOKED, /* of the row only id and revoked_at count; what was revoked stays so */
    API_KEY_USED,    /* of the row only id and used_at count */
    API_KEY_CHARGED  /* … only id, spent and reserved, by how much they become more or less */
};

struct api_key_change {
    enum api_key_act act;
    struct api_key_row row;
};

const char *api_key_act_name(enum api_key_act act);

#endif
