/* What the tests of this room share: JSON with ' for ", small catalogues, and their faults. */
#ifndef CATALOG_FIXTURE_H
#define CATALOG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ' becomes ", so that JSON is readable in C. The caller frees. */
static inline char *fixture_quote(const char *text)
{
    char *copy = test_malloc(strlen(text) + 1);
    for (size_t n = 0; n <= strlen(text); n++)
        copy[n] = (char)(text[n] == '\'' ? '"' : text[n]);
    return copy;
}

static inline json_t *fixture_json(const char *text)
{
    char fault[JSON_FAULT_SIZE];
    char *quoted = fixture_quote(text);
    json_t *value = json_read(span_of(quoted), fault);
    if (!value)
        fail_msg("%s in %s", fault, quoted);
    test_free(quoted);
    return value;
}

static inline struct catalog *fixture_catalog(void)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = catalog_make(catalog_builtin, NULL, 0, fault);
    if (!catalog)
        fail_msg("%s", fault);
    return catalog;
}

/* The built-in data and one file of the user's, "mine.json"; NULL, with the fault, when refused. */
static inline struct catalog *fixture_with(const char *text, char fault[static CATALOG_FAULT_SIZE])
{
    char *quoted = fixture_quote(text);
    struct catalog_file file = {.name = SPAN("mine.json"), .text = span_of(quoted)};
    struct catalog *catalog = catalog_make(catalog_builtin, &file, 1, fault);
    test_free(quoted);
    return catalog;
}

/* A catalogue of one file alone, which must be good. */
static inline struct catalog *fixture_alone(const char *text)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    char *quoted = fixture_quote(text);
    struct catalog_file file = {.name = SPAN("mine.json"), .text = span_of(quoted)};
    struct catalog *catalog = catalog_make(NULL, &file, 1, fault);
    test_free(quoted);
    if (!catalog)
        fail_msg("%s", fault);
    return catalog;
}

static inline const struct model *fixture_model(const struct catalog *catalog, const char *id)
{
    const struct model *model = catalog_find(catalog, span_of(id));
    if (!model)
        fail_msg("no model %s", id);
    return model;
}

/* A file with the provider "acme" and one model "m", whose entry ends with `rest`. */
#define FIXTURE_MODEL(parameters, rest)                                                            \
    "{'provider':{'name':'acme','title':'Acme'},'models':[{'id':'m','family':'m','title':'M',"     \
    "'summary':'A model.','task':'text-to-video','output':'video','extensions':['mp4'],"           \
    "'time':{'baseSeconds':10},'parameters':{" parameters "}" rest "}]}"

/* `text` must be refused with a fault that holds `expected`. */
static inline void fixture_refused(const char *text, const char *expected)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(text, fault);
    if (catalog)
        fail_msg("not refused: %s", text);
    char *quoted = fixture_quote(expected);
    if (!strstr(fault, quoted))
        fail_msg("\"%s\" is not in \"%s\"", quoted, fault);
    test_free(quoted);
}

#endif
