/* The catalogue: what models exist, what they take, who runs them, for how much, and under which
 * routes they answer. All of it is data (catalog/README.md has the format); this room reads it,
 * checks it and answers questions about it. It is pure: no file, clock or network.
 *
 *     catalog.h   the nouns, made and found             (this file)
 *     input.h     a request's body against a model
 *     reference.h the URLs in an input, and what a URL looks like
 *     mapping.h   an input in the provider's own words
 *     reverse.h   … and back
 *     price.h     what a run will cost
 *     estimate.h  how long a run will take
 *     schema.h    a model's parameters as JSON Schema
 *     describe.h  a model as GET /api/v1/models shows it
 *     route.h     which route a method and a path mean
 *
 * A catalogue does not change once it is made, so any number of threads may read it. To take in
 * new data, make another and free the old one when nobody uses it any more. All texts and structs
 * that it hands out are borrowed and live as long as it does. Optional texts are NULL when absent;
 * lists are arrays with a count and keep the order of the data. */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/embedded.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/span.h"
#include "base/time.h"

enum {
    CATALOG_FAULT_SIZE = 600,
    CATALOG_LIMIT = 50,       /* a provider's jobs in flight unless its entry says otherwise */
    CATALOG_READS = 30000,    /* … and how often a minute it is asked how they stand */
    CATALOG_FETCHES = 3,      /* … and of how many of its jobs files are fetched at once */
    CATALOG_NEST_MAX = 4,     /* lists and objects of parameters inside each other */
    CATALOG_TEXT_MAX = 20000, /* characters of a text parameter that names no maximum */
    CATALOG_URL_MAX = 4096,   /* bytes of a URL that is not a data: URL */
    CATALOG_DATA_URL_MAX = 24 << 20, /* bytes of a data: URL */
    CATALOG_ITEMS_MAX = 64,          /* items of a list parameter that names no maximum */
};

/* Fifteen minutes, a run's time-out unless the model's entry says otherwise. */
#define CATALOG_TIMEOUT_MS (15 * MS_MINUTE)

/* The provider that runs programs of the user's. */
#define CATALOG_COMMAND "command"

#define PARAMETER_KIND_LIST(X)                                                                     \
    X(TEXT, text)                                                                                  \
    X(INTEGER, integer)                                                                            \
    X(NUMBER, number)                                                                              \
    X(BOOLEAN, boolean)                                                                            \
    X(URL, url)                                                                                    \
    X(LIST, list)                                                                                  \
    X(OBJECT, object)

enum parameter_kind {
#define PARAMETER_KIND_ENUM(name, text) PARAMETER_##name,
    PARAMETER_KIND_LIST(PARAMETER_KIND_ENUM)
#undef PARAMETER_KIND_ENUM
        PARAMETER_KIND_COUNT
};

#define MEDIA_LIST(X)                                                                              \
    X(NONE, none)                                                                                  \
    X(IMAGE, image)                                                                                \
    X(AUDIO, audio)                                                                                \
    X(VIDEO, video)                                                                                \
    X(TEXT, text)

enum media {
#define MEDIA_ENUM(name, text) MEDIA_##name,
    MEDIA_LIST(MEDIA_ENUM)
#undef MEDIA_ENUM
        MEDIA_COUNT
};

/* A list of borrowed texts. */
struct texts {
    const char *const *items;
    unsigned count;
};

/* "When `parameter` has `value`"; absent when parameter is NULL. */
struct condition {
    const char *parameter;
    const json_t *value;
};

struct parameter {
    const char *name; /* canonical, camelCase; NULL for the items of a list */
    enum parameter_kind kind;
    bool required;
    struct condition required_when;
    const json_t *fallback; /* what stands in when the caller gives nothing; NULL: nothing does */
    /* Numbers: the least and the most; -INFINITY and INFINITY where open. */
    double min, max;
    /* Texts: characters (code points); lists: items. Always bounded from above. */
    size_t size_min, size_max;
    const json_t *choices; /* array: the only values allowed; NULL: any within the limits */
    const json_t *also;    /* array: values allowed beside the limits, as in "0, or 1 to 20" */
    unsigned media;        /* of a URL: what it may lead to, as bits 1 << enum media */
    const struct parameter *items;  /* of a list: what each item is */
    const struct parameter *fields; /* of an object; none means any object, bounded in size */
    unsigned field_count;
    const char *unit;        /* "s", "px", … for people; may be NULL */
    const char *description; /* a sentence */
};

