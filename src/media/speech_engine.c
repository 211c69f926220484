#include "media/speech_engine.h"

#include <espeak-ng/espeak_ng.h>
#include <espeak-ng/speak_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCK_MS = 200, NEAR_MAX = 6, NEAR_DISTANCE = 2 };

static bool begun;
static int rate;
static const struct speech_listener *current;
static int64_t told; /* samples of this text */
static bool ended;

/* The engine makes itself a sound device, even if it is never to play: libpulse then reads its
 * configuration, makes a folder in the home and looks for a server. This stands before the one of
 * libpcaudio; the engine goes on without a device. */
struct audio_object *create_audio_device_object(const char *device, const char *application,
                                                const char *description);
struct audio_object *create_audio_device_object(const char *device, const char *application,
                                                const char *description)
{
    return NULL;
}

static bool tell(const int16_t *samples, size_t count)
{
    told += (int64_t)count;
    return count == 0 || current->samples(current->context, samples, count);
}

static int on_block(short *samples, int count, espeak_EVENT *events)
{
    int64_t begin = told;
    int64_t left = samples ? count : 0;
    for (; !ended && events->type != espeakEVENT_LIST_TERMINATED; events++) {
        if (events->type == espeakEVENT_SAMPLERATE)
            rate = events->id.number;
        if (events->type != espeakEVENT_WORD && events->type != espeakEVENT_SENTENCE)
            continue;
        int64_t ahead = events->sample - told;
        if (ahead > begin + left - told)
            ahead = begin + left - told;
        if (ahead > 0)
            ended = !tell(samples + (told - begin), (size_t)ahead);
        int character = events->text_position > 0 ? events->text_position - 1 : 0;
        if (events->type == espeakEVENT_WORD)
            current->word(current->context, character);
        else
            current->sentence(current->context, character);
    }
    if (!ended && begin + left > told)
        ended = !tell(samples + (told - begin), (size_t)(begin + left - told));
    return ended ? 1 : 0;
}

bool speech_engine_begin(struct failure *failure)
{
    if (!begun) {
        rate =
            espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BLOCK_MS, NULL, espeakINITIALIZE_DONT_EXIT);
        begun = rate > 0;
        espeak_SetSynthCallback(on_block);
    }
    return begun || failure_set(failure, ERROR_PROVIDER_NOT_CONFIGURED, NULL,
                                "The speech engine has no data on this machine; install "
                                "espeak-ng-data.");
}

int speech_engine_rate(void)
{
    return rate;
}

/* "en-US" of "gmw/en-US" */
static const char *file_of(const espeak_VOICE *voice)
{
    const char *slash = strrchr(voice->identifier, '/');
    return slash ? slash + 1 : voice->identifier;
}

static bool is_own(const espeak_VOICE *voice)
{
    /* Those of mbrola run another program. */
    return strncmp(voice->identifier, "mb/", 3) != 0 && strncmp(voice->identifier, "!v/", 3) != 0;
}

/* Its languages are a list of a byte of priority and a name each. */
static bool speaks(const espeak_VOICE *voice, const char *language)
{
    for (const char *at = voice->languages; *at; at += strlen(at) + 1) {
        if (strcasecmp(at + 1, language) == 0)
            return true;
    }
    return false;
}

static const espeak_VOICE **list_variants(void)
{
    static espeak_VOICE variants = {.languages = "variant"};
    return espeak_ListVoices(&variants);
}

static const espeak_VOICE *find_language(const char *language)
{
    const espeak_VOICE *found = NULL;
    for (const espeak_VOICE **voice = espeak_ListVoices(NULL); *voice; voice++) {
        if (!is_own(*voice))
            continue;
        if (strcasecmp((*voice)->languages + 1, language) == 0 ||
            strcasecmp(file_of(*voice), language) == 0)
            return *voice;
        if (!found && speaks(*voice, language))
            found = *voice;
    }
    return found;
}

