/* `reel keys create`, `reel keys list`, `reel keys revoke ID…` */
#include "app/command.h"
#include "app/config.h"
#include "app/config_value.h"
#include "app/human.h"
#include "app/job_view.h"
#include "app/key_home.h"
#include "app/table.h"
#include "base/id.h"
#include "depot/depot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 2048, PAGE = 200, SCOPES_SHOWN = 200, ROWS_MAX = TABLE_ROWS_MAX };

const struct arguments_option command_keys_options[] = {
    {"--name", 'n', "TEXT", "create: what the key is for, for people."},
    {"--tenant", 't', "NAME", "Whose (else the caller's own; lists show all that may be seen)."},
    {"--scope", 0, "SCOPES", "create: what it may do, by commas (generate,read,cancel)."},
    {"--rate", 0, "N", "create: requests a minute."},
    {"--spend-limit", 0, "USD", "create: dollars that it may spend."},
    {"--expires", 0, "TIME", "create: an ISO time, or from now, as 90d or 12h."},
    {0},
};

extern char **environ;

/* ---------------------------------------------------------------- whom to ask */

/* The home that was named, by an option or by REEL_HOME; NULL: none was. */
static const char *named_home(const struct command_call *call)
{
    const char *home = arguments_value(&call->arguments, "--home");
    return home ? home : getenv("REEL_HOME");
}

static bool names_server(const struct command_call *call)
{
    const char *server = getenv("REEL_SERVER");
    return arguments_value(&call->arguments, "--server") || (server && server[0]);
}

/* The named home itself, if no server runs there; else a server; else, when none answers, the
 * default home. A server that is named is the only one asked. */
static enum client_result ask(struct command_call *call, const struct client_request *request,
                              bool may_make, struct client_answer *ret_answer)
{
    const char *home = named_home(call);
    if (!names_server(call) && home && home[0] &&
        key_home_ask(home, request, may_make, ret_answer) == KEY_HOME_ANSWERED)
        return ret_answer->result;
    enum client_result result = client_ask(&call->client, request, ret_answer);
    if (result != CLIENT_UNREACHABLE || ret_answer->sent || names_server(call) || home)
        return result;
    struct arena arena;
    struct client_answer instead;
    arena_init(&arena);
    home = config_home((const char *const *)environ, &arena);
    if (key_home_ask(home, request, false, &instead) == KEY_HOME_ANSWERED) {
        client_answer_done(ret_answer);
        *ret_answer = instead;
        result = instead.result;
    }
    arena_done(&arena);
    return result;
}

static int complain(struct command_call *call, const struct client_answer *answer)
{
    int status = client_complain(&call->client, answer, call->as_json);
    const char *home = named_home(call);
    if (answer->result != CLIENT_UNREACHABLE || call->as_json)
        return status;
    if (home && depot_is_locked(home))
        fprintf(stderr, "A server runs on that home, but does not answer there.\n");
    else
        fprintf(stderr, "Without a server, `reel keys create --home DIR` changes, or makes, that "
                        "home itself.\n");
    return status;
}

/* ---------------------------------------------------------------- create */

/* ISO, or a time from now in the configuration's words. */
static bool add_expiry(const struct command_call *call, json_t *body)
{
    const char *text = arguments_value(&call->arguments, "--expires");
    ms_t at, from_now;
    if (!text)
        return true;
    if (config_value_duration(span_of(text), &from_now))
        (void)json_object_set_new(body, "expiresAt", json_integer(from_now / MS_SECOND));
    else if (time_read_iso(span_of(text), &at))
        (void)json_object_set_new(body, "expiresAt", json_string(text));
    else
        return false;
    return true;
}

static void add_scopes(const struct command_call *call, json_t *body)
{
    struct span rest = span_of(arguments_value(&call->arguments, "--scope")), name;
    if (!rest.size)
        return;
    json_t *list = json_array();
    while (span_take(&rest, ',', &name)) {
        name = span_trim(name);
        (void)json_array_append_new(list, json_stringn(name.data, name.size));
    }
    (void)json_object_set_new(body, "scopes", list);
}

