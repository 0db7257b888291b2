# The Debian package: `cpack -G DEB --config build/release/CPackConfig.cmake -B DIRECTORY`.
set(CHISME_PACKAGE_VERSION ${PROJECT_VERSION} CACHE STRING "Version of the Debian package")

file(READ ${package_files}/changelog changelog)
string(REPLACE @VERSION@ ${CHISME_PACKAGE_VERSION} changelog "${changelog}")
file(WRITE ${generated}/changelog "${changelog}")
execute_process(COMMAND gzip --best --no-name --force --keep ${generated}/changelog COMMAND_ERROR_IS_FATAL ANY)

set(debian_only COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${generated}/changelog.gz ${package_files}/copyright DESTINATION ${docs} ${debian_only})

# The settings, under the name that the unit looks for.
file(STRINGS ${PROJECT_SOURCE_DIR}/examples/systemd/chisme.service started REGEX "^ExecStart=.*--config /etc/chisme/")
string(REGEX REPLACE ".*--config (/etc/chisme/[^ ]+).*" "\\1" settings "${started}")
get_filename_component(settings_name ${settings} NAME)
install(FILES ${package_files}/settings.toml DESTINATION /etc/chisme RENAME ${settings_name} ${debian_only})
file(WRITE ${generated}/conffiles "${settings}\n")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME chisme)
set(CPACK_PACKAGE_VERSION ${CHISME_PACKAGE_VERSION})
set(CPACK_PACKAGE_CONTACT "chisme maintainers <maintainers@chisme.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "cluster of identical nodes that hold files and play them")
set(CPACK_PACKAGE_DESCRIPTION "A peer-to-peer cluster without a master or a load balancer: every node
serves the page, takes uploads, copies them to its peers, gossips who is
there and how busy, and sends each client to the least loaded holder of
a file. Players go on when the node that serves them dies.")
# Absolute destinations, and units that name /usr/bin, need the prefix to be /usr while installing.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${generated}/conffiles ${package_files}/postinst ${package_files}/prerm ${package_files}/postrm)
# Not compressed by several threads, whose number would show in the bytes.
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_THREADS 1)
# The time of everything in it.
file(WRITE ${generated}/time.cmake "if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  set(ENV{SOURCE_DATE_EPOCH} ${CHISME_DATE_EPOCH})
endif()
")
set(CPACK_PROJECT_CONFIG_FILE ${generated}/time.cmake)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
