#include "media/font.h"

#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_SIZE = 96 };

/* Where a script's family is not simply "Noto Sans" or "Noto Serif" with the script's name. */
static const struct choice {
    UScriptCode script;
    const char *sans[4], *serif[4];
} choices[] = {
    {USCRIPT_LATIN,
     {"Noto Sans Display", "Noto Sans", "DejaVu Sans"},
     {"Noto Serif Display", "Noto Serif", "DejaVu Serif"}},
    {USCRIPT_GREEK,
     {"Noto Sans Display", "Noto Sans", "DejaVu Sans"},
     {"Noto Serif Display", "Noto Serif", "DejaVu Serif"}},
    {USCRIPT_CYRILLIC,
     {"Noto Sans Display", "Noto Sans", "DejaVu Sans"},
     {"Noto Serif Display", "Noto Serif", "DejaVu Serif"}},
    {USCRIPT_ARABIC,
     {"Noto Sans Arabic", "Noto Kufi Arabic", "Noto Naskh Arabic"},
     {"Noto Naskh Arabic", "Noto Sans Arabic"}},
    {USCRIPT_HAN,
     {"Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei"},
     {"Noto Serif CJK SC", "Noto Serif SC", "Noto Sans CJK SC"}},
    {USCRIPT_HIRAGANA,
     {"Noto Sans CJK JP", "Noto Sans JP"},
     {"Noto Serif CJK JP", "Noto Serif JP", "Noto Sans CJK JP"}},
    {USCRIPT_KATAKANA,
     {"Noto Sans CJK JP", "Noto Sans JP"},
     {"Noto Serif CJK JP", "Noto Serif JP", "Noto Sans CJK JP"}},
    {USCRIPT_HANGUL,
     {"Noto Sans CJK KR", "Noto Sans KR"},
     {"Noto Serif CJK KR", "Noto Serif KR", "Noto Sans CJK KR"}},
};

static const FcFontSet *installed(void)
{
    static bool begun;
    if (!begun) {
        begun = true;
        FcInit();
    }
    return FcConfigGetFonts(NULL, FcSetSystem);
}

/* The family's own name when a font of it has the character, else NULL. */
static const char *match(const FcPattern *font, const char *family, UChar32 sample)
{
    FcChar8 *name = NULL;
    FcCharSet *characters = NULL;
    if (FcPatternGetString(font, FC_FAMILY, 0, &name) != FcResultMatch ||
        FcPatternGetCharSet(font, FC_CHARSET, 0, &characters) != FcResultMatch)
        return NULL;
    if (family && strcmp((const char *)name, family) != 0)
        return NULL;
    return FcCharSetHasChar(characters, (FcChar32)sample) ? (const char *)name : NULL;
}

static const char *find_family(const char *family, UChar32 sample)
{
    const FcFontSet *fonts = installed();
    const char *name = NULL;
    for (int i = 0; fonts && i < fonts->nfont && !name; i++)
        name = match(fonts->fonts[i], family, sample);
    return name;
}

/* "Noto Sans Devanagari" */
static const char *find_noto(UScriptCode script, const char *prefix, UChar32 sample)
{
    char family[NAME_MAX_SIZE];
    const char *name = uscript_getName(script);
    snprintf(family, sizeof family, "%s %s", prefix, name ? name : "");
    for (char *at = family; *at; at++) {
        if (*at == '_')
            *at = ' ';
    }
    return find_family(family, sample);
}

static const char *find_choice(UScriptCode script, enum font_kind kind, UChar32 sample)
{
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (choices[i].script != script)
            continue;
        const char *const *families = kind == FONT_SERIF ? choices[i].serif : choices[i].sans;
        for (int k = 0; k < 4 && families[k]; k++) {
            const char *found = find_family(families[k], sample);
            if (found)
                return found;
        }
    }
    return NULL;
}

const char *font_find(UScriptCode script, enum font_kind kind, UChar32 sample)
{
    const char *found = find_choice(script, kind, sample);
    if (!found && kind == FONT_SERIF)
        found = find_noto(script, "Noto Serif", sample);
    if (!found)
        found = find_noto(script, "Noto Sans", sample);
    return found ? found : find_family(NULL, sample);
}

void font_done(void)
{
    FcFini();
}

bool font_has(UChar32 character)
{
    return find_family(NULL, character) != NULL;
}

static const struct {
    UScriptCode script;
    UChar32 sample;
    const char *name, *package;
} checks[] = {
    {USCRIPT_LATIN, 'a', "Latin", "fonts-noto-core"},
    {USCRIPT_CYRILLIC, 0x434, "Cyrillic", "fonts-noto-core"},
    {USCRIPT_GREEK, 0x3b1, "Greek", "fonts-noto-core"},
    {USCRIPT_ARABIC, 0x628, "Arabic", "fonts-noto-core"},
    {USCRIPT_HEBREW, 0x5d0, "Hebrew", "fonts-noto-core"},
    {USCRIPT_DEVANAGARI, 0x915, "Devanagari", "fonts-noto-core"},
    {USCRIPT_BENGALI, 0x995, "Bengali", "fonts-noto-core"},
    {USCRIPT_TAMIL, 0xb95, "Tamil", "fonts-noto-core"},
    {USCRIPT_THAI, 0xe01, "Thai", "fonts-noto-core"},
    {USCRIPT_KHMER, 0x1780, "Khmer", "fonts-noto-core"},
    {USCRIPT_HAN, 0x4e2d, "Han", "fonts-noto-cjk"},
    {USCRIPT_HIRAGANA, 0x3042, "Hiragana", "fonts-noto-cjk"},
    {USCRIPT_HANGUL, 0xac00, "Hangul", "fonts-noto-cjk"},
};

int font_check_count(void)
{
    return (int)(sizeof checks / sizeof checks[0]);
}

struct font_check font_check(int index)
{
    const char *family = font_find(checks[index].script, FONT_SANS, checks[index].sample);
    return (struct font_check){checks[index].name, family ? family : "", checks[index].package};
}
