/* A catalogue from the inside, and how its files are read into it. Private to the room. */
#ifndef CATALOG_LOAD_H
#define CATALOG_LOAD_H

#include "catalog/route.h"
#include "catalog/shelf.h"

/* A route, cut into the segments of its path. */
struct load_route {
    struct route route; /* first, so that a route is its own entry */
    struct span segments[ROUTE_SEGMENTS_MAX];
    unsigned segment_count, literal_count;
    int star;                /* index of the segment that takes many, or -1 */
    size_t number;           /* its place in the order of the files */
    struct load_route *next; /* on the same literal path; else with the same first segment */
};

struct load_offer {
    struct offer offer;
    unsigned group;
};

struct load_model {
    struct model model; /* first, so that a model is its own entry */
    struct load_offer **offers;
    const struct offer **shown; /* the same, as the model has them */
};

struct catalog {
    struct arena arena;
    json_t *owned;            /* array: every file's JSON, and values made of it */
    struct shelf providers;   /* struct provider_entry by name */
    struct shelf models;      /* struct load_model by id */
    struct shelf routes;      /* struct load_route by method and path */
    struct map literal_paths; /* first struct load_route of each path without captures */
    struct map starts;        /* … and of each first segment of the others; "": a capture */
};

/* Reads a group of files: what it holds replaces what earlier groups brought. */
void load_group(struct catalog *catalog, struct reader *reader, unsigned group,
                const struct catalog_file *files, size_t count);
/* After the last group. */
void load_link(struct catalog *catalog, struct reader *reader);

#endif
