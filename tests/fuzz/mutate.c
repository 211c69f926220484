/* A small engine for the fuzz targets where libFuzzer is not at hand: every file of a folder as it
 * is, then changed at random from a seed: mutate FOLDER [ROUNDS [SEED]]. An assertion or a
 * sanitizer ends it; the input under way is in the file that FUZZ_KEEP names, if it is set. */
#include "base/buffer.h"
#include "base/rng.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MUTATE_FILES_MAX = 1024, MUTATE_SIZE_MAX = 16384, MUTATE_CHANGES_MAX = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buffer seeds[MUTATE_FILES_MAX];
static size_t seed_count;

static void read_seeds(const char *folder)
{
    char path[4096], part[4096];
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    for (int n = 0; n < count; n++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[n]->d_name);
        FILE *file = names[n]->d_name[0] != '.' ? fopen(path, "re") : NULL;
        free(names[n]);
        if (!file || seed_count == MUTATE_FILES_MAX) {
            (void)(file && fclose(file));
            continue;
        }
        struct buffer *seed = &seeds[seed_count++];
        buffer_init(seed, MUTATE_SIZE_MAX);
        for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
            buffer_add(seed, span_make(part, size));
        (void)fclose(file);
    }
    free(names);
}

/* One change: a bit, a byte, a run taken out, a run repeated, a run of another seed put in. */
static void change(struct rng *rng, struct buffer *text)
{
    static const char bytes[] = "\0\t\n\r \"#%&*+,-./0129:;<=?@AZ[\\]_az{|}~\x7f\x80\xc3\xff";
    size_t at = (size_t)rng_below(rng, text->size + 1);
    size_t run = (size_t)rng_below(rng, 1 + (text->size - at < 40 ? text->size - at : 40));
    struct buffer changed;
    buffer_init(&changed, 2 * MUTATE_SIZE_MAX);
    uint64_t kind = rng_below(rng, 6);
    buffer_add(&changed, span_make(text->data, at));
    if (kind == 0 && run > 0)
        buffer_add_byte(&changed, (char)(text->data[at] ^ (1 << rng_below(rng, 8))));
    else if (kind == 1 || kind == 2)
        buffer_add_byte(&changed, kind == 1 ? bytes[rng_below(rng, sizeof bytes - 1)]
                                            : (char)rng_below(rng, 256));
    else if (kind == 3)
        buffer_add(&changed, span_make(text->data + at, run));
    else if (kind == 4) {
        const struct buffer *other = &seeds[rng_below(rng, seed_count)];
        size_t from = (size_t)rng_below(rng, other->size + 1), left = other->size - from;
        buffer_add(&changed, span_make(other->data + from, left < 60 ? left : 60));
    }
    size_t skip = kind == 0 || kind == 5 ? run : kind == 1 ? (run > 0) : 0;
    if (kind == 0)
        skip = run > 0;
    buffer_add(&changed, span_make(text->data + at + skip, text->size - at - skip));
    buffer_done(text);
    *text = changed;
}

static void keep(const struct buffer *text)
{
    const char *path = getenv("FUZZ_KEEP");
    FILE *file = path ? fopen(path, "we") : NULL;
    if (!file)
        return;
    (void)fwrite(text->data, 1, text->size, file);
    (void)fclose(file);
}

static void try(const struct buffer *text)
{
    keep(text);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)(text->data ? text->data : ""), text->size);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        read_seeds(argv[1]);
    if (seed_count == 0) {
        (void)fprintf(stderr, "mutate: there are no files in %s\n", argc > 1 ? argv[1] : "FOLDER");
        return 2;
    }
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
    struct rng rng;
    rng_init(&rng, argc > 3 ? strtoul(argv[3], NULL, 10) : 1);
    for (size_t n = 0; n < seed_count; n++)
        try(&seeds[n]);
    for (unsigned long round = 0; round < rounds; round++) {
        const struct buffer *seed = &seeds[rng_below(&rng, seed_count)];
        struct buffer text;
        buffer_init(&text, MUTATE_SIZE_MAX);
        buffer_add(&text, buffer_span(seed));
        for (uint64_t changes = 1 + rng_below(&rng, MUTATE_CHANGES_MAX); changes > 0; changes--)
            change(&rng, &text);
        try(&text);
        buffer_done(&text);
    }
    (void)printf("%zu seeds, %lu changed ones\n", seed_count, rounds);
    for (size_t n = 0; n < seed_count; n++)
        buffer_done(&seeds[n]);
    return 0;
}
