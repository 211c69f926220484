#include "app/key_home.h"

#include "app/key_text.h"
#include "app/keyring.h"
#include "base/memory.h"
#include "depot/depot.h"
#include "dialect/dialect.h"
#include "edge/clock.h"
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 8 << 20 };

struct key_home {
    struct depot_lock *lock;
    struct store *store;
    struct reader *reader;
    struct keyring *keyring;
    struct catalog *catalog;
    char path[DEPOT_PATH_SIZE];
    struct arena arena;
    struct faults faults;
    char text[KEY_TEXT_SIZE]; /* of a new key */
};

static void close_home(struct key_home *home)
{
    explicit_bzero(home->text, sizeof home->text);
    keyring_free(home->keyring);
    catalog_free(home->catalog);
    reader_close(home->reader);
    store_close(home->store);
    depot_unlock(home->lock);
    arena_done(&home->arena);
}

/* The lock is held; false with a fault. */
static bool open_store(struct key_home *home, const char *folder)
{
    char fault[STORE_FAULT_SIZE] = "", catalog_fault[CATALOG_FAULT_SIZE] = "";
    (void)snprintf(home->path, sizeof home->path, "%s/reel.db", folder);
    home->store = sqlite_open(home->path, fault);
    home->reader = home->store ? store_open_reader(home->store, fault) : NULL;
    home->keyring = keyring_make(0);
    home->catalog = catalog_make(catalog_builtin, NULL, 0, catalog_fault);
    bool good =
        home->reader && home->catalog && keyring_load(home->keyring, home->reader) == STORE_OK;
    if (!good)
        faults_refuse(&home->faults, ERROR_INTERNAL, "The store of %.200s can't be used: %s",
                      folder, fault[0] ? fault : catalog_fault);
    return good;
}

/* In a transaction of its own; there is no core to pass, for it decides nothing about keys. */
static bool change(struct key_home *home, const struct api_key_change *wanted)
{
    struct output output;
    output_init(&output);
    output_change(&output, CHANGE_API_KEY)->api_key = *wanted;
    enum store_result result = store_begin(home->store);
    if (result == STORE_OK)
        result = store_apply(home->store, &output.changes);
    if (result == STORE_OK)
        result = store_commit(home->store, clock_wall());
    output_done(&output);
    if (result == STORE_OK)
        keyring_take_key(home->keyring, wanted);
    else
        faults_refuse(&home->faults, result == STORE_FULL ? ERROR_STORAGE_FULL : ERROR_INTERNAL,
                      "The store could not be written%s.",
                      result == STORE_FULL ? ": the disk is full" : "");
    return result == STORE_OK;
}

static bool make_key(struct key_home *home, struct call *call, struct api_key_row *ret_row)
{
    struct api_key_row *row = &call->api_key;
    if (!row->tenant[0])
        (void)span_copy(SPAN(KEYRING_DEFAULT_TENANT), row->tenant, sizeof row->tenant);
    if (!keyring_has_room(home->keyring, row->tenant, true)) {
        faults_refuse(&home->faults, ERROR_CONFLICT, "There are as many keys as there may be.");
        return false;
    }
    row->created_at = clock_wall();
    key_text_make(row->created_at, row, home->text);
    *ret_row = *row;
    return change(home, &(struct api_key_change){API_KEY_MADE, *row});
}

static bool take_back(struct key_home *home, const struct call *call, struct api_key_row *ret_row)
{
    if (!keyring_key(home->keyring, call->name, ret_row)) {
        faults_refuse(&home->faults, ERROR_NOT_FOUND, "There is no key %.*s.",
                      SPAN_PRINT(call->name));
        return false;
    }
    if (ret_row->revoked_at)
        return true;
    ret_row->revoked_at = clock_wall();
    return change(home, &(struct api_key_change){API_KEY_REVOKED, *ret_row});
}

static void carry_out(struct key_home *home, const struct http_request *http, struct call *call,
                      struct answer *answer)
{
    bool more = false;
    struct span tenant = SPAN("*");
    struct api_key_row *rows = arena_array(&home->arena, struct api_key_row, CALL_LIST_MAX);
    answer->keys = rows;
    answer->key_count = 1;
    if (call->kind == CALL_KEY_MAKE) {
        (void)make_key(home, call, rows);
        answer->key_text = home->text;
    } else if (call->kind == CALL_KEY_REVOKE) {
        (void)take_back(home, call, rows);
    } else {
        (void)http_query(http->query, "tenant", &home->arena, &tenant);
        answer->key_count = keyring_keys(
            home->keyring, span_is(tenant, "*") ? NULL : arena_copy(&home->arena, tenant),
            call->name, call->limit, rows, &more);
        answer->next_name = more ? rows[answer->key_count - 1].id : NULL;
    }
}

/* Through the dialect, in and out, as a server does it. */
static void serve(struct key_home *home, const struct client_request *request,
                  struct http_response *response, struct buffer *body)
{
    struct http_request http = {.method = http_method_find(span_of(request->method)),
                                .body = request->body};
    struct dialect_scene scene = {
        .catalog = home->catalog, .now = clock_wall(), .arena = &home->arena};
    struct answer answer = {.now = scene.now, .request_id = "here"};
    struct call call = {.kind = CALL_KEYS};
    struct route_match match;
    http.query = span_of(request->path);
    (void)span_take(&http.query, '?', &http.path);
    if (!faults_any(&home->faults) &&
        route_find(home->catalog, span_of(request->method), http.path, &match) == ROUTE_FOUND)
        native_dialect.read(&scene, &http, &match, &home->faults, &call);
    if (!faults_any(&home->faults))
        carry_out(home, &http, &call, &answer);
    if (faults_any(&home->faults))
        answer.refusal = &home->faults;
    native_dialect.write(&scene, &call, &answer, body, response);
    call_done(&call);
}

enum key_home_result key_home_ask(const char *home, const struct client_request *request,
                                  bool may_make, struct client_answer *ret_answer)
{
    struct key_home own = {.lock = NULL};
    struct http_response response = {.status = 500};
    char fault[DEPOT_FAULT_SIZE], path[DEPOT_PATH_SIZE], why[JSON_FAULT_SIZE];
    (void)snprintf(path, sizeof path, "%s/reel.db", home);
    if (!may_make && access(path, F_OK) != 0)
        return KEY_HOME_MISSING;
    own.lock = depot_lock(home, fault);
    if (!own.lock && depot_is_locked(home))
        return KEY_HOME_BUSY;
    arena_init(&own.arena);
    faults_init(&own.faults, &own.arena);
    if (!own.lock)
        faults_refuse(&own.faults, ERROR_INTERNAL, "The home can't be used: %s.", fault);
    else
        (void)open_store(&own, home);
    *ret_answer = (struct client_answer){.result = CLIENT_OK};
    buffer_init(&ret_answer->body, BODY_MAX);
    serve(&own, request, &response, &ret_answer->body);
    ret_answer->status = response.status;
    ret_answer->json = json_read(buffer_span(&ret_answer->body), why);
    if (faults_any(&own.faults)) {
        ret_answer->result = CLIENT_REFUSED;
        (void)snprintf(ret_answer->fault, sizeof ret_answer->fault, "%s", own.faults.sentence);
    }
    close_home(&own);
    return KEY_HOME_ANSWERED;
}
