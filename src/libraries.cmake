# What is installed: libaudittrail.so, libaudittrail.a, audittrail.h, and what pkg-config and find_package() read.
#
# Both libraries show trail_* and nothing else, so that a host may have a spool_append() of its own. The shared one by
# hidden visibility. For the static one that is not enough (the linker resolves hidden names between objects), so all
# objects are linked into one and its hidden names made local.
include(GNUInstallDirs)

add_library(audittrail_shared SHARED $<TARGET_OBJECTS:audittrail_objects>)
target_link_libraries(audittrail_shared PRIVATE audittrail_flags PkgConfig::SQLITE PkgConfig::JANSSON PkgConfig::CRYPTO
  Threads::Threads)
target_include_directories(audittrail_shared INTERFACE ${PROJECT_SOURCE_DIR}/include)
set_target_properties(audittrail_shared PROPERTIES OUTPUT_NAME audittrail VERSION ${PROJECT_VERSION} SOVERSION 0)
install(TARGETS audittrail_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/audittrail.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Found from where the .pc file stands, so that an installed tree can be moved.
file(RELATIVE_PATH AUDITTRAIL_PREFIX_FROM_PC ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(audittrail.pc.in audittrail.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/audittrail.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/audittrail)
configure_package_config_file(audittrail-config.cmake.in audittrail-config.cmake INSTALL_DESTINATION ${package}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
# Before 1.0.0 a minor version may change the interface.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/audittrail-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/audittrail-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/audittrail-config-version.cmake DESTINATION ${package})

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/.env.example DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME audittrail.env)

# Sanitizer builds are for our own tests; nobody embeds them.
if(NOT AUDITTRAIL_SANITIZE)
  set(AUDITTRAIL_STATIC ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libaudittrail.a)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/audittrail.o)
  add_custom_command(OUTPUT ${AUDITTRAIL_STATIC}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}
    COMMAND ${CMAKE_LINKER} -r -o ${object} $<TARGET_OBJECTS:audittrail_objects>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${AUDITTRAIL_STATIC}
    COMMAND ${CMAKE_AR} rcs ${AUDITTRAIL_STATIC} ${object}
    DEPENDS audittrail_objects $<TARGET_OBJECTS:audittrail_objects>
    COMMENT "Linking libaudittrail.a, hidden names made local" COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(audittrail_static ALL DEPENDS ${AUDITTRAIL_STATIC})
  set(AUDITTRAIL_STATIC ${AUDITTRAIL_STATIC} PARENT_SCOPE)
  install(FILES ${AUDITTRAIL_STATIC} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
