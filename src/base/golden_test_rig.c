#include "base/golden_test_rig.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("%s can't be opened", path);
    struct buffer text;
    char chunk[4096];
    size_t size;
    buffer_init(&text, 4 << 20);
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0)
        buffer_add(&text, (struct span){chunk, size});
    assert_int_equal(fclose(file), 0);
    return buffer_take(&text);
}

struct exchange {
    const char *path;
    golden_translate_f *translate;
    void *context;
    char name[200];
    struct buffer sent, expected, renewed;
    unsigned count, wrong;
};

static void add_line(struct buffer *target, struct span line)
{
    if (target->data)
        buffer_add_byte(target, '\n');
    buffer_add(target, line);
}

static void add_marked(struct buffer *target, struct span text)
{
    struct span line;
    while (span_take(&text, '\n', &line)) {
        buffer_add_text(target, line.size ? "< " : "<");
        buffer_add(target, line);
        buffer_add_byte(target, '\n');
    }
}

/* Holds the exchange that was gathered against the translation. */
static void end_exchange(struct exchange *exchange)
{
    struct buffer outcome;
    if (!exchange->name[0])
        return;
    buffer_init(&outcome, 1 << 20);
    exchange->translate(exchange->context, exchange->name, buffer_span(&exchange->sent), &outcome);
    assert_false(outcome.failed);
    exchange->count++;
    if (!span_equal(buffer_span(&outcome), buffer_span(&exchange->expected))) {
        exchange->wrong++;
        if (!getenv("GOLDEN_RENEW"))
            print_error("%s: %s\nexpected:\n%.*s\ngot:\n%.*s\n\n", exchange->path, exchange->name,
                        SPAN_PRINT(buffer_span(&exchange->expected)),
                        SPAN_PRINT(buffer_span(&outcome)));
    }
    add_marked(&exchange->renewed, buffer_span(&outcome));
    buffer_done(&outcome);
    buffer_done(&exchange->sent);
    buffer_done(&exchange->expected);
}

static void take_line(struct exchange *exchange, struct span line)
{
    struct span rest = line.size > 1 ? (struct span){line.data + 2, line.size - 2} : SPAN("");
    char mark = line.size > 0 ? line.data[0] : ' ';
    if (mark == '<') {
        add_line(&exchange->expected, rest);
        return;
    }
    if (mark != '>' || exchange->expected.data) {
        end_exchange(exchange);
        exchange->name[0] = '\0';
    }
    if (mark == '#')
        assert_true(span_copy(rest, exchange->name, sizeof exchange->name));
    else if (mark == '>')
        add_line(&exchange->sent, rest);
    buffer_add(&exchange->renewed, line);
    buffer_add_byte(&exchange->renewed, '\n');
}

static void write_whole(const char *path, struct span text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
}

void golden_run(const char *path, golden_translate_f *translate, void *context)
{
    struct exchange exchange = {.path = path, .translate = translate, .context = context};
    char *text = read_whole(path);
    struct span rest = span_of(text), line;
    buffer_init(&exchange.sent, 1 << 20);
    buffer_init(&exchange.expected, 1 << 20);
    buffer_init(&exchange.renewed, 4 << 20);
    while (span_take(&rest, '\n', &line)) {
        if (rest.data || line.size > 0)
            take_line(&exchange, line);
    }
    end_exchange(&exchange);
    if (getenv("GOLDEN_RENEW"))
        write_whole(path, buffer_span(&exchange.renewed));
    else if (exchange.wrong > 0)
        fail_msg("%u of %u exchanges differ", exchange.wrong, exchange.count);
    assert_true(exchange.count > 0);
    buffer_done(&exchange.sent);
    buffer_done(&exchange.expected);
    buffer_done(&exchange.renewed);
    memory_free(text);
}
