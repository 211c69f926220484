#include "app/client.h"

#include "app/command.h"
#include "app/config_file.h"
#include "app/glyph.h"
#include "app/interrupt.h"
#include "app/token.h"
#include "base/memory.h"
#include "edge/network.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVER_DEFAULT "http://127.0.0.1:8080"

enum { TOKEN_MAX = 4096, CONNECT_S = 5, TIMEOUT_S = 30, ERROR_SNIPPET = 120 };

/* ---------------------------------------------------------------- whom to ask, and as whom */

static bool set_base(struct client *client, const char *server, struct buffer *fault)
{
    struct span text = span_trim(span_of(server));
    while (span_ends(text, "/"))
        text.size--;
    const char *scheme = strstr(server, "://") ? "" : "http://";
    int size = snprintf(client->base, sizeof client->base, "%s%.*s", scheme, SPAN_PRINT(text));
    bool good =
        size > 0 && (size_t)size < sizeof client->base &&
        (strncmp(client->base, "http://", 7) == 0 || strncmp(client->base, "https://", 8) == 0) &&
        strpbrk(client->base, " ?#\t\r\n") == NULL;
    if (!good)
        buffer_print(fault, "\"%s\" is no server; give it as http://127.0.0.1:8080.", server);
    return good;
}

/* Whether the base is on this machine; only such a server may see the key of the local home. */
static bool base_is_loopback(const struct client *client)
{
    struct network_address address;
    struct span host = span_of(strstr(client->base, "://") + 3);
    ptrdiff_t slash = span_find(host, '/');
    if (slash >= 0)
        host.size = (size_t)slash;
    if (host.size > 0 && host.data[0] == '[') {
        ptrdiff_t end = span_find(host, ']');
        host = span_make(host.data + 1, end > 0 ? (size_t)end - 1 : 0);
    } else if (span_find(host, ':') >= 0) {
        host.size = (size_t)span_find(host, ':');
    }
    if (span_is_nocase(host, "localhost"))
        return true;
    return network_address_read(host, &address) && network_address_is_loopback(&address);
}

static bool read_token_file(struct client *client, const char *path, struct buffer *fault)
{
    struct arena arena;
    struct span text;
    arena_init(&arena);
    bool good = config_file_load(path, TOKEN_MAX, &arena, &text);
    if (!good) {
        buffer_print(fault, "The key's file %s can't be read: %s.", path, strerror(errno));
    } else {
        size_t size = text.size;
        while (span_ends(text, "\n") || span_ends(text, "\r"))
            text.size--;
        good = text.size > 0;
        if (good)
            client->token = secret_make(text);
        else
            buffer_print(fault, "The key's file %s is empty.", path);
        explicit_bzero((void *)(uintptr_t)text.data, size);
    }
    arena_done(&arena);
    return good;
}

static bool set_token(struct client *client, const struct client_options *options,
                      struct buffer *fault)
{
    const char *token = getenv("AUTH_TOKEN"), *file = options->token_file;
    if (!file && token && token[0]) {
        client->token = secret_make(span_of(token));
        return true;
    }
    if (!file)
        file = getenv("AUTH_TOKEN_FILE");
    if (!file || !file[0])
        file = getenv("REEL_TOKEN_FILE");
    if (file && file[0])
        return read_token_file(client, file, fault);
    if (options->home && base_is_loopback(client))
        client->token = token_read(options->home);
    return true;
}

bool client_open(struct client *client, const struct client_options *options, struct buffer *fault)
{
    const char *server = options->server ? options->server : getenv("REEL_SERVER");
    *client = (struct client){0};
    if (!set_base(client, server && server[0] ? server : SERVER_DEFAULT, fault) ||
        !set_token(client, options, fault))
        return false;
    for (size_t n = 0; n < client->token.size; n++) {
        if (iscntrl((unsigned char)client->token.bytes[n])) {
            buffer_add_text(fault, "The key holds a line break or another control character.");
            return false;
        }
    }
    client->handle = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (!client->handle)
        buffer_add_text(fault, "libcurl does not start.");
    return client->handle != NULL;
}

