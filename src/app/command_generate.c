/* `reel generate MODEL …`: the model's schema makes the options, the options make the body. */
#include "app/command.h"
#include "app/data_url.h"
#include "app/download.h"
#include "app/follow.h"
#include "app/glyph.h"
#include "app/interrupt.h"
#include "app/job_view.h"
#include "app/nearest.h"
#include "app/parameters.h"
#include "app/send_file.h"
#include "base/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 3, PATH_SIZE = 1024, KEY_SIZE = 48, BODY_MAX = 4 << 20 };

const struct arguments_option command_generate_options[] = {
    {"--param", 'p', "NAME=VALUE", "A parameter by name; VALUE may be @FILE for a text."},
    {"--wait", 'w', NULL, "Follow the job to its end."},
    {"--output", 'o', "FILE|DIR", "Fetch what it made to there; implies --wait."},
    {"--quiet", 'q', NULL, "Show no progress."},
    {"--dry-run", 0, NULL, "Check everything and say the price; make no job."},
    {"--count", 'n', "N", "So many variants, 1 to 8."},
    {"--priority", 0, "P", "low, normal, high, or -100 to 100."},
    {"--idempotency-key", 0, "KEY", "The same key and input give the same job, for a day."},
    {"--depends-on", 0, "ID", "Start after that job succeeded; may stand several times."},
    {"--start-at", 0, "TIME", "ISO time, or seconds from now."},
    {"--deadline", 0, "TIME", "ISO time, or seconds from now; past it the job expires."},
    {"--metadata", 0, "KEY=VALUE", "Given back with the job; may stand several times."},
    {"--provider", 0, "NAME", "The provider to try first."},
    {"--no-fallback", 0, NULL, "And no other."},
    {"--webhook-url", 0, "URL", "Called when the job ends."},
    {0},
};

/* What went up for this request; a lost answer is asked for again with these. */
struct asking_upload {
    const char *path, *url;
    struct asking_upload *next;
};

struct asking {
    struct command_call *call;
    struct arena arena;
    const char *model;
    struct client_answer description; /* of the model */
    struct parameters parameters;
    json_t *body;
    char key[KEY_SIZE];
    size_t carried; /* bytes of files that travel inside the request */
    struct asking_upload *uploads;
    int upload_status; /* of one that failed */
    struct buffer fault;
};

static const char *option(const struct asking *asking, const char *name)
{
    return arguments_value(&asking->call->arguments, name);
}

static bool has(const struct asking *asking, const char *name)
{
    return arguments_count(&asking->call->arguments, name) > 0;
}

/* ---------------------------------------------------------------- the model */

/* The options that say whom to ask are needed before the model's own are known. */
static int connect_first(struct command_call *call)
{
    char *words[ARGUMENTS_MAX];
    int count = 0;
    for (int n = 0; n < call->raw_count && count + 2 < ARGUMENTS_MAX; n++) {
        const char *word = call->raw[n];
        for (const struct arguments_option *known = command_server_options; known->name; known++) {
            size_t size = strlen(known->name);
            bool alone = strcmp(word, known->name) == 0 ||
                         (known->letter && word[0] == '-' && word[1] == known->letter && !word[2]);
            if (alone || (strncmp(word, known->name, size) == 0 && word[size] == '=')) {
                words[count++] = call->raw[n];
                if (alone && n + 1 < call->raw_count)
                    words[count++] = call->raw[n + 1];
            }
        }
    }
    struct command_call first = *call;
    first.arguments.lists[0] = NULL;
    int status = command_read(&first, count, words);
    if (status != COMMAND_SUCCEEDED)
        return status;
    status = command_connect(&first);
    call->client = first.client;
    return status;
}

static void suggest_model(struct asking *asking)
{
    struct client_answer answer;
    struct client_request request = {.method = "GET", .path = "/api/v1/models"};
    struct nearest nearest;
    json_t *item;
    size_t index;
    nearest_init(&nearest, span_of(asking->model));
    if (client_ask(&asking->call->client, &request, &answer) == CLIENT_OK) {
        json_array_foreach(json_object_get(answer.json, "items"), index, item) {
            const char *id = json_string_value(json_object_get(item, "id"));
            if (id)
                nearest_offer(&nearest, id);
        }
    }
    if (nearest.best)
        fprintf(stderr, "Did you mean %s? ", nearest.best);
    fprintf(stderr, "`reel models` lists them all.\n");
    client_answer_done(&answer);
}

