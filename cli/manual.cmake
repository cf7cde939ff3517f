# Manual pages and the completion of bash, printed by the command itself and installed beside it.
#
# A sanitizer build is for our own tests, and a foreign one cannot run what it builds.
include(GNUInstallDirs)
if(AUDITTRAIL_SANITIZE OR CMAKE_CROSSCOMPILING)
  return()
endif()

set(completion ${CMAKE_BINARY_DIR}/share/bash-completion/completions/audittrail)
add_custom_command(OUTPUT ${completion}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/share/bash-completion/completions
  COMMAND audittrail completion bash > ${completion}
  DEPENDS audittrail COMMENT "Printing the completion of bash" VERBATIM)
add_custom_target(audittrail_completion ALL DEPENDS ${completion})
install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

find_program(SCDOC scdoc)
if(NOT SCDOC)
  message(STATUS "scdoc is not installed: no manual pages")
  return()
endif()

# The commands stand in one table, which is read here too.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/commands.h)
file(READ commands.h table)
string(REGEX MATCHALL "\n    X\\([a-z_]+, \"" rows "${table}")
set(AUDITTRAIL_MAN_PAGES "")

# man_page(audittrail-record 1 <argument of man_page.cmake> <what it depends on>)
function(man_page name section argument dependency)
  set(page ${CMAKE_BINARY_DIR}/share/man/man${section}/${name}.${section})
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/share/man/man${section}
    COMMAND ${CMAKE_COMMAND} -DSCDOC=${SCDOC} -DOUTPUT=${page} ${argument} -DCOMMAND=$<TARGET_FILE:audittrail>
      -P ${PROJECT_SOURCE_DIR}/cmake/man_page.cmake
    DEPENDS ${dependency} ${PROJECT_SOURCE_DIR}/cmake/man_page.cmake
    COMMENT "Manual page ${name}(${section})" VERBATIM)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  set(AUDITTRAIL_MAN_PAGES ${AUDITTRAIL_MAN_PAGES} ${page} PARENT_SCOPE)
endfunction()

man_page(audittrail 1 -DPAGE=audittrail audittrail)
foreach(row IN LISTS rows)
  string(REGEX REPLACE "[^(]*\\(([a-z_]+),.*" "\\1" command "${row}")
  man_page(audittrail-${command} 1 -DPAGE=${command} audittrail)
endforeach()
man_page(audittrail-settings 5 -DPAGE=settings audittrail)
man_page(libaudittrail 3 -DSOURCE=${PROJECT_SOURCE_DIR}/docs/man/libaudittrail.3.scd
  ${PROJECT_SOURCE_DIR}/docs/man/libaudittrail.3.scd)
add_custom_target(audittrail_manual ALL DEPENDS ${AUDITTRAIL_MAN_PAGES})
