/* The judge. It holds the ledgers against each other: cheaply after every turn, by what that turn
 * changed, and wholly now and then, at every start and at the end. It knows the rules from the
 * specification, not from the core: its own tables, its own idea of who is next. Numbers as in
 * "I13" are those of the reliability page. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "world.h"

/* Before the turn steps the batch. */
void oracle_before(struct world *world);
/* After the commit and before any effect: takes the turn's changes into the ledger. */
void oracle_turn(struct world *world);
/* After a commit that nobody knows the truth of: if it was kept, as oracle_turn. */
void oracle_recount(struct world *world);
/* Before an effect is carried out. */
void oracle_effect(struct world *world, const struct effect *effect);
/* When the turn is over: nothing that may start is left waiting. */
void oracle_rest(struct world *world);
/* Every row against the ledger, and the core's gauges against the rows. */
void oracle_audit(struct world *world);
/* Before a start: what the store would tell a core. */
void oracle_boot(struct world *world);
void oracle_stuck(struct world *world, const char *when);
void oracle_end(struct world *world);

/* -- shared by the oracle's files */

/* An attempt of the job starts, here or elsewhere: whether it may. */
void oracle_start(struct world *world, struct ledger_job *job, const struct job *row);
/* oracle_queue.c: limits and order (I25, I26, I27, I33), after the rows were taken. */
void oracle_queue_check(struct world *world);
/* oracle_hook.c */
void oracle_hook_turn(struct world *world);
void oracle_hook_row(struct world *world, const struct ledger_job *job, const struct job *row);
void oracle_hook_effect(struct world *world, int64_t job, unsigned number);
void oracle_hook_audit(struct world *world);
void oracle_hook_end(struct world *world);
/* oracle_reply.c */
void oracle_reply_check(struct world *world, const struct reply *reply);
/* What holds for the tenant: its row, where it has one, else the configuration; 0: no limit. */
unsigned oracle_tenant_limit(const struct world *world, unsigned tenant);
unsigned oracle_tenant_weight(const struct world *world, unsigned tenant);
int64_t oracle_tenant_open(const struct world *world, unsigned tenant);
/* The number of the tenant; the swarm's tenant_count when there is none. */
unsigned oracle_tenant_find(const struct world *world, const char *name);
/* Before a turn, and for each row of a tenant that it writes. */
void oracle_tenant_begin(struct world *world);
void oracle_tenant_take(struct world *world, const struct tenant_row *row);
/* Whether the queue of all, or of the tenant, may have been full for so many more. */
bool oracle_tenant_full(const struct world *world, unsigned tenant, unsigned count);
/* What a start would tell. */
void oracle_tenant_boot(struct world *world, const struct tenant_row *row);
/* oracle_vendor.c: the third ledger, what vendors accepted. */
/* A row is taken; `job` is as it was before. */
void oracle_vendor_row(struct world *world, struct ledger_job *job, const struct job *row);
void oracle_vendor_effect(struct world *world, const struct effect *effect, struct ledger_job *job,
                          const struct job *row);
/* A vendor has just accepted. */
void oracle_vendor_accepted(struct world *world, const struct ledger_job *job,
                            const struct ledger_entry *entry);
/* Whether another attempt's row names it. */
bool oracle_vendor_is_claimed(const struct ledger_entry *entry, int64_t job, unsigned attempt);
/* Whether anything was ever accepted of the job. */
bool oracle_vendor_had(const struct ledger_job *job);
bool oracle_vendor_is_open(enum attempt_state state);
/* The number of the provider; the swarm's provider_count when there is none. */
unsigned oracle_vendor_find(const struct world *world, const char *provider);
/* What operators resolve in this batch. */
void oracle_vendor_before(struct world *world);
void oracle_vendor_end(struct world *world, struct reader *reader, const struct ledger_job *job);
/* oracle_late.c: word of submissions that had been given up. */
void oracle_late_before(struct world *world);
/* How the attempt stands by the rows; of none that was: an intent. */
enum attempt_state oracle_late_state(const struct ledger_job *job, unsigned attempt);
/* Whether the row was opened again in this turn; `job` is as it was before. */
bool oracle_late_is(const struct ledger_job *job, const struct job *row);
void oracle_late_row(struct world *world, struct ledger_job *job);
/* Before a row is checked: where another attempt than before is at hand, `job` shows that one as it
 * was. */
void oracle_late_take(struct world *world, struct ledger_job *job, const struct job *row);
/* … and after. */
void oracle_late_keep(struct world *world, struct ledger_job *job, const struct job *row);
void oracle_late_check(struct world *world);
/* oracle_money.c: budgets. */
void oracle_money_begin(struct world *world);
/* A row of a model that vendors run is taken; `job` is as it was before, but for its attempt's
 * provider. */
void oracle_money_row(struct world *world, struct ledger_job *job, const struct job *row);
/* After the rows of a turn. */
void oracle_money_check(struct world *world);
bool oracle_money_may_refuse(const struct world *world, const struct submission *submission,
                             enum error_code error);
bool oracle_money_has_room(const struct world *world, unsigned provider);
/* The sums of the core, if there is one, and of the store. */
void oracle_money_audit(struct world *world, bool has_core);
void oracle_money_end(struct world *world);
/* oracle_breaker.c: what of a vendor is surely blocked, and what surely is not. */
void oracle_breaker_before(struct world *world);
/* After the commit; when the turn is over. */
void oracle_breaker_turn(struct world *world);
void oracle_breaker_rest(struct world *world);
/* Before a start, which begins with a good opinion of all but those that the store then tells of.
 */
void oracle_breaker_told(struct world *world, const char *provider);
void oracle_breaker_boot(struct world *world);
/* A submission there had no answer at all. */
void oracle_breaker_doubt(struct world *world, unsigned vendor);
/* A new attempt is submitted there. */
void oracle_breaker_submit(struct world *world, unsigned vendor, int64_t job);
/* How many more of the model may be at its providers, at least. */
unsigned oracle_breaker_room(const struct world *world, unsigned model);

/* How many more of the model and tenant may be in flight. */
unsigned oracle_queue_room(const struct world *world, unsigned tenant, unsigned model);

#endif