/* What parameters ask of each other, beyond required_when. */
enum rule_kind {
    RULE_ANY_OF,       /* at least one of `names` */
    RULE_ONE_OF,       /* exactly one of `names` */
    RULE_NOT_TOGETHER, /* at most one of `names` */
    RULE_WHEN,         /* when `when` holds, names[0] must be one of `allowed` */
    RULE_WITHOUT,      /* when `when` holds, none of `names` may be given */
};

struct rule {
    enum rule_kind kind;
    struct texts names;
    struct condition when;
    const json_t *allowed; /* array */
};

#define PRICE_UNIT_LIST(X)                                                                         \
    X(UNKNOWN, unknown)     /* the offer says nothing */                                           \
    X(FREE, free)           /* it costs nothing */                                                 \
    X(RUN, run)             /* however long */                                                     \
    X(SECOND, second)       /* of output */                                                        \
    X(IMAGE, image)         /* made */                                                             \
    X(CHARACTER, character) /* of text given */                                                    \
    X(MEGAPIXEL, megapixel) /* a million pixels */                                                 \
    X(GPU_HOUR, gpuHour)    /* of the machine, from start-up to the end */

enum price_unit {
#define PRICE_UNIT_ENUM(name, text) PRICE_##name,
    PRICE_UNIT_LIST(PRICE_UNIT_ENUM)
#undef PRICE_UNIT_ENUM
        PRICE_UNIT_COUNT
};

/* Dollars in billionths, so that the price of a single character or millisecond is still exact. */
typedef int64_t nano_t;

/* Holds when every condition does; the first row that holds is the price. */
struct price_row {
    const struct condition *when;
    unsigned when_count;
    nano_t amount, amount_max; /* per unit; equal unless the price is a range */
    nano_t base;               /* once per run, beside the units */
};

struct price {
    enum price_unit unit;
    struct texts quantity; /* parameters whose product is the number of units; none: one unit */
    const struct price_row *rows;
    unsigned row_count;
};

/* `ms` for each unit of the product of the parameters `of`; once where there are none. Counts only
 * when `when` holds or is absent. */
struct time_term {
    struct condition when;
    struct texts of;
    double ms;
};

/* How long a run takes on a machine that is warm. */
struct typical_time {
    ms_t base_ms;
    const struct time_term *terms;
    unsigned term_count;
    double long_factor; /* a slow run takes so many times a typical one; at least 1 */
};

/* The machine behind an offer; zero and NULL where nothing is known. */
struct hardware {
    const char *gpu;
    unsigned workers_max;
    double memory_gb; /* of the GPUs, that a run needs */
    bool scale_to_zero;
    ms_t warm_min_ms, warm_max_ms; /* start-up of a worker that has the model loaded */
    ms_t cold_min_ms, cold_max_ms; /* start-up of one that has not */
};

/* How one parameter is said to the provider; see mapping.h. */
struct mapping_entry {
    const char *parameter;
    const char *target;   /* a path as "input.media[0].url"; NULL: it is not sent */
    const char *as;       /* "text", "integer", "number", "boolean"; NULL: as it is */
    const char *suffix;   /* after a text, as "s" in "8s" */
    const json_t *values; /* object: our value as text → theirs */
    const json_t *form;   /* JSON in which the text "$" stands for the value */
    bool each;            /* `form` is for each item of a list, not for the whole */
    struct texts aliases; /* older names of the provider's: understood (reverse.h), never sent */
};

/* A word of the provider's that stands for values of several parameters together, as the size
 * "1280*720" does for a resolution and an aspect ratio. */
struct mapping_table {
    const char *target; /* a path */
    struct texts of;    /* parameters; without an entry of their own they are sent so only */
    const json_t *rows; /* array of arrays: a value for each of `of`, then theirs */
};

enum mapping_names { MAPPING_AS_IS, MAPPING_SNAKE };

struct mapping {
    enum mapping_names names; /* of parameters without an entry */
    bool only_entries;        /* parameters without an entry are not sent */
    const struct mapping_entry *entries;
    unsigned entry_count;
    const struct mapping_table *tables;
    unsigned table_count;
    const json_t *set; /* object: path → constant; texts may hold "{jobId}" or "{parameter}" */
};

struct model;
struct provider_entry;

struct offer {
    const struct model *model;
    const struct provider_entry *provider;
    const char *slug;              /* the provider's own name of the model; "" where it has none */
    const char *endpoint_variable; /* environment variable with the endpoint's id; may be NULL */
    struct texts needs; /* every environment variable that must be set: the provider's and these */
    struct texts without; /* parameters that this offer cannot do */
    const json_t *allow;  /* object: parameter → array of the only values this offer can do */
    struct price price;
    struct mapping mapping;
    struct hardware hardware;
    struct texts command;  /* of CATALOG_COMMAND's: the program, by a path from the root, and its
                              arguments */
    ms_t silence_ms;       /* likewise: it may say nothing for so long; 0: as long as it likes */
    const json_t *details; /* object: what only the provider's adapter understands; may be NULL */
};