static int describe_model(struct asking *asking)
{
    struct buffer path;
    buffer_init(&path, PATH_SIZE * 3);
    buffer_add_text(&path, "/api/v1/models/");
    client_escape(asking->model, true, &path);
    struct client_request request = {.method = "GET", .path = path.failed ? "/" : path.data};
    struct client *client = &asking->call->client;
    int status = COMMAND_SUCCEEDED;
    if (client_ask(client, &request, &asking->description) != CLIENT_OK) {
        status = client_complain(client, &asking->description, asking->call->as_json);
        if (asking->description.status == 404) {
            suggest_model(asking);
            status = COMMAND_USAGE;
        }
    }
    buffer_done(&path);
    return status;
}

static void write_model_help(const struct asking *asking)
{
    const json_t *model = asking->description.json;
    struct buffer text;
    buffer_init(&text, 4096);
    glyph_add(&text, span_of(job_view_text(model, "summary")));
    printf("Usage: reel generate %s [options]\n\n%.*s\n\nParameters of the model:\n", asking->model,
           SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
    command_write_options(asking->parameters.options, stdout);
    printf("\nOptions:\n");
    command_write_options(command_generate_options, stdout);
    command_write_options(command_server_options, stdout);
    command_write_options(command_common_options, stdout);
}

/* ---------------------------------------------------------------- the body */

static void set_new(struct asking *asking, const char *name, json_t *value)
{
    if (value)
        (void)json_object_set_new(asking->body, name, value);
    else
        buffer_print(&asking->fault, "%s: this is no text in UTF-8.", name);
}

/* A whole number as such, anything else as text; the server judges. */
static json_t *number_or_text(const char *text)
{
    int64_t number;
    return span_integer(span_of(text), INT64_MIN, INT64_MAX, &number) ? json_integer(number)
                                                                      : json_string(text);
}

static void add_common(struct asking *asking)
{
    static const struct {
        const char *option, *field;
        bool number;
    } fields[] = {
        {"--count", "count", true},        {"--priority", "priority", true},
        {"--start-at", "startAt", true},   {"--deadline", "deadline", true},
        {"--provider", "provider", false}, {"--webhook-url", "webhookUrl", false},
    };
    for (size_t n = 0; n < sizeof fields / sizeof fields[0]; n++) {
        const char *text = option(asking, fields[n].option);
        if (text)
            set_new(asking, fields[n].field,
                    fields[n].number ? number_or_text(text) : json_string(text));
    }
    if (has(asking, "--no-fallback"))
        set_new(asking, "fallback", json_false());
    if (has(asking, "--dry-run"))
        set_new(asking, "dryRun", json_true());
}

static json_t *child(struct asking *asking, const char *name, json_t *(*make)(void))
{
    json_t *value = json_object_get(asking->body, name);
    if (!value) {
        value = make();
        (void)json_object_set_new(asking->body, name, value);
    }
    return value;
}

/* "NAME=VALUE" of --param and --metadata. */
static bool split_pair(struct asking *asking, const char *text, const char **ret_name,
                       const char **ret_value)
{
    struct span rest = span_of(text), name;
    (void)span_take(&rest, '=', &name);
    if (!rest.data || name.size == 0) {
        buffer_print(&asking->fault, "\"%s\" is not of the form NAME=VALUE.", text);
        return false;
    }
    *ret_name = arena_copy(&asking->arena, name);
    *ret_value = rest.data;
    return true;
}

static bool add_given(struct asking *asking, const struct arguments_given *given)
{
    const char *parameter = parameters_name(&asking->parameters, given->option);
    const char *name = NULL, *value = NULL;
    if (parameter)
        return parameters_set(&asking->parameters, parameter, given->value, false, asking->body,
                              &asking->fault);
    if (strcmp(given->option->name, "--param") == 0)
        return split_pair(asking, given->value, &name, &value) &&
               parameters_set(&asking->parameters, name, value, true, asking->body, &asking->fault);
    if (strcmp(given->option->name, "--metadata") == 0) {
        if (!split_pair(asking, given->value, &name, &value))
            return false;
        json_t *text = json_string(value);
        return text && json_object_set_new(child(asking, "metadata", json_object), name, text) == 0;
    }
    if (strcmp(given->option->name, "--depends-on") == 0)
        return json_array_append_new(child(asking, "dependsOn", json_array),
                                     json_string(given->value)) == 0;
    return true;
}

static const char *carry(struct asking *asking, const char *path, size_t size, struct buffer *fault)
{
    struct buffer url;
    buffer_init(&url, PARAMETERS_FILE_MAX * 2);
    const char *copy = data_url_make(path, PARAMETERS_FILE_MAX, &url, fault)
                           ? arena_copy(&asking->arena, buffer_span(&url))
                           : NULL;
    asking->carried += size;
    buffer_done(&url);
    return copy;
}

/* Small files travel inside the request, so that asking again is the same request; the others go
 * up before it. */
static const char *bring(void *context, const char *path, struct buffer *fault)
{
    struct asking *asking = context;
    char url[SEND_FILE_URL_SIZE];
    struct stat found;
    if (stat(path, &found) == 0 && S_ISREG(found.st_mode) &&
        (size_t)found.st_size <= PARAMETERS_FILE_MAX - asking->carried)
        return carry(asking, path, (size_t)found.st_size, fault);
    asking->upload_status = send_file_run(&asking->call->client, path, has(asking, "--quiet"),
                                          asking->call->as_json, url);
    if (asking->upload_status != COMMAND_SUCCEEDED)
        return NULL;
    struct asking_upload *upload = arena_new(&asking->arena, struct asking_upload);
    *upload =
        (struct asking_upload){path, arena_copy(&asking->arena, span_of(url)), asking->uploads};
    asking->uploads = upload;
    return upload->url;
}

static int make_body(struct asking *asking)
{
    const struct arguments *arguments = &asking->call->arguments;
    asking->body = json_pack("{s:s}", "model", asking->model);
    bool good = asking->body != NULL;
    for (unsigned n = 0; good && n < arguments->given_count; n++)
        good = add_given(asking, &arguments->given[n]);
    if (good)
        add_common(asking);
    if (good && asking->fault.size == 0)
        return COMMAND_SUCCEEDED;
    if (asking->upload_status != COMMAND_SUCCEEDED)
        return asking->upload_status;
    buffer_add_text(&asking->fault, asking->fault.size ? "" : "This is no text in UTF-8.");
    return command_refuse(asking->call, "%.*s", SPAN_PRINT(buffer_span(&asking->fault)));
}

/* ---------------------------------------------------------------- asking */

/* A key of our own makes asking again harmless when an answer was lost. */
static int make_key(struct asking *asking)
{
    const char *given = option(asking, "--idempotency-key");
    unsigned char random[16];
    if (given && !span_copy(span_of(given), asking->key, sizeof asking->key))
        return command_refuse(asking->call, "The idempotency key is longer than %d characters.",
                              KEY_SIZE - 1);
    for (const char *at = asking->key; *at; at++) {
        if (*at <= ' ' || *at > '~')
            return command_refuse(asking->call, "The idempotency key has odd characters.");
    }
    if (!given) {
        memcpy(asking->key, "cli-", 4);
        crypto_random(random, sizeof random);
        crypto_hex(random, sizeof random, asking->key + 4);
    }
    return COMMAND_SUCCEEDED;
}

static int submit(struct asking *asking, struct client_answer *answer)
{
    struct buffer body;
    struct client *client = &asking->call->client;
    buffer_init(&body, BODY_MAX);
    json_canonical(asking->body, &body);
    struct client_request request = {
        .method = "POST",
        .path = "/api/v1/generate",
        .body = buffer_span(&body),
        .key = has(asking, "--dry-run") ? NULL : asking->key,
    };
    enum client_result result = client_ask(client, &request, answer);
    for (int tries = 1; result == CLIENT_UNREACHABLE && answer->sent && tries < TRIES; tries++) {
        client_answer_done(answer);
        interrupt_sleep(500 * tries);
        result = client_ask(client, &request, answer);
    }
    buffer_done(&body);
    if (result == CLIENT_OK)
        return COMMAND_SUCCEEDED;
    int status = client_complain(client, answer, asking->call->as_json);
    if (answer->sent || result == CLIENT_INTERRUPTED)
        fprintf(stderr,
                "Whether the job was accepted is not known. Ask again safely with\n"
                "  --idempotency-key %s\n",
                asking->key);
    for (const struct asking_upload *at = asking->uploads; at && answer->sent; at = at->next)
        fprintf(stderr, "and with %s in place of %s\n", at->url, at->path);
    return status;
}

/* ---------------------------------------------------------------- fetching */

/* Better to hear now than after the work that there is no place for the result. */
static int check_place(const struct asking *asking)
{
    char folder[DOWNLOAD_PATH_SIZE];
    struct stat found;
    struct span output = span_of(option(asking, "--output"));
    if (output.size == 0)
        return has(asking, "--output") ? command_refuse(asking->call, "--output is empty.")
                                       : COMMAND_SUCCEEDED;
    if (!span_copy(output, folder, sizeof folder))
        return command_refuse(asking->call, "The path of --output is too long.");
    if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode)) {
        char *slash = strrchr(folder, '/');
        if (slash)
            slash[slash == folder] = '\0';
        else
            memcpy(folder, ".", 2);
    }
    if (access(folder, W_OK | X_OK) != 0)
        return command_refuse(asking->call, "Nothing can be written into %s: %s.", folder,
                              strerror(errno));
    return COMMAND_SUCCEEDED;
}

