/* Doubly linked lists whose links lie inside the objects. A list head is a link too; an unlinked
 * link points to itself, so removing twice is harmless. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

#define LIST_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define LIST_EACH(head, link)                                                                      \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);              \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *link)
{
    link->next = link->previous = link;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* To the end of the list. */
static inline void list_add(struct list *head, struct list *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* The first link, taken out; NULL of an empty list. */
static inline struct list *list_take(struct list *head)
{
    struct list *link = head->next;
    if (link == head)
        return NULL;
    list_remove(link);
    return link;
}

#endif
