// A library to be loaded before the C library's: fsync and fdatasync of paths that contain the text
// in the file $FAIL_SYNC_ORDERS return EIO, and the path is noted in $FAIL_SYNC_TRIED.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t read_text(char const* path, char* text, size_t size) {
  int const file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t const got = read(file, text, size - 1);
  close(file);
  text[got > 0 ? got : 0] = '\0';
  return strlen(text);
}

static int is_to_fail(int descriptor) {
  char orders[1024], link[64], path[4096];
  if (read_text(getenv("FAIL_SYNC_ORDERS"), orders, sizeof orders) == 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t const length = readlink(link, path, sizeof path - 2);
  if (length <= 0) return 0;
  path[length] = '\0';
  if (strstr(path, orders) == NULL) return 0;
  char const* const tried = getenv("FAIL_SYNC_TRIED");
  int const file = tried == NULL ? -1 : open(tried, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file >= 0) {
    path[length] = '\n';
    if (write(file, path, (size_t)length + 1) < 0) abort();
    close(file);
  }
  return 1;
}

static int sync_or_fail(int descriptor, long call) {
  if (!is_to_fail(descriptor)) return (int)syscall(call, descriptor);
  errno = EIO;
  return -1;
}

int fsync(int descriptor) {
  return sync_or_fail(descriptor, SYS_fsync);
}

int fdatasync(int descriptor) {
  return sync_or_fail(descriptor, SYS_fdatasync);
}
