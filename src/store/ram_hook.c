#include "store/ram_hook.h"

#include "base/memory.h"
#include "store/ram_change.h"

#include <string.h>

enum { HOOK_EXPIRED_MAX = 16 /* in one commit */ };

struct ram_delivery *ram_hook_find(const struct ram *ram, int64_t job, unsigned number)
{
    struct ram_node *node = ram_tree_from(&ram->deliveries, job, number);
    if (!node || node->major != job || node->minor != number)
        return NULL;
    return RAM_OWNER(node, struct ram_delivery, place);
}

static struct ram_hook_lane *lane_of(struct ram *ram, int64_t key)
{
    struct ram_hook_lane *lane = map_get(&ram->lanes, span_make(&key, sizeof key));
    if (lane)
        return lane;
    lane = memory_new(struct ram_hook_lane);
    lane->row = (struct hook_lane){.key = key, .next_at = MS_NEVER};
    map_set(&ram->lanes, span_make(&lane->row.key, sizeof lane->row.key), lane);
    return lane;
}

/* Brings the delivery's places, and the count, in line with its row. */
static void place(struct ram *ram, struct ram_delivery *delivery)
{
    const struct delivery *row = &delivery->row;
    ram->hooks_pending -= delivery->due.tree != NULL;
    ram_tree_remove(&delivery->due);
    ram_tree_remove(&delivery->ended);
    if (row->state == DELIVERY_PENDING)
        ram_tree_add(&lane_of(ram, row->lane)->pending, &delivery->due, row->next_at,
                     delivery->sequence);
    else
        ram_tree_add(&ram->deliveries_ended, &delivery->ended, row->ended_at, delivery->sequence);
    ram->hooks_pending += row->state == DELIVERY_PENDING;
}

static void place_lane(struct ram *ram, struct ram_hook_lane *lane)
{
    ram_tree_remove(&lane->due);
    if (lane->row.next_at != MS_NEVER)
        ram_tree_add(&ram->lanes_due[lane->row.failing], &lane->due, lane->row.next_at,
                     lane->row.key);
}

/* Out of sight, but kept until the transaction ends: a rollback brings it back. */
static void hide(struct ram *ram, struct ram_delivery *delivery)
{
    ram->hooks_pending -= delivery->due.tree != NULL;
    ram_tree_remove(&delivery->due);
    ram_tree_remove(&delivery->ended);
    ram_tree_remove(&delivery->place);
}

static void free_delivery(struct ram_delivery *delivery)
{
    memory_free(delivery->body);
    memory_free(delivery->log);
    memory_free(delivery);
}

static void drop(struct ram *ram, struct ram_delivery *delivery)
{
    hide(ram, delivery);
    free_delivery(delivery);
}

static void show(struct ram *ram, struct ram_delivery *delivery)
{
    ram_tree_add(&ram->deliveries, &delivery->place, delivery->row.job, delivery->row.number);
    place(ram, delivery);
}

static struct ram_delivery *make(struct ram *ram, const struct delivery *row, struct span body)
{
    struct ram_delivery *delivery = memory_new(struct ram_delivery);
    delivery->row = *row;
    delivery->body = memory_copy(body);
    delivery->sequence = ++ram->delivery_sequence;
    show(ram, delivery);
    return delivery;
}

/* ---------------------------------------------------------------- changes */

/* The same as the other stores' constraints. */
static const char *broken_rule(const struct delivery *row)
{
    bool is_pending = row->state == DELIVERY_PENDING;
    if ((row->next_at > 0) != is_pending || (row->ended_at > 0) == is_pending)
        return "a delivery is pending and due, or it has ended";
    if (row->number == 0 || row->lane == 0 || row->logged < row->tries)
        return "a delivery has a number, a lane and a log";
    return NULL;
}

static enum store_result insert(struct ram *ram, const struct hook_insert *change)
{
    const char *rule = broken_rule(&change->row);
    if (!rule && ram_hook_find(ram, change->row.job, change->row.number))
        rule = "a delivery is made once";
    if (!rule && change->body.size == 0)
        rule = "a delivery has a body";
    if (rule)
        return ram_change_broken(rule, change->row.job);
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_DELIVERY);
    undo->made = true;
    undo->delivery.delivery = make(ram, &change->row, change->body);
    return STORE_OK;
}

static enum store_result update(struct ram *ram, const struct delivery *row)
{
    struct ram_delivery *delivery = ram_hook_find(ram, row->job, row->number);
    const char *rule = broken_rule(row);
    if (!rule && delivery &&
        (delivery->row.lane != row->lane || delivery->row.event != row->event ||
         delivery->row.created_at != row->created_at))
        rule = "a delivery stays what it is";
    if (rule)
        return ram_change_broken(rule, row->job);
    if (!delivery)
        return STORE_OK;
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_DELIVERY);
    undo->delivery.delivery = delivery;
    undo->delivery.old = delivery->row;
    delivery->row = *row;
    place(ram, delivery);
    return STORE_OK;
}