void client_close(struct client *client)
{
    if (client->handle)
        curl_easy_cleanup(client->handle);
    secret_done(&client->token);
    *client = (struct client){0};
}

/* ---------------------------------------------------------------- one call */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct buffer *body = context;
    buffer_add(body, span_make(data, size * count));
    return body->failed ? 0 : size * count;
}

static int check_interrupt(void *context, curl_off_t fetch_size, curl_off_t fetched,
                           curl_off_t size, curl_off_t sent)
{
    const struct client_file *file = context;
    if (file && file->progress)
        file->progress(file->context, (uint64_t)sent, file->size);
    return interrupt_seen() ? 1 : 0;
}

static size_t give_file(char *data, size_t size, size_t count, void *context)
{
    const struct client_file *file = context;
    ssize_t got = read(file->fd, data, size * count);
    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* As long as bytes move it may take its time. */
static void set_file(CURL *curl, const struct client_file *file)
{
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)file->size);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_file);
    curl_easy_setopt(curl, CURLOPT_READDATA, file);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, file);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 0L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)TIMEOUT_S);
}

static struct curl_slist *make_headers(const struct client *client,
                                       const struct client_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
    struct buffer line;
    buffer_init(&line, TOKEN_MAX + 200);
    /* A file that is refused had better not be sent first. */
    if (!request->file)
        list = curl_slist_append(list, "Expect:");
    else
        list = curl_slist_append(list, "Content-Type: application/octet-stream");
    if (request->body.size > 0)
        list = curl_slist_append(list, "Content-Type: application/json");
    if (request->key) {
        buffer_print(&line, "Idempotency-Key: %s", request->key);
        list = curl_slist_append(list, line.data);
    }
    if (client->token.size > 0) {
        buffer_clear(&line);
        buffer_add_text(&line, "Authorization: Bearer ");
        buffer_add(&line, span_make(client->token.bytes, client->token.size));
        list = curl_slist_append(list, line.data);
        explicit_bzero(line.data, line.size);
    }
    buffer_done(&line);
    return list;
}

static void explain_silence(const struct client *client, CURLcode code, const char *detail,
                            struct client_answer *answer)
{
    answer->result = CLIENT_UNREACHABLE;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        answer->result = CLIENT_INTERRUPTED;
    const char *why = detail[0] ? detail : curl_easy_strerror(code);
    (void)snprintf(answer->fault, sizeof answer->fault, "No answer from %.200s: %.400s.",
                   client->base, why);
    /* Before these, no byte of a request leaves. */
    answer->sent = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST &&
                   code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL &&
                   code != CURLE_SSL_CONNECT_ERROR && code != CURLE_PEER_FAILED_VERIFICATION;
}

static void judge(const struct client *client, struct client_answer *answer)
{
    char why[JSON_FAULT_SIZE];
    if (answer->body.size > 0)
        answer->json = json_read(buffer_span(&answer->body), why);
    if (answer->status >= 200 && answer->status < 300) {
        answer->result = CLIENT_OK;
        return;
    }
    const char *error = json_string_value(json_object_get(answer->json, "error"));
    if (error && json_object_get(answer->json, "errorCode")) {
        answer->result = CLIENT_REFUSED;
        (void)snprintf(answer->fault, sizeof answer->fault, "%.950s", error);
        return;
    }
    answer->result = CLIENT_UNREACHABLE;
    (void)snprintf(answer->fault, sizeof answer->fault,
                   "%.200s answered with HTTP status %d, and not as reel does.", client->base,
                   answer->status);
}

static CURLcode run(CURL *curl, const struct client *client, const struct client_request *request,
                    const char *url, struct client_answer *answer)
{
    struct curl_slist *headers = make_headers(client, request);
    long timeout = request->timeout_s ? request->timeout_s : TIMEOUT_S, status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "reel/" REEL_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_interrupt);
    if (request->file)
        set_file(curl, request->file);
    if (request->body.size > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    curl_slist_free_all(headers);
    return code;
}