/* Where output `n` of a job goes. */
static bool place(const struct asking *asking, const char *id, const char *url, size_t n,
                  char target[static DOWNLOAD_PATH_SIZE])
{
    const char *output = option(asking, "--output");
    char name[256], number[32] = "";
    struct stat stat_now;
    struct span whole = span_of(output);
    bool is_folder =
        span_ends(whole, "/") || (stat(output, &stat_now) == 0 && S_ISDIR(stat_now.st_mode));
    if (is_folder) {
        if (!download_name(url, name, sizeof name))
            return false;
        while (whole.size > 1 && span_ends(whole, "/"))
            whole.size--;
        return snprintf(target, DOWNLOAD_PATH_SIZE, "%.*s/%s-%s", SPAN_PRINT(whole), id, name) <
               DOWNLOAD_PATH_SIZE;
    }
    /* Of several outputs the further ones get a number before the extension. */
    const char *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    size_t stem = dot && (!slash || dot > slash + 1) ? (size_t)(dot - output) : whole.size;
    if (n > 0)
        (void)snprintf(number, sizeof number, "-%zu", n + 1);
    return snprintf(target, DOWNLOAD_PATH_SIZE, "%.*s%s%s", (int)stem, output, number,
                    output + stem) < DOWNLOAD_PATH_SIZE;
}