static void add_try(struct ram *ram, const struct delivery_try *line)
{
    struct ram_delivery *delivery = ram_hook_find(ram, line->job, line->delivery);
    if (!delivery)
        return;
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_TRY);
    undo->attempt.delivery = delivery;
    undo->attempt.old = NULL;
    if (delivery->log_count == NOTIFY_LOG_MAX) {
        undo->attempt.old = memory_new(struct delivery_try);
        *undo->attempt.old = delivery->log[0];
        memmove(&delivery->log[0], &delivery->log[1],
                (NOTIFY_LOG_MAX - 1) * sizeof delivery->log[0]);
        delivery->log_count--;
    } else if (!delivery->log) {
        delivery->log = memory_make(NOTIFY_LOG_MAX * sizeof delivery->log[0]);
    }
    delivery->log[delivery->log_count++] = *line;
}

static void forget(struct ram *ram, int64_t job)
{
    struct ram_node *node;
    while ((node = ram_tree_from(&ram->deliveries, job, INT64_MIN)) && node->major == job) {
        struct ram_delivery *delivery = RAM_OWNER(node, struct ram_delivery, place);
        ram_change_note(ram, RAM_UNDO_FORGET)->delivery.delivery = delivery;
        hide(ram, delivery);
    }
}

static void put_lane(struct ram *ram, const struct hook_lane *row, bool is_due)
{
    struct ram_hook_lane *lane = lane_of(ram, row->key);
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_LANE);
    undo->lane.lane = lane;
    undo->lane.old = lane->row;
    if (!is_due || lane->row.next_at == MS_NEVER)
        lane->row = *row;
    else if (row->next_at < lane->row.next_at)
        lane->row.next_at = row->next_at;
    place_lane(ram, lane);
}

static void put_secret(struct ram *ram, const struct hook_secret *row)
{
    struct hook_secret *secret = map_get(&ram->secrets, span_of(row->tenant));
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_SECRET);
    undo->secret.old = NULL;
    if (secret) {
        undo->secret.old = memory_new(struct hook_secret);
        *undo->secret.old = *secret;
        *secret = *row;
    } else {
        secret = memory_new(struct hook_secret);
        *secret = *row;
        map_set(&ram->secrets, span_of(secret->tenant), secret);
    }
    undo->secret.secret = secret;
}

enum store_result ram_hook_apply(struct ram *ram, const struct hook_change *change)
{
    switch (change->kind) {
    case HOOK_INSERT:
        return insert(ram, &change->insert);
    case HOOK_UPDATE:
        return update(ram, &change->delivery);
    case HOOK_TRY:
        add_try(ram, &change->attempt);
        return STORE_OK;
    case HOOK_FORGET:
        forget(ram, change->job);
        return STORE_OK;
    case HOOK_LANE_DUE:
    case HOOK_LANE_PUT:
        put_lane(ram, &change->lane, change->kind == HOOK_LANE_DUE);
        return STORE_OK;
    case HOOK_SECRET:
        put_secret(ram, &change->secret);
        return STORE_OK;
    }
    return ram_change_broken("every change of a webhook has a kind", 0);
}

/* ---------------------------------------------------------------- wants */

static void get_lanes(const struct ram *ram, const struct want *want, struct got *ret_got)
{
    const struct ram_tree *tree = &ram->lanes_due[want->failing];
    struct ram_node *node = ram_tree_from(tree, want->after, want->lane);
    if (node && node->major == want->after && node->minor == want->lane)
        node = ram_tree_after(tree, node);
    while (node && node->major <= want->before && ret_got->item_count < want->limit) {
        ret_got->lanes[ret_got->item_count++] = RAM_OWNER(node, struct ram_hook_lane, due)->row;
        node = ram_tree_after(tree, node);
    }
    ret_got->next_due = node ? node->major : MS_NEVER;
}

static void get_deliveries(const struct ram *ram, const struct want *want, struct got *ret_got)
{
    const struct ram_hook_lane *lane =
        map_get(&ram->lanes, span_make(&want->lane, sizeof want->lane));
    if (!lane)
        return;
    struct ram_node *node = ram_tree_from(&lane->pending, INT64_MIN, INT64_MIN);
    while (node && node->major <= want->before && ret_got->item_count < want->limit) {
        ret_got->deliveries[ret_got->item_count++] = RAM_OWNER(node, struct ram_delivery, due)->row;
        node = ram_tree_after(&lane->pending, node);
    }
    ret_got->next_due = node ? node->major : MS_NEVER;
}

