// A disk that fails when it is told to, for LD_PRELOAD: system calls on files below the directory
// $FAULTY_DISK_ROOT are counted and fail as the file $FAULTY_DISK_CONTROL says, which the test
// changes while the program runs. Sockets and other files are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Their order is that of CALLS in faulty_disk.py.
enum call {
  call_none,
  call_open,
  call_write,
  call_fsync,
  call_fdatasync,
  call_rename,
  call_fallocate,
  call_ftruncate,
  call_unlink
};

// The control file: 32-bit numbers, written by the test but for the counters.
struct control {
  _Atomic int call;     // which call fails; call_none: no call
  _Atomic int error;    // with this errno
  _Atomic int nth;      // from its nth pass on …
  _Atomic int times;    // … so many times
  _Atomic int passed;   // passes since the test set this to 0
  _Atomic int failed;   // failures since then
  _Atomic int swallow;  // 1: syncs do nothing and say that they did
};

static struct control nothing;
static struct control* control = &nothing;
static char root[4096];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
  char const* file = getenv("FAULTY_DISK_CONTROL");
  char const* directory = getenv("FAULTY_DISK_ROOT");
  if (!file || !directory) return;
  int const descriptor = open(file, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  void* at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (at != MAP_FAILED) {
    snprintf(root, sizeof root, "%s", directory);
    root_length = strlen(root);
    control = at;
  }
  close(descriptor);
}

static int is_ours(char const* path) {
  return root_length > 0 && path && strncmp(path, root, root_length) == 0;
}

static int is_ours_open(int descriptor) {
  if (control->call == call_none && !control->swallow) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t const length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return is_ours(path);
}

// Whether this pass fails; errno is set then.
static int fails(enum call call) {
  if (control->call != (int)call) return 0;
  int const pass = ++control->passed;
  if (pass < control->nth || pass >= control->nth + control->times) return 0;
  ++control->failed;
  errno = control->error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENER(name)                                                                     \
  int name(char const* path, int flags, ...) {                                           \
    mode_t mode = 0;                                                                     \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                 \
      va_list rest;                                                                      \
      va_start(rest, flags);                                                             \
      mode = va_arg(rest, mode_t);                                                       \
      va_end(rest);                                                                      \
    }                                                                                    \
    if (is_ours(path) && fails(call_open)) return -1;                                    \
    return ((int (*)(char const*, int, ...))dlsym(RTLD_NEXT, #name))(path, flags, mode); \
  }
OPENER(open)
OPENER(open64)

ssize_t write(int descriptor, void const* bytes, size_t count) {
  if (is_ours_open(descriptor) && fails(call_write)) return -1;
  return REAL(write)(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, void const* bytes, size_t count, off_t at) {
  if (is_ours_open(descriptor) && fails(call_write)) return -1;
  return REAL(pwrite)(descriptor, bytes, count, at);
}

ssize_t pwrite64(int descriptor, void const* bytes, size_t count, off64_t at) {
  if (is_ours_open(descriptor) && fails(call_write)) return -1;
  return REAL(pwrite64)(descriptor, bytes, count, at);
}

int fsync(int descriptor) {
  int const ours = is_ours_open(descriptor);
  if (ours && fails(call_fsync)) return -1;
  if (ours && control->swallow) return 0;
  return REAL(fsync)(descriptor);
}

int fdatasync(int descriptor) {
  int const ours = is_ours_open(descriptor);
  if (ours && fails(call_fdatasync)) return -1;
  if (ours && control->swallow) return 0;
  return REAL(fdatasync)(descriptor);
}

int rename(char const* from, char const* to) {
  if (is_ours(to) && fails(call_rename)) return -1;
  return REAL(rename)(from, to);
}

int fallocate(int descriptor, int mode, off_t at, off_t length) {
  if (is_ours_open(descriptor) && fails(call_fallocate)) return -1;
  return REAL(fallocate)(descriptor, mode, at, length);
}

int posix_fallocate(int descriptor, off_t at, off_t length) {
  if (is_ours_open(descriptor) && fails(call_fallocate)) return errno;
  return REAL(posix_fallocate)(descriptor, at, length);
}

int ftruncate(int descriptor, off_t length) {
  if (is_ours_open(descriptor) && fails(call_ftruncate)) return -1;
  return REAL(ftruncate)(descriptor, length);
}

int unlink(char const* path) {
  if (is_ours(path) && fails(call_unlink)) return -1;
  return REAL(unlink)(path);
}