static bool fetch_job(struct asking *asking, const struct follow_job *job, size_t *place_number)
{
    const json_t *outputs = json_object_get(json_object_get(job->status, "result"), "outputs");
    json_t *output;
    size_t index;
    json_array_foreach(outputs, index, output) {
        char path[DOWNLOAD_PATH_SIZE];
        struct download download = {job_view_text(output, "url"), path,
                                    job_view_number(output, "fileSizeBytes", -1),
                                    job_view_text(output, "sha256")};
        buffer_clear(&asking->fault);
        if (!place(asking, job->id, download.url, (*place_number)++, path))
            buffer_print(&asking->fault, "%s has no name that a file can have.", download.url);
        else if (download_run(&asking->call->client, &download, &asking->fault)) {
            if (!asking->call->as_json)
                printf("%s\n", path);
            continue;
        }
        fprintf(stderr, "reel: %.*s\nThe job %s has it still.\n",
                SPAN_PRINT(buffer_span(&asking->fault)), job->id);
        return false;
    }
    return true;
}

static void say_end(struct asking *asking, const struct follow_job *job)
{
    if (job_view_exit(job->status) != COMMAND_SUCCEEDED) {
        fprintf(stderr, "reel: %s: ", job->id);
        command_print(stderr, job_view_fault(job->status, &asking->arena));
    } else if (!option(asking, "--output") && !asking->call->as_json) {
        const json_t *result = json_object_get(job->status, "result");
        const char *url = job_view_text(result, "url");
        command_print(stdout, arena_print(&asking->arena, "%s%s",
                                          url[0] == '/' ? asking->call->client.base : "", url));
    }
}

static int follow(struct asking *asking, const json_t *accepted)
{
    static struct follow follow;
    const json_t *ids = json_object_get(accepted, "jobIds"), *id;
    size_t index, place_number = 0;
    bool good = true;
    follow_init(&follow, &asking->call->client);
    follow.is_quiet = has(asking, "--quiet");
    follow.is_known = true;
    if (!json_array_size(ids))
        good = follow_add(&follow, job_view_text(accepted, "jobId"));
    json_array_foreach(ids, index, id)
        good = good && follow_add(&follow, json_string_value(id) ? json_string_value(id) : "");
    int status = good ? follow_run(&follow, asking->call->as_json) : COMMAND_UNREACHABLE;
    if (!good)
        fprintf(stderr, "reel: the server's answer names no job\n");
    bool all = good && status != COMMAND_INTERRUPTED && status != COMMAND_UNREACHABLE;
    for (unsigned n = 0; all && n < follow.count && follow.jobs[n].ended; n++) {
        say_end(asking, &follow.jobs[n]);
        if (option(asking, "--output") && !fetch_job(asking, &follow.jobs[n], &place_number))
            status = interrupt_seen() ? COMMAND_INTERRUPTED : COMMAND_FAILED;
        if (asking->call->as_json)
            printf("%.*s\n", SPAN_PRINT(buffer_span(&follow.jobs[n].body)));
    }
    follow_done(&follow);
    return status;
}