/* The body of the request; NULL when a fault was said and *ret_status is what to end with. */
static json_t *make_body(struct command_call *call, int *ret_status)
{
    const struct arguments *arguments = &call->arguments;
    const char *name = arguments_value(arguments, "--name");
    const char *tenant = arguments_value(arguments, "--tenant");
    const char *rate = arguments_value(arguments, "--rate");
    const char *spend = arguments_value(arguments, "--spend-limit");
    int64_t number = 0;
    double dollars = 0;
    json_t *body = json_object();
    if (name)
        (void)json_object_set_new(body, "name", json_string(name));
    if (tenant)
        (void)json_object_set_new(body, "tenant", json_string(tenant));
    add_scopes(call, body);
    *ret_status = COMMAND_SUCCEEDED;
    if (rate && !span_integer(span_of(rate), 0, 1000000, &number))
        *ret_status = command_refuse(call, "--rate is \"%s\"; allowed: 0 to 1000000", rate);
    else if (spend && !span_number(span_of(spend), &dollars))
        *ret_status = command_refuse(call, "--spend-limit is \"%s\"; allowed: dollars", spend);
    else if (!add_expiry(call, body))
        *ret_status = command_refuse(call,
                                     "--expires is \"%s\"; allowed: an ISO time, or from "
                                     "now, as 90d or 12h",
                                     arguments_value(arguments, "--expires"));
    if (rate)
        (void)json_object_set_new(body, "requestsPerMinute", json_integer(number));
    if (spend)
        (void)json_object_set_new(body, "spendLimit", json_real(dollars));
    if (*ret_status == COMMAND_SUCCEEDED)
        return body;
    json_decref(body);
    return NULL;
}

static int create(struct command_call *call)
{
    int status;
    struct client_answer answer;
    struct buffer text;
    json_t *body = make_body(call, &status);
    if (!body)
        return status;
    buffer_init(&text, PATH_SIZE * 4);
    json_canonical(body, &text);
    json_decref(body);
    struct client_request request = {
        .method = "POST", .path = "/api/v1/keys", .body = buffer_span(&text)};
    if (ask(call, &request, true, &answer) != CLIENT_OK) {
        status = complain(call, &answer);
    } else if (call->as_json) {
        command_print_json(&answer);
    } else {
        command_print(stdout, job_view_text(answer.json, "key"));
        fprintf(stderr, "%s of tenant %s. Keep the key: it is shown only now.\n",
                job_view_text(answer.json, "id"), job_view_text(answer.json, "tenant"));
    }
    client_answer_done(&answer);
    buffer_done(&text);
    return status;
}

/* ---------------------------------------------------------------- list */

enum {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_TENANT,
    COLUMN_START,
    COLUMN_SCOPES,
    COLUMN_STATUS,
    COLUMN_USED,
    COLUMNS
};

static const struct table_column columns[COLUMNS] = {
    [COLUMN_ID] = {"KEY", false, false, 0},       [COLUMN_NAME] = {"NAME", false, true, 6},
    [COLUMN_TENANT] = {"TENANT", false, true, 6}, [COLUMN_START] = {"STARTS WITH", false, false, 0},
    [COLUMN_SCOPES] = {"SCOPES", false, true, 8}, [COLUMN_STATUS] = {"STATUS", false, false, 0},
    [COLUMN_USED] = {"USED", true, false, 0},
};

static const char *list_scopes(const json_t *item, struct arena *arena)
{
    size_t index;
    json_t *scope;
    const char *text = "";
    json_array_foreach(json_object_get(item, "scopes"), index, scope)
        text = arena_print(arena, "%s%s%.*s", text, index ? "," : "", SCOPES_SHOWN,
                           json_string_value(scope) ? json_string_value(scope) : "");
    return text;
}

static void add_row(struct table *table, const json_t *item, ms_t now, struct arena *arena)
{
    struct table_cell cells[COLUMNS] = {{0}};
    char age[HUMAN_SIZE];
    ms_t used = job_view_time(item, "lastUsedAt");
    const char *status = job_view_text(item, "status");
    human_span(now > used ? now - used : 0, age);
    cells[COLUMN_ID].text = job_view_text(item, "id");
    cells[COLUMN_NAME].text = job_view_text(item, "name");
    cells[COLUMN_TENANT].text = job_view_text(item, "tenant");
    cells[COLUMN_START].text = job_view_text(item, "prefix");
    cells[COLUMN_SCOPES].text = list_scopes(item, arena);
    cells[COLUMN_STATUS] =
        (struct table_cell){status, strcmp(status, "active") == 0 ? TERMINAL_PLAIN : TERMINAL_DIM};
    cells[COLUMN_USED].text = used ? arena_copy(arena, span_of(age)) : "never";
    table_add(table, cells);
}

static void write_table(const json_t *items)
{
    if (json_array_size(items) == 0)
        fprintf(stderr, "No keys.\n");
    else
        command_write_table(columns, COLUMNS, items, add_row);
}

