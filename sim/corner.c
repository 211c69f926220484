#include "corner.h"

#include "client.h"
#include "oracle.h"
#include "vendor_private.h"

#include <stdio.h>
#include <string.h>

enum {
    CORNER_CLASS_BITS = 7,
    CORNER_FACES = 6, /* three providers, that call back or do not */
    CORNER_PAIRS = CORNER_KINDS * (CORNER_KINDS - 1) / 2,
    CORNER_OF_PAIRS = CORNER_PAIRS * CORNER_PASSES * CORNER_PASSES,
    CORNER_OF_SETS = (1 << CORNER_KINDS) * CORNER_PASSES,
    CORNER_A_CLASS = CORNER_OF_PAIRS + CORNER_OF_SETS,
    CORNER_WORK_MS = 20000
};

static const char *const kind_names[CORNER_KINDS] = {
#define CORNER_NAME(upper, lower) #lower,
    CORNER_LIST(CORNER_NAME)
#undef CORNER_NAME
};

/* What tells the classes apart, core alone. */
static const struct {
    enum can can;
    const char *name;
} class_bits[CORNER_CLASS_BITS] = {
    {CAN_KEY, "key"},
    {CAN_CHOOSE_ID, "choose_id"},
    {CAN_FIND_EXACT, "find_exact"},
    {CAN_FIND_LIKELY, "find_likely"},
    {CAN_FIND_ABSENCE, "find_absence"},
    {CAN_CANCEL, "cancel"},
    {CAN_HOOK, "hook"},
};

uint64_t corner_count(bool is_face)
{
    return (uint64_t)CORNER_A_CLASS * (is_face ? CORNER_FACES : 1 << CORNER_CLASS_BITS);
}

/* The pair of that number: 0 and 1, 0 and 2, … */
static void read_pair(unsigned number, unsigned *ret_first, unsigned *ret_second)
{
    unsigned first = 0;
    while (number >= CORNER_KINDS - 1 - first)
        number -= CORNER_KINDS - 1 - first++;
    *ret_first = first;
    *ret_second = first + 1 + number;
}

struct corner corner_make(uint64_t number, bool is_face)
{
    struct corner corner = {.number = number};
    unsigned rest = (unsigned)(number % CORNER_A_CLASS), first, second;
    corner.class =
        (unsigned)(number / CORNER_A_CLASS % (is_face ? CORNER_FACES : 1 << CORNER_CLASS_BITS));
    if (rest < CORNER_OF_PAIRS) {
        read_pair(rest / (CORNER_PASSES * CORNER_PASSES), &first, &second);
        corner.at[first] = 1 + rest / CORNER_PASSES % CORNER_PASSES;
        corner.at[second] = 1 + rest % CORNER_PASSES;
        return corner;
    }
    rest -= CORNER_OF_PAIRS;
    for (unsigned kind = 0; kind < CORNER_KINDS; kind++) {
        if (rest / CORNER_PASSES >> kind & 1)
            corner.at[kind] = 1 + rest % CORNER_PASSES;
    }
    return corner;
}

static void draw_config(struct swarm *swarm)
{
    struct core_config *config = &swarm->config;
    config->tenant_count = config->provider_count = config->model_count = 0;
    config->vendor_count = 1;
    config->limit_all = 10;
    config->limit_tenant = config->limit_provider = 0;
    config->queue_max = config->queue_tenant = 0;
    config->budget_count = 0;
    config->timeout = 10 * MS_MINUTE;
    config->submit_timeout = MS_MINUTE;
    config->uncertain_hold = 10 * MS_MINUTE;
}

static void draw_vendor(unsigned class, struct swarm *swarm)
{
    struct core_vendor *vendor = &swarm->vendors[0];
    unsigned can = 0;
    for (unsigned bit = 0; bit < CORNER_CLASS_BITS; bit++)
        can |= class >> bit & 1 ? (unsigned)class_bits[bit].can : 0;
    (void)span_copy(SPAN("vendor"), swarm->provider_names[1], SWARM_NAME_SIZE);
    vendor->traits = (struct can_vendor){
        .name = swarm->provider_names[1],
        .can = can,
        .key_kept = MS_HOUR,
        .list_kept = MS_HOUR,
        .result_kept = MS_HOUR,
        .url_kept = MS_HOUR,
        .poll_min = MS_SECOND,
        .poll_first = 5 * MS_SECOND,
        .poll_last = 30 * MS_SECOND,
    };
    vendor->calls_back = can & CAN_HOOK;
    swarm->says_cost[0] = false;
}

