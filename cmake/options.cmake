# What every target of ours is compiled with. `chisme_options` is linked privately by each.
set(CHISME_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them")

add_library(chisme_options INTERFACE)
target_compile_options(chisme_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
target_include_directories(chisme_options INTERFACE ${PROJECT_SOURCE_DIR})

if(CHISME_SANITIZE)
  add_compile_options(-fsanitize=${CHISME_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHISME_SANITIZE})
endif()

# What turns a mistake in memory into the end of the process instead of into somebody's way in. Looked
# at in the program itself by tests/tidy/hardening.py. The sanitizers see more and dislike some of it.
option(CHISME_HARDENED "Build with what compiler and linker offer against attacks on memory" ON)
if(CHISME_HARDENED AND NOT CHISME_SANITIZE)
  add_compile_options(-fPIE -fstack-protector-strong -fstack-clash-protection -D_GLIBCXX_ASSERTIONS)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i[3-6]86")
    add_compile_options(-fcf-protection=full)
  endif()
  # The C library's checks of lengths need the optimiser. Some compilers define a weaker level themselves.
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# What one thread runs has nothing to show to the sanitizer of threads: its tests are left out there.
string(COMPARE NOTEQUAL "${CHISME_SANITIZE}" thread CHISME_TEST_SINGLE_THREADED)

# All presets but dev compile several files as one (CMAKE_UNITY_BUILD), in a fraction of the time: what
# is in anonymous namespaces has names that differ within a target. Dev compiles a changed file alone,
# with precompiled headers, which would have ccache miss what another checkout has compiled.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)

# ccache makes a second build, and a build of another checkout, cheap.
find_program(CHISME_CCACHE ccache)
if(CHISME_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${CHISME_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CHISME_CCACHE})
endif()
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Xclang$<SEMICOLON>-fno-pch-timestamp>)

# chisme_module(TARGET file.hpp file.cpp …) adds a folder's files to a library: headers to its
# verified header set, the rest to its sources. Paths are relative to the calling folder.
function(chisme_module target)
  set(headers ${ARGN})
  set(sources ${ARGN})
  list(FILTER headers INCLUDE REGEX "\\.hpp$")
  list(FILTER sources EXCLUDE REGEX "\\.hpp$")
  list(TRANSFORM headers PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(TRANSFORM sources PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  if(headers)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  endif()
  if(sources)
    target_sources(${target} PRIVATE ${sources})
  endif()
endfunction()

# chisme_test(NAME SOURCES a.cpp … LINK lib …) makes one GoogleTest program and one ctest entry.
function(chisme_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE chisme_options ${arg_LINK} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} PRIVATE <gtest/gtest.h> <gmock/gmock.h> <string> <vector>)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()
