# Debian's packages, each behind one target. examples/setup.sh installs them.
find_package(Threads REQUIRED)
find_package(EXPAT REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(SQLite3 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)

# llhttp: Debian ships Node's parser as C sources.
add_library(chisme_llhttp STATIC EXCLUDE_FROM_ALL
  /usr/share/llhttp/api.c /usr/share/llhttp/http.c /usr/share/llhttp/llhttp.c)
target_include_directories(chisme_llhttp SYSTEM PUBLIC /usr/share/include/llhttp /usr/share/include)
target_compile_definitions(chisme_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
set_target_properties(chisme_llhttp PROPERTIES UNITY_BUILD OFF)
