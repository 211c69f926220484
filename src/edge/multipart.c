#include "edge/multipart.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- parameters of a header */

static bool is_token_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

/* RFC 2046: what a boundary may be made of. */
static bool is_boundary_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("'()+_,-./:=? ", byte));
}

static void skip_blanks(struct span *rest)
{
    while (rest->size > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
        *rest = (struct span){rest->data + 1, rest->size - 1};
}

static struct span take_token(struct span *rest)
{
    struct span token = {rest->data, 0};
    while (token.size < rest->size && is_token_byte(rest->data[token.size]))
        token.size++;
    *rest = (struct span){rest->data + token.size, rest->size - token.size};
    return token;
}

/* A quoted text, with its escapes left in. Browsers write %22 for a quote, curl a backslash. */
static bool take_quoted(struct span *rest, struct span *ret_text)
{
    size_t end = 1;
    while (end < rest->size && rest->data[end] != '"')
        end += rest->data[end] == '\\' ? 2 : 1;
    if (end >= rest->size)
        return false;
    *ret_text = (struct span){rest->data + 1, end - 1};
    *rest = (struct span){rest->data + end + 1, rest->size - end - 1};
    return true;
}

/* The next of `; name=value`: 1, 0 at the end, −1 when it can't be read. */
static int take_parameter(struct span *rest, struct span *ret_name, struct span *ret_value)
{
    skip_blanks(rest);
    if (rest->size == 0)
        return 0;
    if (rest->data[0] != ';')
        return -1;
    *rest = (struct span){rest->data + 1, rest->size - 1};
    skip_blanks(rest);
    *ret_name = take_token(rest);
    if (ret_name->size == 0 || rest->size < 2 || rest->data[0] != '=')
        return -1;
    *rest = (struct span){rest->data + 1, rest->size - 1};
    if (rest->data[0] == '"')
        return take_quoted(rest, ret_value) ? 1 : -1;
    *ret_value = take_token(rest);
    return ret_value->size > 0 ? 1 : -1;
}

/* ---------------------------------------------------------------- the start */

bool multipart_init(struct multipart *multipart, struct span content_type, const char **ret_fault)
{
    static const char form[] = "multipart/form-data";
    struct span rest = content_type, name, value, boundary = {"", 0};
    int more;
    *ret_fault = "The body is multipart, but no form: send multipart/form-data, or the file alone.";
    if (rest.size < sizeof form - 1 ||
        !span_is_nocase((struct span){rest.data, sizeof form - 1}, form))
        return false;
    rest = (struct span){rest.data + sizeof form - 1, rest.size - (sizeof form - 1)};
    *ret_fault = "The Content-Type's boundary is missing or not valid.";
    while ((more = take_parameter(&rest, &name, &value)) > 0) {
        if (!span_is_nocase(name, "boundary"))
            continue;
        if (boundary.size > 0)
            return false;
        boundary = value;
    }
    if (more < 0 || boundary.size == 0 || boundary.size > MULTIPART_BOUNDARY_MAX ||
        boundary.data[boundary.size - 1] == ' ')
        return false;
    for (size_t n = 0; n < boundary.size; n++) {
        if (!is_boundary_byte(boundary.data[n]))
            return false;
    }
    *multipart = (struct multipart){.place = MULTIPART_IN_DATA};
    multipart->delimiter_size = (size_t)snprintf(multipart->delimiter, sizeof multipart->delimiter,
                                                 "\r\n--%.*s", SPAN_PRINT(boundary));
    multipart->matched = 2; /* the first stands at the very beginning, without a line end */
    return true;
}

bool multipart_is_whole(const struct multipart *multipart)
{
    return multipart->place == MULTIPART_BEHIND_ALL && multipart->tail_size != 1;
}

static enum multipart_event break_off(struct multipart *multipart, const char *fault)
{
    multipart->place = MULTIPART_OVER;
    multipart->fault = fault;
    return MULTIPART_BROKEN;
}

/* ---------------------------------------------------------------- content */

/* The delimiter begins with a CR and has no other, so where a match breaks off no second one can
 * have begun inside it: what was matched is content as it stands. */
static enum multipart_event read_data(struct multipart *multipart, struct span *run,
                                      struct span *ret_data)
{
    while (multipart->matched > 0 && run->size > 0) {
        if (run->data[0] != multipart->delimiter[multipart->matched]) {
            if (!multipart->has_begun)
                return break_off(multipart, "The form does not begin with its boundary.");
            *ret_data = (struct span){multipart->delimiter, multipart->matched};
            multipart->matched = 0;
            return MULTIPART_DATA;
        }
        *run = (struct span){run->data + 1, run->size - 1};
        if (++multipart->matched == multipart->delimiter_size) {
            multipart->matched = 0;
            multipart->tail_size = 0;
            multipart->has_begun = true;
            multipart->place = MULTIPART_BEHIND_DELIMITER;
            return MULTIPART_MORE;
        }
    }
    if (run->size == 0)
        return MULTIPART_MORE;
    const char *found = memchr(run->data, '\r', run->size);
    size_t size = found ? (size_t)(found - run->data) : run->size;
    if (size == 0) {
        multipart->matched = 1;
        *run = (struct span){run->data + 1, run->size - 1};
        return MULTIPART_MORE;
    }
    *ret_data = (struct span){run->data, size};
    *run = (struct span){run->data + size, run->size - size};
    return MULTIPART_DATA;
}

static enum multipart_event read_behind(struct multipart *multipart, struct span *run)
{
    multipart->tail[multipart->tail_size++] = run->data[0];
    *run = (struct span){run->data + 1, run->size - 1};
    if (multipart->tail_size < 2)
        return MULTIPART_MORE;
    multipart->tail_size = 0;
    struct span tail = {multipart->tail, 2};
    if (span_is(tail, "--")) {
        if (multipart->parts == 0)
            return break_off(multipart, "The form has no field.");
        multipart->place = MULTIPART_BEHIND_ALL;
        return MULTIPART_END;
    }
    if (!span_is(tail, "\r\n"))
        return break_off(multipart, "Something other than a line end follows a boundary.");
    if (++multipart->parts > MULTIPART_PARTS_MAX)
        return break_off(multipart, "The form has too many fields.");
    multipart->place = MULTIPART_IN_HEAD;
    multipart->head_size = 0;
    return MULTIPART_MORE;
}

/* ---------------------------------------------------------------- the head of a part */

static bool read_disposition(struct multipart *multipart, struct span value)
{
    struct span rest = value, name, text;
    int more;
    bool has_name = false;
    if (!span_is_nocase(take_token(&rest), "form-data"))
        return false;
    while ((more = take_parameter(&rest, &name, &text)) > 0) {
        if (span_is_nocase(name, "name")) {
            if (has_name || !span_copy(text, multipart->name, sizeof multipart->name) ||
                span_find(text, '\0') >= 0)
                return false;
            has_name = true;
        } else if (span_is_nocase(name, "filename") || span_is_nocase(name, "filename*")) {
            multipart->has_filename = true; /* what it is called is the client's business alone */
        }
    }
    return more == 0 && has_name;
}

static enum multipart_event read_headers(struct multipart *multipart)
{
    struct span rest = {multipart->head, multipart->head_size - 2}, line;
    bool has_disposition = false;
    multipart->name[0] = '\0';
    multipart->has_filename = false;
    while (rest.size > 0 && span_take(&rest, '\n', &line)) {
        struct span name, value = line;
        if (line.size == 0 || line.data[line.size - 1] != '\r')
            return break_off(multipart, "A field's header ends with a bare line feed.");
        value.size--;
        name = take_token(&value);
        if (name.size == 0 || value.size == 0 || value.data[0] != ':' ||
            memchr(value.data, '\r', value.size))
            return break_off(multipart, "A field's header can't be read.");
        value = span_trim((struct span){value.data + 1, value.size - 1});
        if (span_is_nocase(name, "content-disposition")) {
            if (has_disposition || !read_disposition(multipart, value))
                return break_off(multipart, "A field's Content-Disposition can't be read.");
            has_disposition = true;
        } else if (span_is_nocase(name, "content-transfer-encoding") &&
                   !span_is_nocase(value, "binary") && !span_is_nocase(value, "8bit") &&
                   !span_is_nocase(value, "7bit")) {
            return break_off(multipart, "A field is encoded; send its bytes as they are.");
        }
    }
    if (!has_disposition)
        return break_off(multipart, "A field has no Content-Disposition.");
    multipart->place = MULTIPART_IN_DATA;
    return MULTIPART_PART;
}

static enum multipart_event read_head(struct multipart *multipart, struct span *run)
{
    if (multipart->head_size == sizeof multipart->head)
        return break_off(multipart, "The headers of a field are too large.");
    multipart->head[multipart->head_size++] = run->data[0];
    *run = (struct span){run->data + 1, run->size - 1};
    struct span head = {multipart->head, multipart->head_size};
    if (head.size == 2 && span_is(head, "\r\n"))
        return break_off(multipart, "A field has no Content-Disposition.");
    return span_ends(head, "\r\n\r\n") ? read_headers(multipart) : MULTIPART_MORE;
}

/* ---------------------------------------------------------------- the whole */

/* One closing line end may follow. */
static enum multipart_event read_end(struct multipart *multipart, struct span *run)
{
    static const char line_end[] = "\r\n";
    if (run->size == 0)
        return MULTIPART_MORE;
    if (multipart->tail_size == 2 || run->data[0] != line_end[multipart->tail_size])
        return break_off(multipart, "Something follows the closing boundary.");
    multipart->tail_size++;
    *run = (struct span){run->data + 1, run->size - 1};
    return MULTIPART_MORE;
}

static enum multipart_event step(struct multipart *multipart, struct span *run,
                                 struct span *ret_data)
{
    switch (multipart->place) {
    case MULTIPART_IN_DATA:
        return read_data(multipart, run, ret_data);
    case MULTIPART_BEHIND_DELIMITER:
        return read_behind(multipart, run);
    case MULTIPART_IN_HEAD:
        return read_head(multipart, run);
    case MULTIPART_BEHIND_ALL:
        return read_end(multipart, run);
    case MULTIPART_OVER:
        break;
    }
    return MULTIPART_BROKEN;
}

enum multipart_event multipart_read(struct multipart *multipart, struct span *run,
                                    struct span *ret_data)
{
    if (multipart->place == MULTIPART_OVER)
        return MULTIPART_BROKEN;
    while (run->size > 0) {
        enum multipart_event event = step(multipart, run, ret_data);
        if (event != MULTIPART_MORE)
            return event;
    }
    return MULTIPART_MORE;
}
