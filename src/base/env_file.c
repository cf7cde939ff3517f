/* env_file.c -- reads KEY=VALUE lines, and says which line it does not understand. */
#include "base/env_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

static enum trail_err read_whole(int fd, struct env_file *file, const char *path, struct trail_error *ret_error)
{
    while (file->size <= ENV_FILE_BYTES_MAX) {
        ssize_t got = read(fd, file->data + file->size, ENV_FILE_BYTES_MAX + 1 - file->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot read %s", path);
        if (got == 0)
            break;
        file->size += (size_t)got;
    }
    if (file->size > ENV_FILE_BYTES_MAX)
        return error_set(ret_error, TRAIL_EINVAL, 0, "%s is larger than %zu bytes, so it is no file of settings", path,
                         ENV_FILE_BYTES_MAX);
    if (memchr(file->data, '\0', file->size) != NULL)
        return error_set(ret_error, TRAIL_EINVAL, 0, "%s holds NUL bytes, so it is no file of settings", path);
    return TRAIL_OK;
}

enum trail_err env_file_read(struct env_file *ret_file, const char *path, struct trail_error *ret_error)
{
    *ret_file = (struct env_file){ 0 };

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum trail_err code = errno == ENOENT || errno == ENOTDIR ? TRAIL_ENOTFOUND : TRAIL_EIO;
        return error_set_sys(ret_error, code, errno, "cannot open %s", path);
    }

    ret_file->data = malloc(ENV_FILE_BYTES_MAX + 1);
    if (ret_file->data == NULL) {
        close(fd);
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory to read %s", path);
    }
    enum trail_err err = read_whole(fd, ret_file, path, ret_error);
    close(fd);
    if (err == TRAIL_OK && ret_file->size >= 3 && memcmp(ret_file->data, "\xEF\xBB\xBF", 3) == 0)
        ret_file->position = 3; /* Editors on Windows put a byte order mark there. */
    return err;
}

void env_file_done(struct env_file *file)
{
    if (file == NULL)
        return;
    free(file->data);
    *file = (struct env_file){ 0 };
}

static bool is_name_byte(char c, bool first)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_')
        return true;
    return !first && ((c >= '0' && c <= '9') || c == '.' || c == '-');
}

/* After a closing quote only a comment may follow. */
static bool ends_here(struct trail_text rest)
{
    rest = text_trim(rest);
    return rest.size == 0 || rest.data[0] == '#';
}

/* 'as it stands' */
static const char *read_single_quoted(struct trail_text text, struct trail_text *ret_value)
{
    const char *end = memchr(text.data + 1, '\'', text.size - 1);
    if (end == NULL)
        return "the quote is not closed on this line";
    *ret_value = text_of(text.data + 1, (size_t)(end - text.data) - 1);
    if (!ends_here(text_of(end + 1, text.size - ret_value->size - 2)))
        return "there is text behind the closing quote";
    return NULL;
}

static char unescape(char c)
{
    return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

/* "with escapes", written back over itself, which is never longer. */
static const char *read_double_quoted(char *text, size_t size, struct trail_text *ret_value)
{
    char  *out = text + 1;
    size_t i = 1;
    for (; i < size && text[i] != '"'; i++) {
        if (text[i] == '\\' && i + 1 < size) {
            i++;
            if (strchr("\"\\$`ntr", text[i]) == NULL)
                *out++ = '\\';
            *out++ = unescape(text[i]);
        } else {
            *out++ = text[i];
        }
    }
    if (i == size)
        return "the quote is not closed on this line";
    *ret_value = text_of(text + 1, (size_t)(out - text) - 1);
    if (!ends_here(text_of(text + i + 1, size - i - 1)))
        return "there is text behind the closing quote";
    return NULL;
}

/* Up to a # at the start or behind white space, so that a#b is a value. */
static void read_plain(struct trail_text text, struct trail_text *ret_value)
{
    size_t i = 0;
    while (i < text.size && !(text.data[i] == '#' && (i == 0 || text.data[i - 1] == ' ' || text.data[i - 1] == '\t')))
        i++;
    *ret_value = text_trim(text_of(text.data, i));
}

/* `line` is trimmed and not empty. */
static const char *read_line(char *line, size_t size, struct env_line *ret_line)
{
    size_t i = 0;
    if (size > 7 && memcmp(line, "export", 6) == 0 && (line[6] == ' ' || line[6] == '\t')) {
        i = 7;
        while (i < size && (line[i] == ' ' || line[i] == '\t'))
            i++;
    }
    size_t name_start = i;
    while (i < size && is_name_byte(line[i], i == name_start))
        i++;
    ret_line->name = text_of(line + name_start, i - name_start);
    while (i < size && (line[i] == ' ' || line[i] == '\t'))
        i++;
    if (ret_line->name.size == 0 || i == size || line[i] != '=')
        return "a line is NAME=VALUE, a comment or empty";
    i++;
    while (i < size && (line[i] == ' ' || line[i] == '\t'))
        i++;

    if (i < size && line[i] == '\'')
        return read_single_quoted(text_of(line + i, size - i), &ret_line->value);
    if (i < size && line[i] == '"')
        return read_double_quoted(line + i, size - i, &ret_line->value);
    read_plain(text_of(line + i, size - i), &ret_line->value);
    return NULL;
}

bool env_file_next(struct env_file *file, struct env_line *ret_line)
{
    while (file->position < file->size) {
        char  *start = file->data + file->position;
        char  *newline = memchr(start, '\n', file->size - file->position);
        size_t size = newline != NULL ? (size_t)(newline - start) : file->size - file->position;
        file->position += size + (newline != NULL ? 1 : 0);
        file->line_number++;

        struct trail_text line = text_trim(text_of(start, size));
        if (line.size == 0 || line.data[0] == '#')
            continue;
        *ret_line = (struct env_line){ 0 };
        ret_line->problem = read_line(start + (line.data - start), line.size, ret_line);
        return true;
    }
    return false;
}
