# What `cmake --install BUILD --prefix P` puts where, and the Debian package made of the same (cpack -G DEB).
#
# Components: `runtime` is everything below P, also for who installs without a package; `licence` is left
# out of the package, whose copyright file says it; `debian` is in the package only, and is
# the only one that leaves P (for /etc).
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME runtime)
set(package_files ${PROJECT_SOURCE_DIR}/cmake/package)
set(generated ${PROJECT_BINARY_DIR}/package)

# The time of what is generated and packed: of the last commit, so that the same sources make the
# same bytes; where there is no history, of the changelog.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(CHISME_DATE_EPOCH $ENV{SOURCE_DATE_EPOCH})
else()
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 --format=%ct
    OUTPUT_VARIABLE CHISME_DATE_EPOCH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT CHISME_DATE_EPOCH MATCHES "^[0-9]+$")
  set(CHISME_DATE_EPOCH 1767225600)
endif()

install(TARGETS chisme RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The documentation keeps its relative links.
set(docs ${CMAKE_INSTALL_DOCDIR})
foreach(page README ARCHITECTURE SECURITY CONTRIBUTING CHANGELOG)
  install(FILES ${PROJECT_SOURCE_DIR}/${page}.md DESTINATION ${docs})
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${docs}/docs)
# Their modes are the same whatever the umask of the checkout was.
file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.sh ${PROJECT_SOURCE_DIR}/examples/*.py)
install(PROGRAMS ${scripts} DESTINATION ${docs}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/ DESTINATION ${docs}/examples
  PATTERN "*.sh" EXCLUDE
  PATTERN "*.py" EXCLUDE
  PATTERN CMakeLists.txt EXCLUDE
  PATTERN __pycache__ EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${docs} COMPONENT licence)

# What the program is made of.
add_custom_command(
  OUTPUT ${generated}/chisme.spdx.json ${generated}/third-party.txt
  COMMAND /usr/bin/python3 ${package_files}/sbom.py --build ${PROJECT_BINARY_DIR} --version ${PROJECT_VERSION}
          --lock ${PROJECT_SOURCE_DIR}/web/page/package-lock.json --program $<TARGET_FILE:chisme>
          --epoch ${CHISME_DATE_EPOCH} --out ${generated}
  DEPENDS chisme ${package_files}/sbom.py ${PROJECT_SOURCE_DIR}/web/page/package-lock.json
  COMMENT "Listing what the program is made of"
  VERBATIM)
install(FILES ${generated}/chisme.spdx.json ${generated}/third-party.txt DESTINATION ${docs} OPTIONAL)

# What the program says of itself. Neither is there when only the program was built.
add_custom_command(
  OUTPUT ${generated}/chisme.1.gz
  COMMAND /usr/bin/python3 ${package_files}/manual.py $<TARGET_FILE:chisme> ${generated}
  DEPENDS chisme ${package_files}/manual.py
  COMMENT "Writing the manual page"
  VERBATIM)
install(FILES ${generated}/chisme.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES ${generated}/chisme.bash DESTINATION share/bash-completion/completions RENAME chisme OPTIONAL)
install(FILES ${generated}/_chisme DESTINATION share/zsh/vendor-completions OPTIONAL)
install(FILES ${generated}/chisme.fish DESTINATION share/fish/vendor_completions.d OPTIONAL)

# What is installed beside the program: a part of what is shipped, so of a build of everything that could be.
set(in_all)
if(CHISME_PAGE AND NOT CHISME_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(in_all ALL)
endif()
add_custom_target(chisme_package_files ${in_all} DEPENDS ${generated}/chisme.spdx.json ${generated}/chisme.1.gz)

# systemd looks below /usr and /usr/local; the units name the program where it is.
file(GLOB units ${PROJECT_SOURCE_DIR}/examples/systemd/*.service)
foreach(unit ${units})
  get_filename_component(name ${unit} NAME)
  install(CODE "
    file(READ \"${unit}\" text)
    string(REPLACE /usr/local/bin/ \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" text \"\${text}\")
    string(REGEX REPLACE \"#   install [^\\n]*\\n\" \"\" text \"\${text}\")
    file(WRITE \"${generated}/${name}\" \"\${text}\")
    file(INSTALL \"${generated}/${name}\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")"
    COMPONENT runtime)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/examples/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME chisme.conf)
install(FILES ${PROJECT_SOURCE_DIR}/examples/systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME chisme.conf)

include(cmake/package/debian.cmake)
