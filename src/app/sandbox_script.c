#include "app/sandbox_script.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/sniff.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_MAX = 1000000000, RETRY_AFTER_MAX = 86400, NAME_MAX_SIZE = 128 };

#define CALL(name)  (1u << SANDBOX_##name)
#define FAULT(name) (1u << SANDBOX_FAULT_##name)

enum {
    CALLS_ANSWERED =
        CALL(CREATE) | CALL(STATUS) | CALL(RESULT) | CALL(CANCEL) | CALL(FIND) | CALL(FILE),
    FAULTS_ANSWER = FAULT(STATUS) | FAULT(LOST_BEFORE) | FAULT(LOST_AFTER) | FAULT(EXPIRED_LINK),
    FAULTS_END = FAULT(FAIL) | FAULT(MODERATION) | FAULT(CANNED)
};

/* What each fault may befall, and the keys that it has of its own. */
static const struct {
    unsigned calls;
    const char *keys[3];
} kinds[] = {
    [SANDBOX_FAULT_DELAY] = {CALLS_ANSWERED, {"ms"}},
    [SANDBOX_FAULT_STATUS] = {CALLS_ANSWERED, {"status", "retryAfter"}},
    [SANDBOX_FAULT_LOST_BEFORE] = {CALLS_ANSWERED, {NULL}},
    [SANDBOX_FAULT_LOST_AFTER] = {CALL(CREATE), {NULL}},
    [SANDBOX_FAULT_EXPIRED_LINK] = {CALL(FILE), {NULL}},
    [SANDBOX_FAULT_FAIL] = {CALL(CREATE), {"ms", "text"}},
    [SANDBOX_FAULT_MODERATION] = {CALL(CREATE), {"ms", "text"}},
    [SANDBOX_FAULT_CANNED] = {CALL(CREATE), {"ms", "file"}},
    [SANDBOX_FAULT_DUPLICATE] = {CALL(CALLBACK), {NULL}},
    [SANDBOX_FAULT_LATE] = {CALL(CALLBACK), {"ms"}},
    [SANDBOX_FAULT_FORGED] = {CALL(CALLBACK), {NULL}},
    [SANDBOX_FAULT_DROPPED] = {CALL(CALLBACK), {NULL}},
};
_Static_assert(sizeof kinds / sizeof kinds[0] == SANDBOX_FAULT_COUNT, "one row for each fault");

static const char *const call_names[] = {
#define CALL_NAME(upper, lower) #lower,
    SANDBOX_CALL_LIST(CALL_NAME)
#undef CALL_NAME
};

static const char *const fault_names[] = {
#define FAULT_NAME(upper, lower) #lower,
    SANDBOX_FAULT_LIST(FAULT_NAME)
#undef FAULT_NAME
};

struct rule {
    char provider[NAME_MAX_SIZE], model[NAME_MAX_SIZE]; /* "": any */
    unsigned calls;
    enum { BY_ALWAYS, BY_CHANCE, BY_EVERY, BY_FIRST } by;
    double chance;
    int64_t number, seen;
    struct rng rng;
    enum sandbox_fault fault;
    ms_t ms;
    int status;
    int64_t retry_after;
    const char *file, *type, *text;
};

struct sandbox_script {
    pthread_mutex_t lock;
    struct arena arena;
    struct rule rules[SANDBOX_RULES_MAX];
    unsigned count;
};

/* The reading of a script: where it is at, and what was wrong. */
struct reading {
    struct sandbox_script *script;
    const char *path;
    char *fault; /* SANDBOX_FAULT_SIZE bytes */
    unsigned rule;
    uint64_t seed;
};

const char *sandbox_call_name(enum sandbox_call call)
{
    return call_names[call];
}

const char *sandbox_fault_name(enum sandbox_fault fault)
{
    return fault_names[fault];
}

static int find_name(const char *const *names, int count, struct span name)
{
    for (int n = 0; n < count; n++)
        if (span_is(name, names[n]))
            return n;
    return -1;
}

bool sandbox_fault_find(struct span name, enum sandbox_fault *ret_fault)
{
    int found = find_name(fault_names, SANDBOX_FAULT_COUNT, name);
    if (found >= 0)
        *ret_fault = (enum sandbox_fault)found;
    return found >= 0;
}

