/* json_equal.c -- whether two JSON texts say the same, whatever their spelling. */
#include "base/json_equal.h"

#include <jansson.h>

static json_t *load(struct trail_text text)
{
    return json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

bool json_equal_texts(struct trail_text a, struct trail_text b)
{
    json_t *tree_a = load(a);
    json_t *tree_b = tree_a != NULL ? load(b) : NULL;
    bool    equal = tree_b != NULL && json_equal(tree_a, tree_b) != 0;
    json_decref(tree_a);
    json_decref(tree_b);
    return equal;
}
