# Tests that run the real command, one Python file each (standard library only).
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(integration_test name)
  add_test(NAME integration/${name}
    COMMAND ${Python3_EXECUTABLE} -B -m unittest -v test_${name}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/integration)
  set_tests_properties(integration/${name} PROPERTIES LABELS integration TIMEOUT 600
    ENVIRONMENT "AUDITTRAIL_COMMAND=$<TARGET_FILE:audittrail>")
endfunction()

integration_test(command)
integration_test(record)
integration_test(query)
integration_test(docs)
integration_test(completion)
integration_test(terminal)
integration_test(simulate)
integration_test(stores)
integration_test(migrate)
integration_test(deploy)
if(AUDITTRAIL_WITH_POSTGRESQL)
  postgresql_tests(integration/migrate integration/docs)
endif()

# Sanitizer builds are not installed.
if(AUDITTRAIL_STATIC)
  integration_test(consumer)
  if(AUDITTRAIL_WITH_POSTGRESQL)
    postgresql_tests(integration/consumer)
  endif()
  integration_test(manual)
  set_property(TEST integration/consumer integration/manual APPEND PROPERTY ENVIRONMENT
    "AUDITTRAIL_BUILD_DIR=${CMAKE_BINARY_DIR}" "AUDITTRAIL_CMAKE=${CMAKE_COMMAND}" "AUDITTRAIL_CC=${CMAKE_C_COMPILER}")
endif()
