/* The memory store's reading side: sees committed rows only. */
#ifndef STORE_RAM_READER_H
#define STORE_RAM_READER_H

#include "store/ram_table.h"

struct reader *ram_reader_open(struct ram *ram);

#endif