/* ---------------------------------------------------------------- what is wrong */

__attribute__((format(printf, 2, 3))) static bool refuse(struct reading *reading,
                                                         const char *format, ...)
{
    va_list list;
    int size = snprintf(reading->fault, SANDBOX_FAULT_SIZE, "%.300s: ", reading->path);
    va_start(list, format);
    (void)vsnprintf(reading->fault + size, SANDBOX_FAULT_SIZE - (size_t)size, format, list);
    va_end(list);
    return false;
}

static void add_names(const char *const *names, int count, unsigned bits, struct buffer *target)
{
    for (int n = 0; n < count; n++)
        if (bits & 1u << n)
            buffer_print(target, "%s%s", target->size ? ", " : "", names[n]);
}

/* "rules[2].KEY is …; allowed: …" */
static bool refuse_value(struct reading *reading, const char *key, const json_t *value,
                         const char *allowed)
{
    struct buffer text;
    bool none = !value;
    buffer_init(&text, 200);
    if (!none && !json_is_object(value) && !json_is_array(value))
        json_canonical(value, &text);
    (void)refuse(reading, "rules[%u].%s %s%.*s; allowed: %s", reading->rule, key,
                 none        ? "is missing"
                 : text.size ? "is "
                             : "is something else",
                 SPAN_PRINT(buffer_span(&text)), allowed);
    buffer_done(&text);
    return false;
}

/* ---------------------------------------------------------------- the keys of a rule */

static bool read_integer(struct reading *reading, const json_t *object, const char *key,
                         int64_t min, int64_t max, int64_t *ret_value)
{
    const json_t *value = json_object_get(object, key);
    char allowed[80];
    (void)snprintf(allowed, sizeof allowed, "an integer from %lld to %lld", (long long)min,
                   (long long)max);
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return refuse_value(reading, key, value, allowed);
    *ret_value = json_integer_value(value);
    return true;
}

static bool check_keys(struct reading *reading, const json_t *rule)
{
    static const char *const common[] = {"match", "chance", "every", "first",
                                         "seed",  "fault",  "note"};
    enum { COMMON = sizeof common / sizeof common[0] };
    enum sandbox_fault fault = reading->script->rules[reading->rule].fault;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)rule, key, value) {
        struct buffer allowed;
        bool good = find_name(common, COMMON, span_of(key)) >= 0;
        for (unsigned n = 0; n < 3 && kinds[fault].keys[n]; n++)
            good = good || strcmp(kinds[fault].keys[n], key) == 0;
        if (good)
            continue;
        buffer_init(&allowed, 400);
        add_names(common, COMMON, ~0u, &allowed);
        for (unsigned n = 0; n < 3 && kinds[fault].keys[n]; n++)
            buffer_print(&allowed, ", %s", kinds[fault].keys[n]);
        (void)refuse(reading, "rules[%u].%.60s is no key of the fault %s; allowed: %.*s",
                     reading->rule, key, fault_names[fault], SPAN_PRINT(buffer_span(&allowed)));
        buffer_done(&allowed);
        return false;
    }
    return true;
}

static bool read_name(struct reading *reading, const json_t *match, const char *key,
                      char target[static NAME_MAX_SIZE])
{
    const json_t *value = json_object_get(match, key);
    char place[40];
    (void)snprintf(place, sizeof place, "match.%s", key);
    if (!value || (json_span(value).size > 0 && span_copy(json_span(value), target, NAME_MAX_SIZE)))
        return true;
    return refuse_value(reading, place, value, "a name of at most 127 bytes, or one ending in *");
}

static bool read_call(struct reading *reading, const json_t *match, struct rule *rule)
{
    const json_t *value = json_object_get(match, "call");
    unsigned possible = kinds[rule->fault].calls;
    rule->calls = possible;
    if (!value)
        return true;
    int call = find_name(call_names, SANDBOX_CALL_COUNT, json_span(value));
    rule->calls = call >= 0 ? possible & 1u << call : 0;
    if (rule->calls)
        return true;
    struct buffer allowed;
    buffer_init(&allowed, 300);
    add_names(call_names, SANDBOX_CALL_COUNT, possible, &allowed);
    buffer_print(&allowed, " (what the fault %s can befall)", fault_names[rule->fault]);
    (void)refuse_value(reading, "match.call", value, allowed.data);
    buffer_done(&allowed);
    return false;
}

