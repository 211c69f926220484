/* The API as the commands ask it: JSON over HTTP (libcurl), one call at a time. */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"

enum { CLIENT_FAULT_SIZE = 1000, CLIENT_URL_SIZE = 2048, CLIENT_ANSWER_MAX = 64 << 20 };

struct client {
    void *handle;               /* libcurl's */
    char base[CLIENT_URL_SIZE]; /* "http://127.0.0.1:8080" */
    struct secret token;        /* size 0: none */
};

struct client_options {
    const char *server;     /* NULL: REEL_SERVER, else http://127.0.0.1:8080 */
    const char *token_file; /* NULL: AUTH_TOKEN, AUTH_TOKEN_FILE, REEL_TOKEN_FILE … */
    const char *home;       /* … else, for a server on this machine, the token in this home */
};

/* False with a sentence. client_close either way. */
bool client_open(struct client *client, const struct client_options *options, struct buffer *fault);
void client_close(struct client *client);

enum client_result {
    CLIENT_OK,          /* 2xx */
    CLIENT_REFUSED,     /* answered with an error of the API */
    CLIENT_UNREACHABLE, /* no answer, or one that is not reel's */
    CLIENT_INTERRUPTED  /* Ctrl-C */
};

/* A body that is streamed from a file. */
struct client_file {
    int fd; /* borrowed; read from where it stands */
    uint64_t size;
    void (*progress)(void *context, uint64_t done, uint64_t size); /* may be NULL */
    void *context;
};

struct client_request {
    const char *method, *path;      /* "GET", "/api/v1/jobs?limit=20" */
    struct span body;               /* JSON; empty: none */
    const char *key;                /* Idempotency-Key; may be NULL */
    int timeout_s;                  /* 0: 30, or with a file as long as it moves */
    const struct client_file *file; /* instead of a body; may be NULL */
};

struct client_answer {
    enum client_result result;
    int status;                    /* 0: none */
    json_t *json;                  /* owned; NULL unless the body was JSON */
    struct buffer body;            /* as it came */
    char fault[CLIENT_FAULT_SIZE]; /* why not OK, a sentence */
    bool sent;                     /* UNREACHABLE: the request can have arrived */
};

/* Fills ret_answer, to be freed with client_answer_done. */
enum client_result client_ask(struct client *client, const struct client_request *request,
                              struct client_answer *ret_answer);
void client_answer_done(struct client_answer *answer);

/* Says on standard error (or, as JSON, on standard output) why it went wrong, with all details;
 * gives the exit status for it. */
int client_complain(const struct client *client, const struct client_answer *answer, bool as_json);

/* A path's segment with everything escaped that is not plain; "/" stays. */
void client_escape(const char *text, bool keep_slash, struct buffer *target);

/* Where `url` leads when it stands in an answer of this server; whether the key goes with it. */
bool client_is_own(const struct client *client, const char *url);

#endif
