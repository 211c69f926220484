/* Rows for people, laid out in columns that fit a terminal: where the room is short, columns that
 * may shrink are cut with an ellipsis, the widest first. */
#ifndef APP_TABLE_H
#define APP_TABLE_H

#include "app/terminal.h"
#include "base/arena.h"
#include "base/buffer.h"

enum { TABLE_COLUMNS_MAX = 10, TABLE_ROWS_MAX = 10000, TABLE_GAP = 2 };

struct table_column {
    const char *title;
    bool right;   /* aligned to the right */
    bool shrinks; /* may be cut, down to `least` */
    unsigned least;
};

struct table_cell {
    const char *text; /* borrowed until table_write; NULL is empty */
    enum terminal_ink ink;
};

struct table {
    const struct table_column *columns; /* borrowed */
    unsigned column_count;
    struct table_cell *cells; /* owned */
    unsigned row_count, row_capacity;
};

void table_init(struct table *table, const struct table_column *columns, unsigned column_count);
void table_done(struct table *table);
/* One cell for each column; rows beyond TABLE_ROWS_MAX are dropped. */
void table_add(struct table *table, const struct table_cell *cells);
/* `width` 0 is no limit: nothing is cut. */
void table_write(const struct table *table, unsigned width, bool has_colour, struct buffer *target);
/* On standard output, as wide as its terminal is; and table_done. */
void table_print(struct table *table);

#endif