static bool read_match(struct reading *reading, const json_t *match, struct rule *rule)
{
    static const char *const known[] = {"provider", "model", "call"};
    const char *key;
    json_t *value;
    if (match && !json_is_object(match))
        return refuse_value(reading, "match", match, "an object of provider, model and call");
    json_object_foreach((json_t *)(uintptr_t)match, key, value) {
        if (find_name(known, 3, span_of(key)) < 0)
            return refuse(reading,
                          "rules[%u].match.%.60s is no key; allowed: provider, model, call",
                          reading->rule, key);
    }
    return read_name(reading, match, "provider", rule->provider) &&
           read_name(reading, match, "model", rule->model) && read_call(reading, match, rule);
}

static bool read_often(struct reading *reading, const json_t *object, struct rule *rule)
{
    const json_t *chance = json_object_get(object, "chance");
    const json_t *every = json_object_get(object, "every"),
                 *first = json_object_get(object, "first");
    int64_t seed = 0;
    if (!!chance + !!every + !!first > 1)
        return refuse(reading, "rules[%u] has more than one of chance, every and first",
                      reading->rule);
    if (json_object_get(object, "seed") &&
        !read_integer(reading, object, "seed", 0, INT64_MAX, &seed))
        return false;
    rng_init(&rule->rng, seed ? (uint64_t)seed : reading->seed + reading->rule);
    if (chance) {
        rule->by = BY_CHANCE;
        rule->chance = json_number_value(chance);
        if (!json_is_number(chance) || !(rule->chance >= 0 && rule->chance <= 1))
            return refuse_value(reading, "chance", chance, "a number from 0 to 1");
    } else if (every) {
        rule->by = BY_EVERY;
        return read_integer(reading, object, "every", 1, COUNT_MAX, &rule->number);
    } else if (first) {
        rule->by = BY_FIRST;
        return read_integer(reading, object, "first", 1, COUNT_MAX, &rule->number);
    }
    return true;
}

static bool read_text(struct reading *reading, const json_t *object, struct rule *rule)
{
    const json_t *value = json_object_get(object, "text");
    struct span text = json_span(value);
    rule->text = "";
    if (!value)
        return true;
    if (!text.size || text.size >= SANDBOX_TEXT_SIZE)
        return refuse_value(reading, "text", value, "a text of 1 to 199 bytes");
    rule->text = arena_copy(&reading->script->arena, text);
    return true;
}

/* A path is seen from the script's own folder. */
static const char *place_of(struct reading *reading, struct span file)
{
    char folder[DEPOT_PATH_SIZE], whole[DEPOT_PATH_SIZE];
    const char *slash = strrchr(reading->path, '/');
    int size = slash ? (int)(slash - reading->path) + 1 : 0;
    int needed = file.data[0] == '/' ? snprintf(folder, sizeof folder, "%.*s", SPAN_PRINT(file))
                                     : snprintf(folder, sizeof folder, "%.*s%.*s", size,
                                                reading->path, SPAN_PRINT(file));
    if (needed < 0 || (size_t)needed >= sizeof folder)
        return NULL;
    char *found = realpath(folder, NULL);
    bool fits = found && span_copy(span_of(found), whole, sizeof whole);
    memory_free(found);
    return fits ? arena_copy(&reading->script->arena, span_of(whole)) : NULL;
}