enum client_result client_ask(struct client *client, const struct client_request *request,
                              struct client_answer *ret_answer)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct buffer url;
    CURL *curl = client->handle;
    *ret_answer = (struct client_answer){0};
    buffer_init(&ret_answer->body, CLIENT_ANSWER_MAX);
    buffer_init(&url, CLIENT_URL_SIZE * 4);
    buffer_print(&url, "%s%s", client->base, request->path);
    if (url.failed) {
        ret_answer->result = CLIENT_UNREACHABLE;
        (void)snprintf(ret_answer->fault, CLIENT_FAULT_SIZE, "The address is too long.");
        buffer_done(&url);
        return ret_answer->result;
    }
    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = run(curl, client, request, url.data, ret_answer);
    if (code != CURLE_OK)
        explain_silence(client, code, detail, ret_answer);
    else
        judge(client, ret_answer);
    buffer_done(&url);
    return ret_answer->result;
}

void client_answer_done(struct client_answer *answer)
{
    json_decref(answer->json);
    buffer_done(&answer->body);
    *answer = (struct client_answer){0};
}

/* ---------------------------------------------------------------- what went wrong, for people */

static void say_details(const json_t *details, struct buffer *text)
{
    size_t index;
    json_t *item;
    json_array_foreach(details, index, item) {
        const char *field = json_string_value(json_object_get(item, "field"));
        const char *problem = json_string_value(json_object_get(item, "problem"));
        const char *allowed = json_string_value(json_object_get(item, "allowed"));
        buffer_add_text(text, "  ");
        glyph_add(text, span_of(field ? field : ""));
        buffer_add_text(text, field ? " " : "");
        glyph_add(text, span_of(problem ? problem : "is wrong"));
        if (allowed) {
            buffer_add_text(text, "; allowed: ");
            glyph_add(text, span_of(allowed));
        }
        buffer_add_byte(text, '\n');
    }
}

static const char *hint(const struct client *client, const struct client_answer *answer)
{
    if (answer->result == CLIENT_UNREACHABLE)
        return "Is it running? `reel serve` starts one; --server or REEL_SERVER names another.\n";
    if (answer->status == 401)
        return client->token.size > 0
                   ? "The key that was sent came from AUTH_TOKEN, --token-file or the home.\n"
                   : "Set AUTH_TOKEN, or name the key's file with --token-file.\n";
    return "";
}

static int status_of(const struct client_answer *answer)
{
    if (answer->result == CLIENT_INTERRUPTED)
        return COMMAND_INTERRUPTED;
    if (answer->result == CLIENT_UNREACHABLE)
        return COMMAND_UNREACHABLE;
    return answer->status == 400 ? COMMAND_USAGE : COMMAND_FAILED;
}

int client_complain(const struct client *client, const struct client_answer *answer, bool as_json)
{
    struct buffer text;
    buffer_init(&text, 256 * 1024);
    if (as_json && answer->result == CLIENT_REFUSED) {
        printf("%.*s\n", SPAN_PRINT(buffer_span(&answer->body)));
    } else if (answer->result == CLIENT_INTERRUPTED) {
        buffer_add_text(&text, "reel: interrupted\n");
    } else {
        const json_t *details = json_object_get(answer->json, "details");
        buffer_add_text(&text, "reel: ");
        glyph_add(&text, span_of(answer->fault));
        buffer_add_byte(&text, '\n');
        /* A single fault stands in the sentence already. */
        if (json_array_size(details) > 1)
            say_details(details, &text);
        buffer_add_text(&text, hint(client, answer));
    }
    fprintf(stderr, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
    return status_of(answer);
}

void client_escape(const char *text, bool keep_slash, struct buffer *target)
{
    for (const char *at = text; *at; at++) {
        if (isalnum((unsigned char)*at) || strchr("-._~:,", *at) || (*at == '/' && keep_slash))
            buffer_add_byte(target, *at);
        else
            buffer_print(target, "%%%02X", (unsigned char)*at);
    }
}

bool client_is_own(const struct client *client, const char *url)
{
    size_t size = strlen(client->base);
    return url[0] == '/' ||
           (strncmp(url, client->base, size) == 0 && (url[size] == '/' || url[size] == '\0'));
}
