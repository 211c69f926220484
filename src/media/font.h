/* Which installed font shows which script. Names of families live as long as the process; the list
 * of fonts is read once, by the first call, from fontconfig. One thread at a time. */
#ifndef MEDIA_FONT_H
#define MEDIA_FONT_H

#include <stdbool.h>
#include <unicode/uscript.h>

enum font_kind { FONT_SANS, FONT_SERIF };

/* A family that has `sample`, a character of the script: our first choice for that script and kind,
 * else any that fontconfig knows; NULL when no installed font has it. */
const char *font_find(UScriptCode script, enum font_kind kind, UChar32 sample);
/* Whether any installed font has the character. */
bool font_has(UChar32 character);

/* Forgets the fonts, at the end of the process. */
void font_done(void);

/* The scripts that --doctor looks for; the first is Latin. */
struct font_check {
    const char *script;
    const char *family;  /* what shows it, or empty */
    const char *package; /* of Debian, that would */
};
int font_check_count(void);
struct font_check font_check(int index);

#endif
