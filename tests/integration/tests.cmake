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
