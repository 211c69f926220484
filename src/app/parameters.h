/* A model's parameters, as the server's JSON Schema tells them, as options of the command line:
 * `imageUrl` is --image-url. */
#ifndef APP_PARAMETERS_H
#define APP_PARAMETERS_H

#include "app/arguments.h"
#include "base/arena.h"
#include "base/json.h"

enum { PARAMETERS_FILE_MAX = 700 * 1000, PARAMETERS_TEXT_MAX = 256 * 1024 };

struct parameters {
    struct arena *arena;              /* borrowed; texts live there */
    const json_t *properties;         /* borrowed */
    struct arguments_option *options; /* one for each, ended by {0}; in the arena */
    unsigned count;
    /* Where set, a file of this machine becomes the URL that this gives (in the arena; NULL with a
     * sentence); else a data: URL. */
    const char *(*bring)(void *context, const char *path, struct buffer *fault);
    void *context;
};

/* `schema` is an object schema and is borrowed. */
void parameters_init(struct parameters *parameters, const json_t *schema, struct arena *arena);
/* "imageUrl" for "--image-url"; NULL for an option of another list. */
const char *parameters_name(const struct parameters *parameters,
                            const struct arguments_option *option);
/* Puts a value, written as text, into the body by the parameter's type: numbers, true and false,
 * texts ("@FILE" reads a text when `is_pair`, that is for NAME=VALUE), URLs (a job's id means its
 * output, a file of this machine, also as "@FILE", is brought), lists (given again, or as JSON) and
 * objects (JSON). `text` is NULL of a switch. False with a sentence. */
bool parameters_set(const struct parameters *parameters, const char *name, const char *text,
                    bool is_pair, json_t *body, struct buffer *fault);
/* What a parameter takes, for people: "integer 256–4096, default 1024, px". */
void parameters_describe(const json_t *property, struct buffer *target);

#endif