static bool read_file(struct reading *reading, const json_t *object, struct rule *rule)
{
    const json_t *value = json_object_get(object, "file");
    struct span name = json_span(value);
    uint8_t head[SNIFF_HEAD];
    struct stat status;
    if (!name.size)
        return refuse_value(reading, "file", value, "the path of a file");
    rule->file = place_of(reading, name);
    int fd = rule->file ? open(rule->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    ssize_t size = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                           status.st_size <= SANDBOX_FILE_MAX
                       ? read(fd, head, sizeof head)
                       : -1;
    if (fd >= 0)
        (void)close(fd);
    if (size <= 0)
        return refuse_value(reading, "file", value,
                            "a plain file that can be read, of 1 byte to 256 MiB; a path that does "
                            "not begin with / is seen from the script's folder");
    rule->type = sniff_media(head, (size_t)size);
    if (!rule->type || !depot_extension(span_of(rule->type)))
        return refuse_value(reading, "file", value, "a picture, a sound or a film");
    return true;
}

static bool has_key(enum sandbox_fault fault, const char *key)
{
    for (unsigned n = 0; n < 3 && kinds[fault].keys[n]; n++)
        if (strcmp(kinds[fault].keys[n], key) == 0)
            return true;
    return false;
}

static bool read_own(struct reading *reading, const json_t *object, struct rule *rule)
{
    bool must_wait = rule->fault == SANDBOX_FAULT_DELAY || rule->fault == SANDBOX_FAULT_LATE;
    int64_t status = 0;
    if (has_key(rule->fault, "ms") && (must_wait || json_object_get(object, "ms")) &&
        !read_integer(reading, object, "ms", must_wait, SANDBOX_DELAY_MAX, &rule->ms))
        return false;
    if (has_key(rule->fault, "file") && !read_file(reading, object, rule))
        return false;
    if (has_key(rule->fault, "text") && !read_text(reading, object, rule))
        return false;
    if (rule->fault != SANDBOX_FAULT_STATUS)
        return true;
    const json_t *value = json_object_get(object, "status");
    status = json_integer_value(value);
    if (status != 429 && status != 500 && (status < 502 || status > 504))
        return refuse_value(reading, "status", value, "429, 500, 502, 503, 504");
    rule->status = (int)status;
    return !json_object_get(object, "retryAfter") ||
           read_integer(reading, object, "retryAfter", 1, RETRY_AFTER_MAX, &rule->retry_after);
}

static bool read_rule(struct reading *reading, const json_t *object)
{
    struct rule *rule = &reading->script->rules[reading->rule];
    const json_t *fault = json_object_get(object, "fault");
    if (!json_is_object(object))
        return refuse(reading, "rules[%u] is no object", reading->rule);
    if (!sandbox_fault_find(json_span(fault), &rule->fault)) {
        struct buffer allowed;
        buffer_init(&allowed, 400);
        add_names(fault_names, SANDBOX_FAULT_COUNT, ~0u, &allowed);
        (void)refuse_value(reading, "fault", fault, allowed.data);
        buffer_done(&allowed);
        return false;
    }
    return check_keys(reading, object) &&
           read_match(reading, json_object_get(object, "match"), rule) &&
           read_often(reading, object, rule) && read_own(reading, object, rule);
}

/* ---------------------------------------------------------------- the file */

static bool read_script(struct reading *reading, const json_t *root)
{
    const json_t *rules = json_object_get(root, "rules"), *rule;
    const json_t *seed = json_object_get(root, "seed");
    const char *key;
    json_t *value;
    size_t n;
    if (!json_is_object(root) || !json_is_array(rules))
        return refuse(reading, "is no object with a list of rules");
    json_object_foreach((json_t *)(uintptr_t)root, key, value) {
        if (strcmp(key, "seed") != 0 && strcmp(key, "rules") != 0 && strcmp(key, "note") != 0)
            return refuse(reading, "%.60s is no key; allowed: seed, rules, note", key);
    }
    if (seed && (!json_is_integer(seed) || json_integer_value(seed) < 0))
        return refuse(reading, "seed is something else; allowed: an integer from 0 on");
    if (json_array_size(rules) > SANDBOX_RULES_MAX)
        return refuse(reading, "rules has %zu items; allowed: at most %d", json_array_size(rules),
                      SANDBOX_RULES_MAX);
    reading->seed = (uint64_t)json_integer_value(seed) + 1;
    json_array_foreach(rules, n, rule) {
        reading->rule = (unsigned)n;
        if (!read_rule(reading, rule))
            return false;
        reading->script->count++;
    }
    return true;
}

static bool read_bytes(struct reading *reading, struct buffer *target)
{
    struct stat status;
    int fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    ssize_t part = 1;
    while (good && part > 0) {
        char *room = buffer_room(target, 64 * 1024);
        part = room ? read(fd, room, 64 * 1024) : -1;
        target->size += part > 0 ? (size_t)part : 0;
    }
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (good && part == 0 && target->size <= SANDBOX_SCRIPT_MAX)
        return true;
    return refuse(reading, "can't be read: %s",
                  fd < 0 ? strerror(error) : "a plain file of at most 256 KiB is allowed");
}

static void read_all(struct reading *reading)
{
    struct buffer text;
    char fault[JSON_FAULT_SIZE];
    buffer_init(&text, SANDBOX_SCRIPT_MAX + 2 * 64 * 1024);
    if (read_bytes(reading, &text)) {
        json_t *root = json_read(buffer_span(&text), fault);
        if (root)
            (void)read_script(reading, root);
        else
            (void)refuse(reading, "is not JSON: %s", fault);
        json_decref(root);
    }
    buffer_done(&text);
}

struct sandbox_script *sandbox_script_make(const char *path,
                                           char ret_fault[static SANDBOX_FAULT_SIZE])
{
    struct sandbox_script *script = memory_new(struct sandbox_script);
    struct reading reading = {script, path, ret_fault, 0, 0};
    (void)pthread_mutex_init(&script->lock, NULL);
    arena_init(&script->arena);
    ret_fault[0] = '\0';
    if (path)
        read_all(&reading);
    if (!ret_fault[0])
        return script;
    sandbox_script_free(script);
    return NULL;
}

void sandbox_script_free(struct sandbox_script *script)
{
    if (!script)
        return;
    (void)pthread_mutex_destroy(&script->lock);
    arena_done(&script->arena);
    memory_free(script);
}

/* ---------------------------------------------------------------- what shall happen */

/* A name of a rule: "", "fal-ai/veo3" or "fal*". */
static bool names(const char *pattern, struct span name)
{
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return name.size >= size - 1 && memcmp(name.data, pattern, size - 1) == 0;
    return size == 0 || span_is(name, pattern);
}

static bool is_its_turn(struct rule *rule)
{
    rule->seen++;
    return rule->by == BY_CHANCE  ? rng_unit(&rule->rng) < rule->chance
           : rule->by == BY_EVERY ? rule->seen % rule->number == 0
           : rule->by == BY_FIRST ? rule->seen <= rule->number
                                  : true;
}

static void add_rule(const struct rule *rule, struct sandbox_plan *plan)
{
    unsigned bit = 1u << rule->fault;
    unsigned rivals = bit & FAULTS_ANSWER ? FAULTS_ANSWER : bit & FAULTS_END ? FAULTS_END : 0;
    if (plan->faults & rivals)
        return;
    plan->faults |= bit;
    if (rule->fault == SANDBOX_FAULT_DELAY) {
        plan->delay += rule->ms;
        plan->delay = plan->delay > SANDBOX_DELAY_MAX ? SANDBOX_DELAY_MAX : plan->delay;
    } else if (rule->fault == SANDBOX_FAULT_LATE) {
        plan->late = rule->ms;
    } else if (rule->fault == SANDBOX_FAULT_STATUS) {
        plan->status = rule->status;
        plan->retry_after = rule->retry_after;
    } else if (bit & FAULTS_END) {
        plan->end_after = rule->ms;
        plan->file = rule->file;
        plan->type = rule->type;
        plan->text = rule->text;
    }
}

void sandbox_script_plan(struct sandbox_script *script, enum sandbox_call call,
                         struct span provider, struct span model, struct sandbox_plan *ret_plan)
{
    *ret_plan = (struct sandbox_plan){.text = ""};
    (void)pthread_mutex_lock(&script->lock);
    for (unsigned n = 0; n < script->count; n++) {
        struct rule *rule = &script->rules[n];
        if (rule->calls & 1u << call && names(rule->provider, provider) &&
            names(rule->model, model) && is_its_turn(rule))
            add_rule(rule, ret_plan);
    }
    (void)pthread_mutex_unlock(&script->lock);
}

bool sandbox_plan_has(const struct sandbox_plan *plan, enum sandbox_fault fault)
{
    return plan->faults & 1u << fault;
}

bool sandbox_script_knows(const struct sandbox_script *script, enum sandbox_call call)
{
    for (unsigned n = 0; n < script->count; n++)
        if (script->rules[n].calls & 1u << call)
            return true;
    return false;
}
