/* What `reel doctor` finds: one line for each thing looked at, with what to do about it. */
#ifndef APP_CHECKUP_H
#define APP_CHECKUP_H

#include "app/config.h"
#include "base/arena.h"

#include <stdio.h>

enum { CHECKUP_MAX = 96 };

enum checkup_grade { CHECKUP_OK, CHECKUP_WARN, CHECKUP_FAIL };

struct checkup_finding {
    enum checkup_grade grade;
    const char *subject; /* "home" */
    const char *text;    /* what is so */
    const char *hint;    /* what to do; NULL: nothing */
};

struct checkup {
    struct arena arena;
    struct checkup_finding findings[CHECKUP_MAX];
    unsigned count;
};

void checkup_init(struct checkup *checkup);
void checkup_done(struct checkup *checkup);
/* `subject` and `hint` are borrowed. */
void checkup_add(struct checkup *checkup, enum checkup_grade grade, const char *subject,
                 const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
bool checkup_failed(const struct checkup *checkup);
void checkup_write(const struct checkup *checkup, bool as_json, FILE *target);

/* The checks. */
/* Variables that ask for what this version does not have. */
void checkup_environment(struct checkup *checkup, const char *const *environment);
void checkup_home(struct checkup *checkup, const struct config *config);
void checkup_key(struct checkup *checkup, const struct config *config);
void checkup_address(struct checkup *checkup, const struct config *config);
/* Where links in webhooks lead, and whether the receiver of alerts can be spoken to. */
void checkup_webhooks(struct checkup *checkup, const struct config *config);
void checkup_store(struct checkup *checkup, const struct config *config);
/* Whether the catalogue can be used, and the programs of its commands run (checkup_command.c). */
void checkup_commands(struct checkup *checkup, const struct config *config);
/* Runs `reel-media --doctor` and takes its report apart (checkup_media.c). */
void checkup_media(struct checkup *checkup, const struct config *config);

#endif
