/* What is wrong with a request: every fault of a body is collected, so that the caller learns all
 * of them at once. Texts live in the arena of the request. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/arena.h"
#include "base/error.h"

enum { FAULTS_MAX = 64 };

struct fault {
    const char *field;   /* "duration", "metadata.note"; NULL when it is about the whole */
    const char *problem; /* what was wrong: "is 99" */
    const char *allowed; /* what is right: "a number from 1 to 60"; may be NULL */
};

struct faults {
    struct arena *arena;  /* borrowed */
    enum error_code code; /* of the first fault; ERROR_NONE while there is none */
    const char *sentence; /* the whole error in a sentence */
    struct fault list[FAULTS_MAX];
    unsigned count; /* more than FAULTS_MAX are dropped */
};

void faults_init(struct faults *faults, struct arena *arena);
/* A fault of one field: code validation, and a sentence made of the first such fault. */
void faults_add(struct faults *faults, const char *field, const char *allowed, const char *problem,
                ...) __attribute__((format(printf, 4, 5)));
/* A refusal of the whole request; the first call wins. */
void faults_refuse(struct faults *faults, enum error_code code, const char *sentence, ...)
    __attribute__((format(printf, 3, 4)));
bool faults_any(const struct faults *faults);

#endif
