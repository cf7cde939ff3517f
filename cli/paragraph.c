/* paragraph.c -- prints running text within a width: a label, and the text beside it. */
#include "cli/paragraph.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "cli/printable.h"
#include "cli/screen.h"

size_t paragraph_width(FILE *out)
{
    size_t width = screen_of(out).width;
    if (width == 0)
        return PARAGRAPH_WIDTH;
    return width < PARAGRAPH_WIDTH_MAX ? width : PARAGRAPH_WIDTH_MAX;
}

/* The word that `text` begins with, which has no blank in front. */
static struct trail_text first_word(struct trail_text text)
{
    const char *blank = memchr(text.data, ' ', text.size);
    return blank != NULL ? text_of(text.data, (size_t)(blank - text.data)) : text;
}

static void print_words(FILE *out, size_t room, size_t indent, struct trail_text text)
{
    size_t used = 0;
    while (text.size > 0) {
        struct trail_text word = first_word(text);
        size_t            width = printable_width(word);
        if (used > 0 && used + 1 + width > room) {
            fprintf(out, "\n%*s", (int)indent, "");
            used = 0;
        }
        fprintf(out, "%s%.*s", used > 0 ? " " : "", (int)word.size, word.data);
        used += width + (used > 0 ? 1 : 0);
        text = text_of(text.data + word.size, text.size - word.size);
        while (text.size > 0 && text.data[0] == ' ')
            text = text_of(text.data + 1, text.size - 1);
    }
}

void paragraph_print(FILE *out, size_t width, const char *label, size_t indent, struct trail_text text)
{
    struct buf printable;

    fprintf(out, "%-*s", (int)indent, label);
    buf_init(&printable, NULL, 0);
    printable_append(&printable, text);
    if (!buf_failed(&printable))
        print_words(out, width > indent ? width - indent : 1, indent, buf_text(&printable));
    buf_done(&printable);
    putc('\n', out);
}
