#include "store/ram_tree.h"

#include <assert.h>

static bool before(int64_t major, int64_t minor, const struct ram_node *node)
{
    return major != node->major ? major < node->major : minor < node->minor;
}

/* Mixes the order's numbers into a weight (the finalizer of a 64-bit hash). */
static uint64_t weigh(int64_t major, int64_t minor)
{
    uint64_t bits = (uint64_t)major * 0x9E3779B97F4A7C15u + (uint64_t)minor;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBu;
    return bits ^ bits >> 31;
}

/* Cuts what hangs at `from` into what comes before the node and what comes after it. */
static void split(struct ram_node *from, struct ram_node *node)
{
    struct ram_node **left = &node->left, **right = &node->right;
    while (from) {
        if (before(node->major, node->minor, from)) {
            *right = from;
            right = &from->left;
            from = from->left;
        } else {
            *left = from;
            left = &from->right;
            from = from->right;
        }
    }
    *left = *right = NULL;
}

void ram_tree_add(struct ram_tree *tree, struct ram_node *node, int64_t major, int64_t minor)
{
    assert(!node->tree);
    node->tree = tree;
    node->major = major;
    node->minor = minor;
    node->weight = weigh(major, minor);
    struct ram_node **place = &tree->root;
    while (*place && (*place)->weight >= node->weight) {
        assert((*place)->major != major || (*place)->minor != minor);
        place = before(major, minor, *place) ? &(*place)->left : &(*place)->right;
    }
    split(*place, node);
    *place = node;
}

void ram_tree_remove(struct ram_node *node)
{
    if (!node->tree)
        return;
    struct ram_node **place = &node->tree->root;
    while (*place != node) {
        assert(*place);
        bool left = before(node->major, node->minor, *place);
        place = left ? &(*place)->left : &(*place)->right;
    }
    struct ram_node *left = node->left, *right = node->right;
    while (left && right) {
        if (left->weight >= right->weight) {
            *place = left;
            place = &left->right;
            left = left->right;
        } else {
            *place = right;
            place = &right->left;
            right = right->left;
        }
    }
    *place = left ? left : right;
    node->tree = NULL;
}

struct ram_node *ram_tree_from(const struct ram_tree *tree, int64_t major, int64_t minor)
{
    struct ram_node *found = NULL;
    for (struct ram_node *node = tree->root; node;) {
        if (node->major != major ? node->major < major : node->minor < minor) {
            node = node->right;
        } else {
            found = node;
            node = node->left;
        }
    }
    return found;
}

struct ram_node *ram_tree_after(const struct ram_tree *tree, const struct ram_node *node)
{
    if (node->minor == INT64_MAX)
        return node->major == INT64_MAX ? NULL : ram_tree_from(tree, node->major + 1, INT64_MIN);
    return ram_tree_from(tree, node->major, node->minor + 1);
}

struct ram_node *ram_tree_before(const struct ram_tree *tree, int64_t major, int64_t minor)
{
    struct ram_node *found = NULL;
    for (struct ram_node *node = tree->root; node;) {
        if (node->major != major ? node->major < major : node->minor < minor) {
            found = node;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return found;
}
