#include "fineprobe/file.h"

#include "fineprobe/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int fp_file_map_open(const char *path, fp_file_map *out, fp_error *error) {
    *out = (fp_file_map){(const unsigned char *)"", 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fp_fail_errno(error, "cannot open %s", path);
    struct stat info;
    int rc = 0;
    if (fstat(fd, &info) < 0)
        rc = fp_fail_errno(error, "cannot read %s", path);
    else if (!S_ISREG(info.st_mode))
        rc = fp_fail(error, "%s is not a file", path);
    else if (info.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            rc = fp_fail_errno(error, "cannot map %s", path);
        else
            *out = (fp_file_map){bytes, (size_t)info.st_size};
    }
    close(fd);
    return rc;
}

void fp_file_map_close(fp_file_map *map) {
    if (map->size)
        munmap((void *)map->bytes, map->size);
    *map = (fp_file_map){NULL, 0};
}

char *fp_file_read(const char *path, size_t *size, fp_error *error) {
    fp_file_map map;
    if (fp_file_map_open(path, &map, error) < 0)
        return NULL;
    char *text = malloc(map.size + 1);
    if (!text) {
        fp_fail_memory(error, path, map.size + 1);
    } else {
        memcpy(text, map.bytes, map.size);
        text[map.size] = '\0';
        if (size)
            *size = map.size;
    }
    fp_file_map_close(&map);
    return text;
}

int fp_write_all(int fd, const void *bytes, size_t size, fp_error *error) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fp_fail_errno(error, "cannot write %zu bytes", size);
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int fp_sync_path(const char *path, fp_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fp_fail_errno(error, "cannot open %s", path);
    int rc = fsync(fd) < 0 ? fp_fail_errno(error, "cannot sync %s", path) : 0;
    close(fd);
    return rc;
}

int fp_file_rename(const char *from, const char *to, fp_error *error) {
    if (rename(from, to) < 0)
        return fp_fail_errno(error, "cannot rename %s to %s", from, to);
    char *folder = fp_path_folder(to, error);
    int rc = folder ? fp_sync_path(folder, error) : -1;
    free(folder);
    return rc;
}

static int write_synced(const char *path, const void *bytes, size_t size, fp_error *error) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return fp_fail_errno(error, "cannot create %s", path);
    int rc = fp_write_all(fd, bytes, size, error);
    if (rc < 0)
        fp_error_context(error, "%s", path);
    else if (fsync(fd) < 0)
        rc = fp_fail_errno(error, "cannot sync %s", path);
    if (close(fd) < 0 && rc == 0)
        rc = fp_fail_errno(error, "cannot close %s", path);
    return rc;
}

int fp_file_write(const char *path, const void *bytes, size_t size, fp_error *error) {
    char *temporary = fp_format(error, "%s.%ld.tmp", path, (long)getpid());
    if (!temporary)
        return -1;
    int rc = write_synced(temporary, bytes, size, error);
    if (rc == 0)
        rc = fp_file_rename(temporary, path, error);
    if (rc < 0)
        unlink(temporary);
    free(temporary);
    return rc;
}

int fp_folder_create(const char *path, fp_error *error) {
    char *copy = fp_strdup(path, error);
    if (!copy)
        return -1;
    int rc = 0;
    for (char *at = copy + 1; rc == 0; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            rc = fp_fail_errno(error, "cannot create folder %s", copy);
        *at = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    return rc;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int fp_folder_remove(const char *path, fp_error *error) {
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        return fp_fail_errno(error, "cannot remove %s", path);
    return 0;
}

int fp_path_exists(const char *path) {
    return access(path, F_OK) == 0;
}

static _Thread_local int64_t walked_bytes; /* nftw takes no argument of its caller's */

static int add_bytes(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)path;
    (void)walk;
    if (kind == FTW_F)
        walked_bytes += info->st_size;
    return 0;
}

int64_t fp_folder_bytes(const char *path) {
    walked_bytes = 0;
    nftw(path, add_bytes, 16, FTW_PHYS);
    return walked_bytes;
}

char *fp_path_join(const char *folder, const char *name, fp_error *error) {
    if (name[0] == '/' || folder[0] == '\0')
        return fp_strdup(name, error);
    size_t n = strlen(folder);
    return fp_format(error, "%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
}

char *fp_path_folder(const char *path, fp_error *error) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return fp_strdup(".", error);
    if (slash == path)
        return fp_strdup("/", error);
    return fp_format(error, "%.*s", (int)(slash - path), path);
}
