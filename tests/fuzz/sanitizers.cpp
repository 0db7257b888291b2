// What freed memory the address sanitizer keeps back counts as the fuzzer's: with its 256 MiB no
// bound on resident memory would say anything of the program.
extern "C" char const* __asan_default_options();
extern "C" char const* __asan_default_options() {
  return "quarantine_size_mb=4:thread_local_quarantine_size_kb=256:malloc_context_size=8";
}
