#include "edge/address.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

void address_book_init(struct address_book *book)
{
    map_init(&book->map);
}

void address_book_done(struct address_book *book)
{
    assert(book->map.live == 0);
    map_done(&book->map);
}

static struct network_address key_of(const struct network_address *address)
{
    static const struct network_address zero;
    struct network_address key = *address;
    /* IPv4 is mapped: its first 64 bits are zero, and all of the rest tells it. */
    if (memcmp(key.bytes, zero.bytes, 8) != 0)
        memset(key.bytes + 8, 0, 8);
    return key;
}

struct address *address_take(struct address_book *book, const struct network_address *address,
                             unsigned max)
{
    struct network_address key = key_of(address);
    struct address *found = map_get(&book->map, span_make(key.bytes, sizeof key.bytes));
    if (found ? found->count >= max : max == 0)
        return NULL;
    if (!found) {
        found = memory_new(struct address);
        found->key = key;
        map_set(&book->map, span_make(found->key.bytes, sizeof found->key.bytes), found);
    }
    found->count++;
    return found;
}

void address_release(struct address_book *book, struct address *address)
{
    if (!address)
        return;
    assert(address->count > 0);
    if (--address->count > 0)
        return;
    (void)map_remove(&book->map, span_make(address->key.bytes, sizeof address->key.bytes));
    memory_free(address);
}