/* Page after page. `tenant` is NULL for the caller's own. */
static int collect(struct command_call *call, const char *tenant, json_t *items, bool *ret_barred)
{
    char cursor[128] = "";
    do {
        struct client_answer answer;
        struct buffer path;
        buffer_init(&path, PATH_SIZE);
        buffer_print(&path, "/api/v1/keys?limit=%d&cursor=%s", PAGE, cursor);
        if (tenant) {
            buffer_add_text(&path, "&tenant=");
            client_escape(tenant, false, &path);
        }
        struct client_request request = {.method = "GET", .path = path.failed ? "/" : path.data};
        enum client_result result = ask(call, &request, false, &answer);
        buffer_done(&path);
        *ret_barred = result == CLIENT_REFUSED && answer.status == 403;
        int status = result == CLIENT_OK ? COMMAND_SUCCEEDED : COMMAND_FAILED;
        if (status != COMMAND_SUCCEEDED && !(*ret_barred && tenant && tenant[0] == '*'))
            status = complain(call, &answer);
        (void)json_array_extend(items, json_object_get(answer.json, "items"));
        (void)span_copy(json_span(json_object_get(answer.json, "nextCursor")), cursor,
                        sizeof cursor);
        client_answer_done(&answer);
        if (status != COMMAND_SUCCEEDED)
            return status;
    } while (cursor[0] && json_array_size(items) < ROWS_MAX);
    return COMMAND_SUCCEEDED;
}

/* All that the caller may see: an operator everybody's, another its own tenant's. */
static int list(struct command_call *call)
{
    const char *tenant = arguments_value(&call->arguments, "--tenant");
    bool barred = false;
    json_t *items = json_array();
    int status = collect(call, tenant ? tenant : "*", items, &barred);
    if (barred && !tenant)
        status = collect(call, NULL, items, &barred);
    if (status == COMMAND_SUCCEEDED && call->as_json) {
        struct buffer json;
        buffer_init(&json, CLIENT_ANSWER_MAX);
        json_canonical(items, &json);
        printf("{\"items\":%.*s}\n", SPAN_PRINT(buffer_span(&json)));
        buffer_done(&json);
    } else if (status == COMMAND_SUCCEEDED) {
        write_table(items);
    }
    json_decref(items);
    return status;
}

/* ---------------------------------------------------------------- revoke */

static int take_back(struct command_call *call, const char *id)
{
    static const char *const everywhere[] = {"?tenant=*", ""};
    const char *tenant = arguments_value(&call->arguments, "--tenant");
    int status = COMMAND_FAILED;
    for (int n = tenant ? 1 : 0; n < 2; n++) {
        struct client_answer answer;
        struct buffer path;
        buffer_init(&path, PATH_SIZE);
        buffer_print(&path, "/api/v1/keys/%s%s", id, everywhere[n]);
        if (tenant) {
            buffer_add_text(&path, "?tenant=");
            client_escape(tenant, false, &path);
        }
        struct client_request request = {.method = "DELETE", .path = path.failed ? "/" : path.data};
        enum client_result result = ask(call, &request, false, &answer);
        bool barred = result == CLIENT_REFUSED && answer.status == 403 && n == 0;
        status = COMMAND_SUCCEEDED;
        if (result != CLIENT_OK && !barred)
            status = complain(call, &answer);
        else if (call->as_json && !barred)
            command_print_json(&answer);
        else if (!barred)
            printf("%s  revoked\n", id);
        client_answer_done(&answer);
        buffer_done(&path);
        if (!barred)
            break;
    }
    return status;
}

static int revoke_all(struct command_call *call)
{
    const struct arguments *arguments = &call->arguments;
    int64_t key;
    int first = COMMAND_SUCCEEDED;
    if (arguments->word_count < 2)
        return command_refuse(call, "Something is missing: reel keys revoke ID...");
    for (unsigned n = 1; n < arguments->word_count; n++) {
        if (!id_read(span_of(arguments->words[n]), "key_", &key))
            return command_refuse(call, "\"%s\" is no key's id; `reel keys list` shows them.",
                                  arguments->words[n]);
    }
    for (unsigned n = 1; n < arguments->word_count; n++) {
        int status = take_back(call, arguments->words[n]);
        first = first == COMMAND_SUCCEEDED ? status : first;
        if (status == COMMAND_UNREACHABLE || status == COMMAND_INTERRUPTED)
            break;
    }
    return first;
}

int command_keys_run(struct command_call *call)
{
    const char *act = call->arguments.words[0];
    bool is_revoke = strcmp(act, "revoke") == 0;
    if (!is_revoke && call->arguments.word_count > 1)
        return command_refuse(call, "\"%s\" is too much.", call->arguments.words[1]);
    if (is_revoke)
        return revoke_all(call);
    if (strcmp(act, "create") == 0)
        return create(call);
    if (strcmp(act, "list") == 0)
        return list(call);
    return command_refuse(call, "\"%s\" is none of create, list and revoke.", act);
}
