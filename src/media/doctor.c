#include "media/doctor.h"

#include "base/json.h"
#include "media/font.h"
#include "media/speech_engine.h"

#include <ass/ass.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <unicode/uversion.h>

enum { REPORT_MAX = 64 * 1024 };

static bool write_cage(struct json_writer *json, const struct cage *cage)
{
    bool sound = true;
    json_open_array(json, "cage");
    for (int i = 0; i < CAGE_LAYER_COUNT; i++) {
        enum cage_layer layer = (enum cage_layer)i;
        json_open_object(json, NULL);
        json_text(json, "layer", span_of(cage_word(layer)));
        json_bool(json, "present", cage->present[i]);
        json_bool(json, "required", cage_is_required(layer));
        json_text_if(json, "note", cage->note[i]);
        json_close_object(json);
        sound = sound && (cage->present[i] || !cage_is_required(layer));
    }
    json_close_array(json);
    return sound;
}

static void write_version(struct json_writer *json, const char *name, unsigned version)
{
    char text[32];
    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, version >> 8 & 255, version & 255);
    json_text(json, name, span_of(text));
}

static void write_libraries(struct json_writer *json)
{
    char text[32];
    json_open_object(json, "libraries");
    write_version(json, "libavformat", avformat_version());
    write_version(json, "libavcodec", avcodec_version());
    write_version(json, "libswscale", swscale_version());
    unsigned ass = (unsigned)ass_library_version();
    snprintf(text, sizeof text, "%x.%x.%x", ass >> 28, ass >> 20 & 255, ass >> 12 & 255);
    json_text(json, "libass", span_of(text));
    json_text(json, "icu", span_of(U_ICU_VERSION));
    json_close_object(json);
}

static void write_codecs(struct json_writer *json)
{
    static const struct {
        const char *name;
        enum AVCodecID id;
    } images[] = {
        {"jpeg", AV_CODEC_ID_MJPEG}, {"png", AV_CODEC_ID_PNG}, {"webp", AV_CODEC_ID_WEBP},
        {"gif", AV_CODEC_ID_GIF},    {"bmp", AV_CODEC_ID_BMP}, {"tiff", AV_CODEC_ID_TIFF},
        {"avif", AV_CODEC_ID_AV1},
    };
    json_open_array(json, "images");
    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++) {
        if (avcodec_find_decoder(images[i].id))
            json_text(json, NULL, span_of(images[i].name));
    }
    json_close_array(json);
}

static bool write_encoder(struct json_writer *json, const struct encoder_choice *choice)
{
    struct failure failure = {0};
    bool present = encoder_try(choice, &failure);
    json_open_object(json, "encoder");
    json_text(json, "name", span_of(encoder_name(choice)));
    json_text_if(json, "preset", choice->preset);
    json_bool(json, "present", present);
    if (!present)
        json_text(json, "note", span_of(failure.text));
    json_close_object(json);
    return present;
}

static bool write_fonts(struct json_writer *json)
{
    bool latin = false;
    json_open_array(json, "fonts");
    for (int i = 0; i < font_check_count(); i++) {
        struct font_check check = font_check(i);
        json_open_object(json, NULL);
        json_text(json, "script", span_of(check.script));
        json_bool(json, "present", check.family[0] != '\0');
        json_text_if(json, "family", check.family);
        if (!check.family[0])
            json_text(json, "install", span_of(check.package));
        json_close_object(json);
        latin = latin || (i == 0 && check.family[0]);
    }
    json_close_array(json);
    return latin;
}

static void write_names(struct json_writer *json, const char *name,
                        int (*list)(const char *ret_names[static SPEECH_NAMES_MAX]))
{
    const char *names[SPEECH_NAMES_MAX];
    int count = list(names);
    json_open_array(json, name);
    for (int i = 0; i < count; i++)
        json_text(json, NULL, span_of(names[i]));
    json_close_array(json);
}

static void write_speech(struct json_writer *json)
{
    struct failure failure = {0};
    bool present = speech_engine_begin(&failure);
    json_open_object(json, "speech");
    json_bool(json, "present", present);
    if (present) {
        json_text(json, "engine", span_of("espeak-ng"));
        json_text(json, "version", span_of(speech_engine_version()));
        write_names(json, "languages", speech_engine_languages);
        write_names(json, "voices", speech_engine_variants);
    } else {
        json_text(json, "note", span_of(failure.text));
        json_text(json, "install", span_of("espeak-ng-data"));
    }
    json_close_object(json);
}

bool doctor_report(const struct cage *cage, const struct encoder_choice *choice)
{
    struct buffer buffer;
    struct json_writer json;
    buffer_init(&buffer, REPORT_MAX);
    json_writer_init(&json, &buffer);
    json_open_object(&json, NULL);
    json_text(&json, "program", span_of("reel-media"));
    json_text(&json, "version", span_of(REEL_VERSION));
    bool sound = write_cage(&json, cage);
    write_libraries(&json);
    write_codecs(&json);
    sound = write_encoder(&json, choice) && sound;
    sound = write_fonts(&json) && sound;
    write_speech(&json);
    json_bool(&json, "ok", sound);
    json_close_object(&json);
    printf("%.*s\n", SPAN_PRINT(buffer_span(&buffer)));
    buffer_done(&buffer);
    return sound;
}