struct provider_entry {
    const char *name;  /* "runpod" */
    const char *title; /* "RunPod" */
    const char *summary;
    unsigned limit;                /* jobs in flight */
    unsigned reads;                /* a minute: calls that are no submissions */
    unsigned fetches;              /* jobs whose files are fetched and looked at at once */
    struct texts needs;            /* environment variables without which nothing works */
    const char *base_url;          /* may be NULL */
    const char *base_url_variable; /* overrides base_url; "RUNPOD_BASE_URL" */
    const json_t *details;         /* as an offer's; the offer's keys go before these */
};

struct model {
    const char *id; /* "ltx2", "local/still" */
    const char *family, *title, *summary;
    const char *task;         /* "text-to-video", "image-to-video", "lip-sync", … */
    enum media output;        /* what it makes; NONE: no files, see work.h */
    struct texts extensions;  /* of its files, the usual one first, without a dot; or none */
    bool deterministic;       /* the same input with the same seed gives the same output */
    bool repeatable;          /* an old result may stand for a new one even without a seed */
    bool retired;             /* answers 410 */
    const char *successor;    /* of a retired one; may be NULL */
    unsigned quality;         /* rank for "the best model": 0 unknown, 100 best */
    unsigned limit;           /* jobs in flight; 0: only the provider's limit counts */
    ms_t timeout_ms;          /* of an attempt, from running */
    struct typical_time time; /* see estimate.h */
    const struct parameter *parameters;
    unsigned parameter_count;
    const struct rule *rules;
    unsigned rule_count;
    const struct offer *const *offers; /* in the order in which they are tried */
    unsigned offer_count;
};

/* A model under a route, chosen by the body's field `variant`. */
struct variant {
    const char *name;
    const struct model *model;
};

struct route {
    const char *method;  /* "POST" */
    const char *path;    /* "/api/fal/veo3/{task}/submit"; see route.h */
    const char *dialect; /* who reads the request and writes the answer */
    const char *action;  /* what the dialect shall do, in its words: "submit", "status" */
    enum scope scope;    /* what the client's key must be good for; admin when not named */
    const struct provider_entry *provider; /* in whose words; NULL: none's */
    const struct model *model;             /* NULL: the body or the path names it */
    const struct variant *variants;
    unsigned variant_count;
    const json_t *preset;  /* object: parameters that the route fixes or presets; may be NULL */
    const json_t *details; /* object: what only the dialect understands; may be NULL */
};

struct catalog;

/* A file of the user's. */
struct catalog_file {
    struct span name; /* for messages, and to tell files apart */
    struct span text;
};

/* Built-in data first, then the user's files: what they call by a name that exists replaces the
 * built-in thing: a model with all its offers, a provider, a route of the same method and path, an
 * offer of the same model, provider and slug. Inside either group a name may come once. Files of a
 * group may name each other's things.
 *
 * NULL, with a sentence that names the file, the place in its JSON, what is wrong and what is
 * allowed, when any of it does not hold together. The texts are copied; `builtin` may be NULL. */
struct catalog *catalog_make(const struct embedded *builtin, const struct catalog_file *files,
                             size_t file_count, char ret_fault[static CATALOG_FAULT_SIZE]);
/* Accepts NULL. */
void catalog_free(struct catalog *catalog);

/* The data that the build put into the program (catalog/ in the sources). */
extern const struct embedded catalog_builtin[];

/* NULL when there is none of that id or name. */
const struct model *catalog_find(const struct catalog *catalog, struct span id);
const struct provider_entry *catalog_find_provider(const struct catalog *catalog, struct span name);
const struct parameter *catalog_find_parameter(const struct model *model, struct span name);

/* In the order of the files by name, and inside a file; what replaces another takes its place. */
size_t catalog_model_count(const struct catalog *catalog);
const struct model *catalog_model_at(const struct catalog *catalog, size_t index);
size_t catalog_provider_count(const struct catalog *catalog);
const struct provider_entry *catalog_provider_at(const struct catalog *catalog, size_t index);
size_t catalog_route_count(const struct catalog *catalog);
const struct route *catalog_route_at(const struct catalog *catalog, size_t index);

/* "integer", "image", "second" */
const char *catalog_kind_name(enum parameter_kind kind);
const char *catalog_media_name(enum media media);
const char *catalog_unit_name(enum price_unit unit);

#endif
