#include "app/caller_health.h"

#include "base/memory.h"

struct note {
    ms_t asked_at, said_at; /* 0: never */
    char text[TOLD_STAGE_SIZE];
};

void caller_health_init(struct caller_health *health)
{
    (void)pthread_mutex_init(&health->lock, NULL);
    map_init(&health->notes);
}

void caller_health_done(struct caller_health *health)
{
    size_t cursor = 0;
    for (void *note; (note = map_next(&health->notes, &cursor));)
        memory_free(note);
    map_done(&health->notes);
    (void)pthread_mutex_destroy(&health->lock);
}

/* The lock is held. */
static struct note *note_of(struct caller_health *health, struct span endpoint)
{
    struct note *note = map_get(&health->notes, endpoint);
    if (note)
        return note;
    /* The key lies behind the note. */
    note = memory_make(sizeof *note + endpoint.size);
    *note = (struct note){0};
    memcpy(note + 1, endpoint.data, endpoint.size);
    map_set(&health->notes, span_make((const char *)(note + 1), endpoint.size), note);
    return note;
}

bool caller_health_due(struct caller_health *health, struct span endpoint, ms_t now)
{
    (void)pthread_mutex_lock(&health->lock);
    struct note *note = note_of(health, endpoint);
    bool is_due = !note->asked_at || now - note->asked_at >= CALLER_HEALTH_EVERY_MS;
    if (is_due)
        note->asked_at = now;
    (void)pthread_mutex_unlock(&health->lock);
    return is_due;
}

void caller_health_set(struct caller_health *health, struct span endpoint, const char *text,
                       ms_t now)
{
    (void)pthread_mutex_lock(&health->lock);
    struct note *note = note_of(health, endpoint);
    note->said_at = now;
    (void)span_copy(span_of(text), note->text, sizeof note->text);
    (void)pthread_mutex_unlock(&health->lock);
}

void caller_health_tell(struct caller_health *health, struct span endpoint, ms_t now,
                        struct told *told)
{
    if (told->kind != TOLD_WAITING || told->stage[0])
        return;
    (void)pthread_mutex_lock(&health->lock);
    const struct note *note = map_get(&health->notes, endpoint);
    if (note && note->said_at && now - note->said_at < CALLER_HEALTH_KEPT_MS)
        (void)span_copy(span_of(note->text), told->stage, sizeof told->stage);
    (void)pthread_mutex_unlock(&health->lock);
}
