/* temp_dir.c -- a folder of its own for one test, gone afterwards. */
#include "support/temp_dir.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void temp_dir_make(struct temp_dir *dir)
{
    const char *below = getenv("TMPDIR");
    snprintf(dir->path, sizeof dir->path, "%s/audittrail-XXXXXX", below != NULL ? below : "/tmp");
    if (mkdtemp(dir->path) == NULL) {
        perror("mkdtemp");
        abort();
    }
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *dir)
{
    (void)nftw(dir->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *temp_dir_at(const struct temp_dir *dir, const char *name)
{
    static char     paths[4][OS_PATH_SIZE];
    static unsigned turn;
    char           *path = paths[turn++ % 4];
    if (!os_path_join(path, dir->path, name))
        abort();
    return path;
}

size_t temp_dir_count(const char *path)
{
    size_t count = 0;
    DIR   *list = opendir(path);
    if (list == NULL)
        return 0;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(list);
    return count;
}

bool temp_dir_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}