static const espeak_VOICE *find_variant(const char *name)
{
    for (const espeak_VOICE **voice = list_variants(); *voice; voice++) {
        if (strcasecmp(file_of(*voice), name) == 0)
            return *voice;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_names(const espeak_VOICE **voice, bool are_variants, const char **names)
{
    int count = 0;
    for (; *voice && count < SPEECH_NAMES_MAX; voice++) {
        if (are_variants)
            names[count++] = file_of(*voice);
        else if (is_own(*voice))
            names[count++] = (*voice)->languages + 1;
    }
    qsort(names, (size_t)count, sizeof *names, compare);
    return count;
}

int speech_engine_languages(const char *ret_names[static SPEECH_NAMES_MAX])
{
    return list_names(espeak_ListVoices(NULL), false, ret_names);
}

int speech_engine_variants(const char *ret_names[static SPEECH_NAMES_MAX])
{
    return list_names(list_variants(), true, ret_names);
}

const char *speech_engine_version(void)
{
    return espeak_Info(NULL);
}

/* Letters to change, add and drop; names are short. */
static int distance(const char *a, const char *b)
{
    int row[SPEECH_NAME_SIZE + 1];
    size_t width = strnlen(b, SPEECH_NAME_SIZE);
    for (size_t i = 0; i <= width; i++)
        row[i] = (int)i;
    for (size_t k = 0; a[k] && k < SPEECH_NAME_SIZE; k++) {
        int corner = row[0];
        row[0] = (int)k + 1;
        for (size_t i = 0; i < width; i++) {
            int best = corner + (strncasecmp(a + k, b + i, 1) != 0);
            corner = row[i + 1];
            best = row[i] + 1 < best ? row[i] + 1 : best;
            row[i + 1] = corner + 1 < best ? corner + 1 : best;
        }
    }
    return row[width];
}

/* Another land of the same language, or a slip of the pen. */
static bool is_near(const char *name, const char *wanted)
{
    char stem[SPEECH_NAME_SIZE];
    size_t size = strcspn(wanted, "-_");
    bool same_stem = size > 1 && strncasecmp(name, wanted, size) == 0 &&
                     (name[size] == '\0' || name[size] == '-');
    int allowed = strlen(wanted) > 3 ? NEAR_DISTANCE : 1;
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(name, "-"), name);
    return same_stem || distance(name, wanted) <= allowed || distance(stem, wanted) <= 1;
}

static bool refuse(const char *field, const char *wanted, const char **names, int count,
                   struct failure *failure)
{
    char near[200] = "";
    size_t size = 0;
    for (int i = 0, found = 0; i < count && found < NEAR_MAX; i++) {
        if (!is_near(names[i], wanted) || strlen(names[i]) > sizeof near - size - 8)
            continue;
        int put = snprintf(near + size, sizeof near - size, "%s%s", found++ ? ", " : "", names[i]);
        size += put > 0 ? (size_t)put : 0;
    }
    return failure_set(failure, ERROR_VALIDATION, field,
                       "%s \"%.40s\" is not known to the speech engine%s%s; reel-media --doctor "
                       "lists all %d.",
                       field, wanted, near[0] ? "; near it are " : "", near, count);
}

bool speech_engine_choose(const char *language, const char *variant, struct failure *failure)
{
    const char *names[SPEECH_NAMES_MAX];
    char name[SPEECH_NAME_SIZE * 2];
    const espeak_VOICE *voice = find_language(language);
    if (!voice)
        return refuse("language", language, names, speech_engine_languages(names), failure);
    snprintf(name, sizeof name, "%s", voice->identifier);
    if (variant) {
        const espeak_VOICE *found = find_variant(variant);
        if (!found)
            return refuse("voice", variant, names, speech_engine_variants(names), failure);
        size_t size = strlen(name);
        snprintf(name + size, sizeof name - size, "+%s", file_of(found));
    }
    if (espeak_SetVoiceByName(name) != EE_OK)
        return failure_set(failure, ERROR_INTERNAL, "language",
                           "The speech engine could not read the language %.40s.", language);
    return true;
}

bool speech_engine_speak(const char *text, struct speech_manner manner,
                         const struct speech_listener *listener)
{
    double wanted = manner.speed * SPEECH_RATE_USUAL + 0.5;
    wanted = wanted < SPEECH_RATE_MIN ? SPEECH_RATE_MIN : wanted;
    wanted = wanted > SPEECH_RATE_MAX ? SPEECH_RATE_MAX : wanted;
    espeak_SetParameter(espeakRATE, (int)wanted, 0);
    espeak_SetParameter(espeakPITCH, manner.pitch, 0);
    /* Breath of some voices is noise from libc's generator, which others may have used. */
    srand(1); /* tidy: call */
    current = listener;
    told = 0;
    ended = false;
    espeak_ERROR error =
        espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, NULL);
    current = NULL;
    return error == EE_OK && !ended;
}
