/* An ordered tree whose nodes lie inside the objects: every index of the memory store is one. Nodes
 * are ordered by two numbers; the shape is a treap whose weights are drawn from those numbers, so
 * that two runs of one seed agree and no order of insertion makes it deep. */
#ifndef STORE_RAM_TREE_H
#define STORE_RAM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ram_tree;

struct ram_node {
    struct ram_tree *tree; /* where it is linked; NULL: nowhere */
    struct ram_node *left, *right;
    int64_t major, minor;
    uint64_t weight;
};

struct ram_tree {
    struct ram_node *root;
};

#define RAM_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The node must be linked nowhere, and no other of the tree may have the same two numbers. */
void ram_tree_add(struct ram_tree *tree, struct ram_node *node, int64_t major, int64_t minor);
/* Harmless when the node is linked nowhere. */
void ram_tree_remove(struct ram_node *node);
/* The first node at or after (major, minor); NULL when there is none. */
struct ram_node *ram_tree_from(const struct ram_tree *tree, int64_t major, int64_t minor);
/* The first node after `node`, which need not be linked any more. */
struct ram_node *ram_tree_after(const struct ram_tree *tree, const struct ram_node *node);
/* The last node before (major, minor); NULL when there is none. */
struct ram_node *ram_tree_before(const struct ram_tree *tree, int64_t major, int64_t minor);

#endif
