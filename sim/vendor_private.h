/* What vendor.c and wire.c share: a call to a vendor. */
#ifndef SIM_VENDOR_PRIVATE_H
#define SIM_VENDOR_PRIVATE_H

#include "vendor.h"

struct wire;

/* A call on its way there and back: what is asked, and what is answered. */
struct vendor_call {
    struct vendor_call *next_free;
    unsigned vendor, process;
    int64_t job;
    unsigned attempt;
    enum provider_call call;
    bool is_fetch;
    unsigned id; /* 1 + the entry that is asked for; 0: nobody's */
    bool by_mark;
    ms_t began; /* virtual */
    bool is_copy;
    bool is_forged;    /* a call back, by a stranger */
    struct wire *wire; /* its bytes; NULL: it has none */
    /* The answer. */
    bool sent;
    enum told_kind kind;
    struct ledger_entry *entry; /* whose id it names; NULL: no id */
    struct ledger_entry *lost;  /* what was accepted, and the answer will not say so */
    enum error_code error;
    bool again, passing, billed, has_file;
    int64_t cost;
    ms_t after;
    int progress;
    struct ledger_entry *found[TOLD_FOUND_MAX];
    unsigned found_count;
    bool is_exact;
};

struct vendor_call *vendor_make_call(struct world *world);
void vendor_free_call(struct world *world, struct vendor_call *call);
const struct can_vendor *vendor_traits(const struct world *world, unsigned vendor);
/* It has ended; the vendor still knows of it. */
bool vendor_is_over(const struct world *world, const struct ledger_entry *entry);
bool vendor_is_known(const struct world *world, const struct ledger_entry *entry);
/* vendor_hint.c */
/* At the entry's end, where its vendor calls back. */
void vendor_call_back(struct world *world, const struct ledger_entry *entry);
/* … and whether it has ended or not. */
void vendor_call_back_now(struct world *world, const struct ledger_entry *entry);
/* A stranger, perhaps, about the job's attempt. */
void vendor_forge(struct world *world, const struct job *job, unsigned vendor);

#endif