void ram_hook_want(const struct ram *ram, const struct want *want, struct got *ret_got)
{
    if (want->kind == WANT_LANES)
        get_lanes(ram, want, ret_got);
    else
        get_deliveries(ram, want, ret_got);
}

/* ---------------------------------------------------------------- the end of a transaction */

void ram_hook_expire(struct ram *ram, ms_t now)
{
    for (unsigned n = 0; n < HOOK_EXPIRED_MAX; n++) {
        struct ram_node *node = ram_tree_from(&ram->deliveries_ended, INT64_MIN, INT64_MIN);
        if (!node || node->major + NOTIFY_KEPT_DAYS * MS_DAY > now)
            return;
        drop(ram, RAM_OWNER(node, struct ram_delivery, ended));
    }
}

void ram_hook_keep(struct ram_undo *undo)
{
    if (undo->kind == RAM_UNDO_TRY)
        memory_free(undo->attempt.old);
    else if (undo->kind == RAM_UNDO_SECRET)
        memory_free(undo->secret.old);
    else if (undo->kind == RAM_UNDO_FORGET)
        free_delivery(undo->delivery.delivery);
}

static void undo_try(struct ram_undo *undo)
{
    struct ram_delivery *delivery = undo->attempt.delivery;
    delivery->log_count--;
    if (!undo->attempt.old)
        return;
    memmove(&delivery->log[1], &delivery->log[0], delivery->log_count * sizeof delivery->log[0]);
    delivery->log[0] = *undo->attempt.old;
    delivery->log_count++;
    memory_free(undo->attempt.old);
}

static void undo_secret(struct ram *ram, struct ram_undo *undo)
{
    if (undo->secret.old) {
        *undo->secret.secret = *undo->secret.old;
        memory_free(undo->secret.old);
        return;
    }
    (void)map_remove(&ram->secrets, span_of(undo->secret.secret->tenant));
    memory_free(undo->secret.secret);
}

void ram_hook_undo(struct ram *ram, struct ram_undo *undo)
{
    if (undo->kind == RAM_UNDO_DELIVERY && undo->made) {
        drop(ram, undo->delivery.delivery);
    } else if (undo->kind == RAM_UNDO_DELIVERY) {
        undo->delivery.delivery->row = undo->delivery.old;
        place(ram, undo->delivery.delivery);
    } else if (undo->kind == RAM_UNDO_FORGET) {
        show(ram, undo->delivery.delivery);
    } else if (undo->kind == RAM_UNDO_TRY) {
        undo_try(undo);
    } else if (undo->kind == RAM_UNDO_LANE) {
        undo->lane.lane->row = undo->lane.old;
        place_lane(ram, undo->lane.lane);
    } else {
        undo_secret(ram, undo);
    }
}

/* ---------------------------------------------------------------- the whole */

static void clone_delivery(struct ram *target, const struct ram_delivery *source)
{
    struct ram_delivery *delivery = make(target, &source->row, span_of(source->body));
    delivery->log_count = source->log_count;
    if (!source->log)
        return;
    delivery->log = memory_make(NOTIFY_LOG_MAX * sizeof delivery->log[0]);
    memcpy(delivery->log, source->log, source->log_count * sizeof delivery->log[0]);
}

void ram_hook_clone(struct ram *target, const struct ram *source)
{
    for (struct ram_node *node = ram_tree_from(&source->deliveries, INT64_MIN, INT64_MIN); node;
         node = ram_tree_after(&source->deliveries, node))
        clone_delivery(target, RAM_OWNER(node, struct ram_delivery, place));
    size_t cursor = 0;
    for (const struct ram_hook_lane *lane; (lane = map_next(&source->lanes, &cursor));) {
        struct ram_hook_lane *copy = lane_of(target, lane->row.key);
        copy->row = lane->row;
        place_lane(target, copy);
    }
    cursor = 0;
    for (const struct hook_secret *secret; (secret = map_next(&source->secrets, &cursor));) {
        struct hook_secret *copy = memory_new(struct hook_secret);
        *copy = *secret;
        map_set(&target->secrets, span_of(copy->tenant), copy);
    }
}

void ram_hook_free(struct ram *ram)
{
    while (ram->deliveries.root)
        drop(ram, RAM_OWNER(ram->deliveries.root, struct ram_delivery, place));
    size_t cursor = 0;
    for (void *lane; (lane = map_next(&ram->lanes, &cursor));)
        memory_free(lane);
    cursor = 0;
    for (void *secret; (secret = map_next(&ram->secrets, &cursor));)
        memory_free(secret);
    map_done(&ram->lanes);
    map_done(&ram->secrets);
}
