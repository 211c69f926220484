#include "app/arguments.h"

#include "app/nearest.h"

#include <string.h>

static const struct arguments_option *find_name(const struct arguments *arguments, struct span name)
{
    for (size_t list = 0; list < ARGUMENTS_LISTS; list++) {
        const struct arguments_option *option = arguments->lists[list];
        for (; option && option->name; option++) {
            if (span_is(name, option->name))
                return option;
        }
    }
    return NULL;
}

static const struct arguments_option *find_letter(const struct arguments *arguments, char letter)
{
    for (size_t list = 0; list < ARGUMENTS_LISTS; list++) {
        const struct arguments_option *option = arguments->lists[list];
        for (; option && option->name; option++) {
            if (option->letter && option->letter == letter)
                return option;
        }
    }
    return NULL;
}

static bool unknown(const struct arguments *arguments, struct span name, struct buffer *fault)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t list = 0; list < ARGUMENTS_LISTS; list++) {
        const struct arguments_option *option = arguments->lists[list];
        for (; option && option->name; option++)
            nearest_offer(&nearest, option->name);
    }
    buffer_print(fault, "There is no option %.*s.", SPAN_PRINT(name));
    if (nearest.best)
        buffer_print(fault, " Did you mean %s?", nearest.best);
    return false;
}

static bool add_word(struct arguments *arguments, const char *word, struct buffer *fault)
{
    if (arguments->word_count == ARGUMENTS_MAX) {
        buffer_add_text(fault, "There are too many words.");
        return false;
    }
    arguments->words[arguments->word_count++] = word;
    return true;
}

static bool add_given(struct arguments *arguments, const struct arguments_option *option,
                      const char *value, struct buffer *fault)
{
    if (arguments->given_count == ARGUMENTS_MAX) {
        buffer_add_text(fault, "There are too many options.");
        return false;
    }
    arguments->given[arguments->given_count++] = (struct arguments_given){option, value};
    return true;
}

/* One word that starts with '-'; `next` is the word after it, or NULL. */
static bool read_option(struct arguments *arguments, const char *word, const char *next,
                        bool *ret_took_next, struct buffer *fault)
{
    const struct arguments_option *option;
    struct span rest = span_of(word), name;
    const char *value = NULL;
    if (word[1] == '-') {
        (void)span_take(&rest, '=', &name);
        value = rest.data;
        option = find_name(arguments, name);
    } else {
        name = span_make(word, 2);
        value = word[2] ? word + 2 : NULL;
        option = find_letter(arguments, word[1]);
    }
    if (!option)
        return unknown(arguments, name, fault);
    if (!option->value && value) {
        buffer_print(fault, "%s takes no value.", option->name);
        return false;
    }
    if (option->value && !value) {
        *ret_took_next = true;
        value = next;
    }
    if (option->value && !value) {
        buffer_print(fault, "%s needs a value: %s %s", option->name, option->name, option->value);
        return false;
    }
    return add_given(arguments, option, value, fault);
}

bool arguments_read(struct arguments *arguments, int count, char *const *words,
                    struct buffer *fault)
{
    bool only_words = false;
    for (int n = 0; n < count; n++) {
        const char *word = words[n];
        if (only_words || word[0] != '-' || !word[1]) {
            if (!add_word(arguments, word, fault))
                return false;
        } else if (strcmp(word, "--") == 0) {
            only_words = true;
        } else {
            bool took_next = false;
            if (!read_option(arguments, word, n + 1 < count ? words[n + 1] : NULL, &took_next,
                             fault))
                return false;
            n += took_next;
        }
    }
    return true;
}

unsigned arguments_count(const struct arguments *arguments, const char *name)
{
    unsigned count = 0;
    for (unsigned n = 0; n < arguments->given_count; n++)
        count += strcmp(arguments->given[n].option->name, name) == 0;
    return count;
}

const char *arguments_value(const struct arguments *arguments, const char *name)
{
    const char *value = NULL;
    for (unsigned n = 0; n < arguments->given_count; n++) {
        if (strcmp(arguments->given[n].option->name, name) == 0)
            value = arguments->given[n].value;
    }
    return value;
}
