#include "app/range.h"

enum range range_read(struct span text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
    int64_t first = 0, last = 0;
    struct span unit;
    if (!span_take(&text, '=', &unit) || !span_is_nocase(unit, "bytes") || !text.data ||
        span_find(text, ',') >= 0)
        return RANGE_WHOLE;
    ptrdiff_t dash = span_find(text, '-');
    if (dash < 0)
        return RANGE_WHOLE;
    struct span left = {text.data, (size_t)dash};
    struct span right = {text.data + dash + 1, text.size - (size_t)dash - 1};
    bool has_left = span_integer(left, 0, INT64_MAX, &first);
    bool has_right = span_integer(right, 0, INT64_MAX, &last);
    if ((left.size && !has_left) || (right.size && !has_right) || (!left.size && !right.size))
        return RANGE_WHOLE;
    if (!left.size) {
        if (last == 0 || size == 0)
            return RANGE_BAD;
        *ret_first = (uint64_t)last >= size ? 0 : size - (uint64_t)last;
        *ret_last = size - 1;
        return RANGE_PART;
    }
    if (right.size && last < first)
        return RANGE_WHOLE;
    if ((uint64_t)first >= size)
        return RANGE_BAD;
    *ret_first = (uint64_t)first;
    *ret_last = !right.size || (uint64_t)last >= size ? size - 1 : (uint64_t)last;
    return RANGE_PART;
}
