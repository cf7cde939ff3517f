# The example gateway, its load client, scripts/run and the hello program, driven from outside; and the policy through
# gateway and command.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

foreach(name gateway reload run hello sampling)
  add_test(NAME integration/${name} COMMAND Python3::Interpreter -m unittest -v test_${name}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/integration)
  set_tests_properties(integration/${name} PROPERTIES LABELS integration TIMEOUT 600
    ENVIRONMENT "AUDITTRAIL_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
  set_property(TEST integration/${name} APPEND PROPERTY ENVIRONMENT "AUDITTRAIL_CLOCK_SHIM=$<TARGET_FILE:clock_shim>"
    "AUDITTRAIL_COMMAND=${CMAKE_BINARY_DIR}/bin/audittrail")
endforeach()

# Through the gateway and with the command.
add_test(NAME integration/retention COMMAND Python3::Interpreter -B -m unittest -v test_retention
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/integration)
set_tests_properties(integration/retention PROPERTIES LABELS integration TIMEOUT 600
  ENVIRONMENT "AUDITTRAIL_BUILD_DIR=${CMAKE_BINARY_DIR};AUDITTRAIL_COMMAND=$<TARGET_FILE:audittrail>")
set_property(TEST integration/retention APPEND PROPERTY ENVIRONMENT "AUDITTRAIL_CLOCK_SHIM=$<TARGET_FILE:clock_shim>"
  "AUDITTRAIL_RECORDER=$<TARGET_FILE:recorder>")
