#include "app/table.h"

#include "app/glyph.h"
#include "app/terminal.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { TABLE_TEXT_MAX = 8 << 20 };

void table_init(struct table *table, const struct table_column *columns, unsigned column_count)
{
    *table = (struct table){.columns = columns, .column_count = column_count};
}

void table_done(struct table *table)
{
    memory_free(table->cells);
}

void table_add(struct table *table, const struct table_cell *cells)
{
    size_t row = sizeof *cells * table->column_count;
    if (table->row_count == TABLE_ROWS_MAX)
        return;
    if (table->row_count == table->row_capacity) {
        table->row_capacity = table->row_capacity ? table->row_capacity * 2 : 32;
        table->cells = memory_grow(table->cells, row * table->row_capacity);
    }
    memcpy(table->cells + (size_t)table->row_count++ * table->column_count, cells, row);
}

static const struct table_cell *cell_at(const struct table *table, unsigned row, unsigned column)
{
    return &table->cells[(size_t)row * table->column_count + column];
}

static void measure(const struct table *table, unsigned widths[static TABLE_COLUMNS_MAX])
{
    for (unsigned column = 0; column < table->column_count; column++) {
        widths[column] = glyph_width(span_of(table->columns[column].title));
        for (unsigned row = 0; row < table->row_count; row++) {
            unsigned width = glyph_width(span_of(cell_at(table, row, column)->text));
            if (width > widths[column])
                widths[column] = width;
        }
    }
}

static void shrink(const struct table *table, unsigned room,
                   unsigned widths[static TABLE_COLUMNS_MAX])
{
    for (;;) {
        unsigned sum = TABLE_GAP * (table->column_count - 1);
        unsigned widest = TABLE_COLUMNS_MAX;
        for (unsigned column = 0; column < table->column_count; column++) {
            sum += widths[column];
            if (table->columns[column].shrinks && widths[column] > table->columns[column].least &&
                (widest == TABLE_COLUMNS_MAX || widths[column] > widths[widest]))
                widest = column;
        }
        if (sum <= room || widest == TABLE_COLUMNS_MAX)
            return;
        widths[widest]--;
    }
}

static void write_row(const struct table *table, const struct table_cell *cells,
                      const unsigned widths[static TABLE_COLUMNS_MAX], bool has_colour,
                      struct buffer *target)
{
    for (unsigned column = 0; column < table->column_count; column++) {
        bool last = column + 1 == table->column_count;
        struct span text = span_of(cells[column].text);
        unsigned width = widths[column];
        /* Nothing is filled up at the end of a line. */
        if (last && !table->columns[column].right && glyph_width(text) < width)
            width = glyph_width(text);
        if (cells[column].ink != TERMINAL_PLAIN)
            buffer_add_text(target, terminal_ink(has_colour, cells[column].ink));
        glyph_fit(target, text, width, table->columns[column].right);
        if (cells[column].ink != TERMINAL_PLAIN)
            buffer_add_text(target, terminal_ink(has_colour, TERMINAL_PLAIN));
        if (!last)
            buffer_add(target, SPAN("  "));
    }
    while (target->size > 0 && target->data[target->size - 1] == ' ')
        target->size--;
    buffer_add_byte(target, '\n');
}

void table_write(const struct table *table, unsigned width, bool has_colour, struct buffer *target)
{
    unsigned widths[TABLE_COLUMNS_MAX] = {0};
    struct table_cell titles[TABLE_COLUMNS_MAX];
    measure(table, widths);
    if (width > 0)
        shrink(table, width, widths);
    for (unsigned column = 0; column < table->column_count; column++)
        titles[column] = (struct table_cell){table->columns[column].title, TERMINAL_DIM};
    write_row(table, titles, widths, has_colour, target);
    for (unsigned row = 0; row < table->row_count; row++)
        write_row(table, cell_at(table, row, 0), widths, has_colour, target);
}

void table_print(struct table *table)
{
    struct terminal terminal;
    struct buffer text;
    terminal_init(&terminal, stdout);
    buffer_init(&text, TABLE_TEXT_MAX);
    table_write(table, terminal.width, terminal.has_colour, &text);
    printf("%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
    table_done(table);
}
