/* Face to face: the calls of the faked world as bytes. What the core wants asked is asked by the
 * real adapters (provider/question.h) and read by the real dialects (face.h); what the vendor's
 * books say to it goes back by the dialect and is read by the adapter, unless something happened to
 * it on its way. Which calls come late or never, and what vendors do, is vendor.c's affair all the
 * same, so both modes play the same faults under the same judge.
 *
 * Judged here (L3, the third law): each side understands what the other means, no more and no
 * less, and what was harmed on its way is taken for no word at all. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "world.h"

struct vendor_call;

void wire_init(struct world *world);
void wire_done(struct world *world);
/* Whether calls of this world are bytes. */
bool wire_is_on(const struct world *world);
/* The new submission's input, in our words. */
void wire_write_input(struct world *world, struct submission *submission);

/* The question that an effect asks: call->wire. */
void wire_open(struct world *world, struct vendor_call *call, const struct effect *effect);
void wire_close(struct world *world, struct vendor_call *call);
/* The call reached its vendor: false, and an invariant is broken, when it means something else
 * than the core does. */
bool wire_arrive(struct world *world, struct vendor_call *call);
/* Who is listed for a search: of kind FOUND or ABSENT then. */
void wire_list(struct world *world, struct vendor_call *call);
/* The answer leaves: what call->kind and its entry say. `is_lost`: it never arrives. */
void wire_answer(struct world *world, struct vendor_call *call, bool is_lost);
/* What was told; NULL: the question goes on with another request. Borrowed until the turn ends. */
const struct told *wire_hear(struct world *world, struct vendor_call *call);
/* The entry whose file lies at the URL, counted from 1; 0: nobody's. */
unsigned wire_find_file(const struct world *world, struct span url);
/* A new submission was accepted: its id, and what it costs as the protocol tells it. */
void wire_accept(struct world *world, struct vendor_call *call, struct ledger_entry *entry);
/* How it ended was decided anew. */
void wire_settle(const struct world *world, struct ledger_entry *entry);
/* A call back reaches us. False: it was refused, or says nothing. */
bool wire_hint(struct world *world, const struct vendor_call *call, struct told *ret_told);
/* Words of the last turn are not needed any more. */
void wire_turn(struct world *world);

#endif
