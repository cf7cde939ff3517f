/* suggest.c -- finds the known word that someone probably meant. */
#include "cli/suggest.h"

#include <string.h>

/* Longer words are no typing errors of ours. */
#define SUGGEST_LETTERS_MAX 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to change, add, leave out or swap with their neighbour to turn `a` into `b` (optimal string alignment). */
static size_t distance_between(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][SUGGEST_LETTERS_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;

    for (size_t i = 1; i <= a_size; i++) {
        size_t       *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

void suggest_consider(struct suggestion *suggestion, const char *known)
{
    size_t wanted_size = strlen(suggestion->wanted);
    size_t known_size = strlen(known);
    if (wanted_size > SUGGEST_LETTERS_MAX || known_size > SUGGEST_LETTERS_MAX)
        return;

    size_t distance = distance_between(suggestion->wanted, wanted_size, known, known_size);
    /* What begins a longer word is an abbreviation, and near. */
    if (wanted_size >= 2 && wanted_size < known_size && strncmp(suggestion->wanted, known, wanted_size) == 0)
        distance = 1;
    /* A third of the letters wrong is another word. */
    if (distance > 1 + known_size / 4 || distance >= known_size)
        return;
    if (suggestion->nearest == NULL || distance < suggestion->distance) {
        suggestion->nearest = known;
        suggestion->distance = distance;
    }
}
