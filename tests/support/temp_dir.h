/* temp_dir.h -- a folder of its own for one test, gone afterwards.
 *
 * Thread: one owner.
 * Memory: a plain value.
 * Errors: aborts: a test without a folder cannot tell anything.
 */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/os_file.h"

struct temp_dir {
    char path[OS_PATH_SIZE];
};

/* Below $TMPDIR, else /tmp. */
void temp_dir_make(struct temp_dir *dir);
void temp_dir_remove(struct temp_dir *dir);

/* <dir>/<name>, in a static buffer that four calls share. */
const char *temp_dir_at(const struct temp_dir *dir, const char *name);

/* How many entries there are in a folder, hidden ones included; 0 when it does not exist. */
size_t temp_dir_count(const char *path);

bool temp_dir_exists(const char *path);

#endif