static void say_accepted(const struct asking *asking, const struct client_answer *answer)
{
    const char *id = job_view_text(answer->json, "jobId");
    int64_t seconds = job_view_number(answer->json, "estimatedTimeSeconds", -1);
    if (asking->call->as_json) {
        command_print_json(answer);
        return;
    }
    command_print(stdout, id);
    if (seconds >= 0)
        fprintf(stderr, "Accepted; about %lld s. `reel watch %s` follows it.\n", (long long)seconds,
                id);
    else
        fprintf(stderr, "Accepted. `reel watch %s` follows it.\n", id);
}

static void say_quote(const struct asking *asking, const struct client_answer *answer)
{
    const json_t *price = json_object_get(answer->json, "price");
    const json_t *least = json_object_get(price, "min"), *most = json_object_get(price, "max");
    if (asking->call->as_json) {
        command_print_json(answer);
        return;
    }
    printf("Valid. ");
    if (!json_is_true(json_object_get(answer->json, "configured")))
        printf("No provider of it is configured. ");
    if (!price || json_is_null(price))
        printf("The price is unknown");
    else if (json_number_value(most) == 0)
        printf("Free of charge");
    else if (json_number_value(least) == json_number_value(most))
        printf("%.4g %s", json_number_value(most), job_view_text(price, "currency"));
    else
        printf("%.4g to %.4g %s", json_number_value(least), json_number_value(most),
               job_view_text(price, "currency"));
    printf("; about %lld s.\n",
           (long long)job_view_number(answer->json, "estimatedTimeSeconds", 0));
}

static int ask(struct asking *asking)
{
    struct client_answer answer;
    int status = submit(asking, &answer);
    if (status == COMMAND_SUCCEEDED) {
        bool waits = has(asking, "--wait") || has(asking, "--output");
        if (has(asking, "--dry-run"))
            say_quote(asking, &answer);
        else if (waits)
            status = follow(asking, answer.json);
        else
            say_accepted(asking, &answer);
    }
    client_answer_done(&answer);
    return status;
}

static bool wants_help(const struct command_call *call)
{
    for (int n = 0; n < call->raw_count; n++) {
        if (strcmp(call->raw[n], "--help") == 0 || strcmp(call->raw[n], "-h") == 0)
            return true;
    }
    return false;
}

static int run(struct asking *asking)
{
    struct command_call *call = asking->call;
    int status = connect_first(call);
    if (status == COMMAND_SUCCEEDED)
        status = describe_model(asking);
    if (status != COMMAND_SUCCEEDED)
        return status;
    const json_t *schema = json_object_get(asking->description.json, "parameters");
    parameters_init(&asking->parameters, schema, &asking->arena);
    asking->parameters.bring = bring;
    asking->parameters.context = asking;
    if (wants_help(call)) {
        write_model_help(asking);
        return COMMAND_SUCCEEDED;
    }
    /* The general options come first, so a parameter of such a name is reached by --param. */
    call->arguments =
        (struct arguments){.lists = {command_generate_options, asking->parameters.options}};
    status = command_read(call, call->raw_count - 1, call->raw + 1);
    if (status == COMMAND_SUCCEEDED && call->arguments.word_count > 0)
        status = command_refuse(call, "\"%s\" is too much.", call->arguments.words[0]);
    if (status == COMMAND_SUCCEEDED)
        status = make_body(asking);
    if (status == COMMAND_SUCCEEDED)
        status = make_key(asking);
    if (status == COMMAND_SUCCEEDED)
        status = check_place(asking);
    return status == COMMAND_SUCCEEDED ? ask(asking) : status;
}

int command_generate_run(struct command_call *call)
{
    struct asking asking = {.call = call, .model = call->raw_count > 0 ? call->raw[0] : ""};
    if (call->raw_count > 0 && wants_help(call) && asking.model[0] == '-') {
        command_write_help(call->command, stdout);
        return COMMAND_SUCCEEDED;
    }
    if (call->raw_count == 0 || asking.model[0] == '-')
        return command_refuse(call, "The model comes first: reel generate MODEL [options]");
    arena_init(&asking.arena);
    buffer_init(&asking.fault, 8192);
    int status = run(&asking);
    json_decref(asking.body);
    client_answer_done(&asking.description);
    buffer_done(&asking.fault);
    arena_done(&asking.arena);
    return status;
}
