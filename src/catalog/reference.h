/* The URLs in an input, and what a URL must look like. Syntax alone: nothing is resolved, looked up
 * or fetched here. */
#ifndef CATALOG_REFERENCE_H
#define CATALOG_REFERENCE_H

#include "catalog/catalog.h"

enum reference_kind {
    REFERENCE_BAD,
    REFERENCE_HTTP,   /* http:// or https:// with a host */
    REFERENCE_JOB,    /* reel://gen_… or reel://gen_…/n: the n-th output of a job, from 0 */
    REFERENCE_UPLOAD, /* reel://upl_… */
    REFERENCE_DATA    /* data:image/png;base64,… */
};

/* Over CATALOG_URL_MAX bytes, or CATALOG_DATA_URL_MAX for data, is bad. */
enum reference_kind reference_kind(struct span url);
/* Splits a reel:// URL into its id and output (0 when not named). False for any other text. */
bool reference_read_reel(struct span url, struct span *ret_id, unsigned *ret_output);
/* The media type of a data: URL, "image/png", and its base64 text. False for any other text. */
bool reference_read_data(struct span url, struct span *ret_type, struct span *ret_base64);

/* A URL in an input and where it stands. Borrowed; valid during the call. */
struct reference {
    const struct parameter *parameter; /* the top one: its name is the field */
    const char *path;                  /* "imageUrl", "imageUrls[2]", "keyframes[0].uri" */
    unsigned index;                    /* place in the outermost list; 0 elsewhere */
    unsigned media;                    /* what it may lead to, as bits 1 << enum media */
    enum reference_kind kind;
    struct span url;
};

typedef void reference_found_f(void *context, const struct reference *reference);
/* Calls `found` for every URL of a checked input, in the order of the parameters. */
void reference_each(const struct model *model, const json_t *input, reference_found_f *found,
                    void *context);

#endif
