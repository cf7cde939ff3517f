# Fault tests: the recorder (tests/support/recorder.c) is killed, forked, starved and cut off.
add_executable(recorder support/recorder.c)
target_link_libraries(recorder PRIVATE audittrail_flags audittrail_internal)
set_target_properties(recorder PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

function(recorder_environment test)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
    "AUDITTRAIL_COMMAND=$<TARGET_FILE:audittrail>"
    "AUDITTRAIL_RECORDER=$<TARGET_FILE:recorder>"
    "AUDITTRAIL_FAULT_SHIM=$<TARGET_FILE:fault_shim>"
    "AUDITTRAIL_CLOCK_SHIM=$<TARGET_FILE:clock_shim>")
endfunction()

function(recorder_test name)
  integration_test(${name})
  recorder_environment(integration/${name})
endfunction()

# The same campaigns at length, for `make soak`.
function(soak_test name setting)
  add_test(NAME soak/${name}
    COMMAND ${Python3_EXECUTABLE} -B -m unittest -v test_${name}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/integration)
  set_tests_properties(soak/${name} PROPERTIES LABELS long TIMEOUT 14400 ENVIRONMENT ${setting})
  recorder_environment(soak/${name})
endfunction()

if(TARGET audittrail)
  recorder_test(kill)
  recorder_test(faults_store)
  recorder_test(faults_spool)
  recorder_test(fork)
  recorder_test(power_cut)
  recorder_test(us3)
  recorder_test(stats)
  recorder_test(tail)
  recorder_test(scenarios)
  recorder_test(retention_load)

  soak_test(kill AUDITTRAIL_KILLS=10000)
  soak_test(faults_spool AUDITTRAIL_SOAK=1)
  soak_test(power_cut AUDITTRAIL_SOAK=1)
  soak_test(retention_load AUDITTRAIL_RETENTION_SECONDS=600)
endif()