/* One tenant, one model, one vendor; core alone its class says what it can. */
void corner_draw(const struct corner *corner, struct swarm *swarm)
{
    swarm->jobs = 1;
    swarm->tenant_count = swarm->model_count = swarm->local_count = swarm->vendor_count = 1;
    swarm->provider_count = 2;
    swarm->priority_count = 1;
    swarm->gap = 1;
    swarm->work = CORNER_WORK_MS;
    swarm->window = 0;
    swarm->batch = 1;
    (void)span_copy(SPAN("provider0"), swarm->provider_names[0], SWARM_NAME_SIZE);
    swarm->providers[0] = (struct core_limit){.name = swarm->provider_names[0]};
    swarm->providers[1] = (struct core_limit){.name = swarm->provider_names[1]};
    swarm->tenants[0].limit = swarm->models[0].limit = 0;
    swarm->models[0].timeout = 0;
    if (corner->at[CORNER_EXPIRY])
        swarm->rates[SWARM_CLOCK_FORWARD] = 1; /* for the judge, who is patient with jumps */
    draw_config(swarm);
    draw_vendor(corner->class, swarm);
    struct swarm_route *route = &swarm->routes[0];
    *route = (struct swarm_route){.count = 1, .prices = {50000}};
    (void)snprintf(route->text, sizeof route->text, "%s\t50000\tslug0\n", swarm->provider_names[1]);
    swarm->models[0].providers[0] = swarm->provider_names[1];
    swarm->models[0].providers[1] = NULL;
    swarm->model_provider[0] = 1;
}

bool corner_strikes(struct corner *corner, enum swarm_fault fault)
{
    static const struct {
        enum swarm_fault fault;
        enum corner_kind kind;
        bool waits; /* for the next time that it can */
    } list[] = {
        {SWARM_CRASH, CORNER_CRASH, false},
        {SWARM_CRASH_EFFECTS, CORNER_DEATH, false},
        {SWARM_VENDOR_LOST, CORNER_LOST, true},
        {SWARM_VENDOR_STUMBLES, CORNER_UNREAD, true},
    };
    for (size_t n = 0; n < sizeof list / sizeof list[0]; n++) {
        enum corner_kind kind = list[n].kind;
        if (list[n].fault != fault || !corner->at[kind] || corner->happened[kind])
            continue;
        bool is_due =
            list[n].waits ? corner->passes >= corner->at[kind] : corner->passes == corner->at[kind];
        corner->happened[kind] = is_due;
        return is_due;
    }
    return false;
}

static bool is_due(struct corner *corner, enum corner_kind kind)
{
    return corner->at[kind] == corner->passes;
}

void corner_pass(struct world *world)
{
    struct corner *corner = world->corner;
    corner->passes++;
    const struct ledger *ledger = &world->ledger;
    const struct ledger_job *job = ledger->job_count ? ledger->jobs[0] : NULL;
    if (is_due(corner, CORNER_EXPIRY))
        world->offset += CORNER_DEADLINE_MS; /* by our clock */
    if (!job || !job->acknowledged)
        return;
    if (is_due(corner, CORNER_CANCEL)) {
        struct request *request = ledger_request(&world->ledger, REQUEST_CANCEL, 0);
        request->job = job->key;
        world_plan(world, ITEM_SEND, 0)->request = request;
    }
    if (is_due(corner, CORNER_HINT) && job->entries && world->swarm.vendors[0].calls_back)
        vendor_call_back_now(world, job->entries);
}

void corner_describe(const struct corner *corner, char target[static CORNER_TEXT_SIZE])
{
    size_t size = (size_t)snprintf(target, CORNER_TEXT_SIZE,
                                   "corner %llu, class %u:", (unsigned long long)corner->number,
                                   corner->class);
    for (unsigned kind = 0; kind < CORNER_KINDS; kind++) {
        if (corner->at[kind])
            size += (size_t)snprintf(target + size, CORNER_TEXT_SIZE - size, " %s@%u",
                                     kind_names[kind], corner->at[kind]);
    }
}
