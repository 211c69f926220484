#include "media/scene.h"

#include "media/fixture.h"

#include <string.h>

static struct scene *scene_of(const char *prompt, const char *look, int width, int height,
                              char *warning)
{
    struct failure failure = {0};
    struct scene_wish wish = {.prompt = prompt,
                              .note = "note",
                              .look = look,
                              .seed = 3,
                              .width = width,
                              .height = height,
                              .duration = 2};
    struct scene *scene = scene_make(&wish, &failure, warning);
    if (!scene)
        fail_msg("%s", failure.text);
    return scene;
}

static void a_moment_always_looks_the_same(void **state)
{
    char warning[SCENE_WARNING_SIZE];
    struct picture one, two;
    assert_true(picture_make(256, 256, &one) && picture_make(256, 256, &two));
    for (int i = 0; i < look_count(); i++) {
        const char *look = look_at(i)->name;
        struct scene *scene = scene_of("A red sea", look, 256, 256, warning);
        struct scene *again = scene_of("A red sea", look, 256, 256, warning);
        assert_string_equal(scene_look(scene), look);
        /* What was on the canvas before must not matter. */
        for (int k = 0; k < PICTURE_PLANES; k++)
            plane_fill(&two.plane[k], 77);
        scene_paint(scene, 0.7, &one);
        scene_paint(again, 0.7, &two);
        for (int k = 0; k < PICTURE_PLANES; k++) {
            for (int y = 0; y < 256; y++)
                assert_memory_equal(plane_row(&one.plane[k], y), plane_row(&two.plane[k], y), 256);
        }
        scene_free(scene);
        scene_free(again);
    }
    picture_free(&one);
    picture_free(&two);
}

/* Every look at every shape, with words of every length, at odd sizes too. */
static void any_shape_and_any_words_can_be_painted(void **state)
{
    static const int sizes[][2] = {{640, 256}, {256, 640}, {321, 333}};
    static const char *const prompts[] = {
        "",
        "x",
        "منارة عند الفجر",
        "ประภาคาร",
        "灯塔",
        "A lone astronaut walks across a rust-red desert at golden hour, her visor reflecting two "
        "suns, while a slow dolly shot reveals the wreck of an ancient ship half buried in the "
        "dunes behind her, cinematic, thirty-five millimetres, shallow depth of field",
    };
    char warning[SCENE_WARNING_SIZE];
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct picture picture;
        assert_true(picture_make(sizes[s][0], sizes[s][1], &picture));
        for (size_t p = 0; p < sizeof prompts / sizeof prompts[0]; p++) {
            const char *look = look_at((int)(p + s) % look_count())->name;
            struct scene *scene = scene_of(prompts[p], look, sizes[s][0], sizes[s][1], warning);
            scene_paint(scene, 0, &picture);
            scene_paint(scene, 1.9, &picture);
            scene_free(scene);
        }
        picture_free(&picture);
    }
}

static void unknown_looks_are_refused_and_the_rest_chosen_by_seed(void **state)
{
    char warning[SCENE_WARNING_SIZE];
    struct failure failure = {0};
    struct scene_wish wish = {
        .prompt = "x", .note = "", .look = "plaid", .width = 256, .height = 256};
    assert_null(scene_make(&wish, &failure, warning));
    assert_int_equal(failure.code, ERROR_VALIDATION);
    assert_string_equal(failure.field, "look");
    unsigned seen = 0;
    for (int seed = 0; seed < 40; seed++) {
        wish.look = "auto";
        wish.seed = (uint64_t)seed;
        failure = (struct failure){0};
        struct scene *scene = scene_make(&wish, &failure, warning);
        assert_non_null(scene);
        for (int i = 0; i < look_count(); i++) {
            if (strcmp(scene_look(scene), look_at(i)->name) == 0)
                seen |= 1u << i;
        }
        scene_free(scene);
    }
    assert_int_equal(seen, (1u << look_count()) - 1);
}

static void what_can_not_be_shown_is_said(void **state)
{
    char warning[SCENE_WARNING_SIZE];
    scene_free(scene_of("plain words", "paper", 300, 300, warning));
    assert_string_equal(warning, "");
    if (!font_has(0x4e2d)) {
        scene_free(scene_of("中文", "paper", 300, 300, warning));
        assert_non_null(strstr(warning, "Han"));
    }
    char text[3000] = "";
    for (int i = 0; i < 200; i++)
        memcpy(text + 11 * i, "word after ", 12);
    scene_free(scene_of(text, "aurora", 300, 300, warning));
    assert_non_null(strstr(warning, "longer"));
}

static int forget_fonts(void **state)
{
    font_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_always_looks_the_same),
        cmocka_unit_test(any_shape_and_any_words_can_be_painted),
        cmocka_unit_test(unknown_looks_are_refused_and_the_rest_chosen_by_seed),
        cmocka_unit_test(what_can_not_be_shown_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, forget_fonts);
}
