/* What the files of wire.h share. */
#ifndef SIM_WIRE_PRIVATE_H
#define SIM_WIRE_PRIVATE_H

#include "dialect/replicate.h"
#include "face.h"
#include "provider/question.h"
#include "wire.h"

enum wire_how {
    WIRE_SILENT, /* no answer comes */
    WIRE_HARMED, /* what comes is not what the vendor said */
    WIRE_WHOLE
};

struct wire {
    struct wire *older, *next_free;
    struct arena arena;
    json_t *mapped; /* owned */
    /* The side that asks. */
    struct question question;
    struct http_request request;
    struct told told;
    bool is_told;
    /* The side that answers. */
    struct face face;
    enum wire_how how;
    struct http_response response;
    struct buffer body;
    struct ledger_entry *listed[REPLICATE_PAGE];
    bool shows_inputs[REPLICATE_PAGE];
    unsigned listed_count;
    int64_t next; /* the cursor of what comes after the list; 0: nothing does */
};

struct wires {
    struct wire *all, *free;
    struct arena said; /* what words of this turn borrow */
};

/* wire_host.c: how the entry stands, as a job of the vendor's. */
void wire_fill_job(const struct world *world, const struct ledger_entry *entry, int progress,
                   struct job *ret_job);

#endif
