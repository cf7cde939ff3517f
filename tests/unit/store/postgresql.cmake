# Unit tests of the PostgreSQL back-end: its objects are linked in, the server is the one of the tests.
# postgresql_unit_test(store/test_postgresql_x [extra sources or link options])
if(AUDITTRAIL_WITH_POSTGRESQL)
  add_library(postgresql_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/postgresql_fixture.c
    ${CMAKE_CURRENT_LIST_DIR}/postgresql_writer.c ${CMAKE_CURRENT_LIST_DIR}/postgresql_cleaning.c)
  target_include_directories(postgresql_fixture PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/unit)
  target_link_libraries(postgresql_fixture PUBLIC store_fixture audittrail_internal PkgConfig::LIBPQ PkgConfig::CMOCKA
    PRIVATE audittrail_flags)
  add_dependencies(postgresql_fixture audittrail_postgresql) # store_open() loads it.
endif()
function(postgresql_unit_test path)
  if(NOT AUDITTRAIL_WITH_POSTGRESQL)
    return()
  endif()
  unit_test(${path} $<TARGET_OBJECTS:audittrail_postgresql_objects> postgresql_fixture store_fixture ${ARGN})
  string(REPLACE "test_" "" name unit/${path})
  postgresql_tests(${name})
  string(REPLACE "/" "_" target ${name})
  add_dependencies(${target} audittrail_postgresql) # store_open() loads it.
endfunction()

postgresql_unit_test(store/test_postgresql_value)
postgresql_unit_test(store/test_postgresql_connection)
postgresql_unit_test(store/test_postgresql_script)
postgresql_unit_test(store/test_postgresql_write test_support)
postgresql_unit_test(store/test_postgresql_copy)
postgresql_unit_test(store/test_postgresql_refs)
postgresql_unit_test(store/test_postgresql_days)
postgresql_unit_test(store/test_postgresql_store)
postgresql_unit_test(store/test_postgresql_schema)
postgresql_unit_test(store/test_postgresql_read)
postgresql_unit_test(store/test_postgresql_cleanup)
postgresql_unit_test(store/test_postgresql_cleanup_phases)
postgresql_unit_test(store/test_postgresql_forecast)
if(AUDITTRAIL_WITH_POSTGRESQL)
  target_compile_definitions(unit_store_postgresql_cleanup PRIVATE
    "ROLES_SQL=\"${PROJECT_SOURCE_DIR}/deploy/postgresql/roles.sql\"")
endif()

if(AUDITTRAIL_WITH_POSTGRESQL)
  add_library(fake_backend MODULE support/fake_backend.c)
  target_link_libraries(fake_backend PRIVATE audittrail_flags)
  unit_test(store/test_backend)
  add_dependencies(unit_store_backend audittrail_postgresql fake_backend)
  target_compile_definitions(unit_store_backend PRIVATE "FAKE_BACKEND=\"$<TARGET_FILE:fake_backend>\""
    "REAL_BACKEND=\"$<TARGET_FILE:audittrail_postgresql>\"")
  set_target_properties(unit_store_backend PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/backend) # Nothing stands beside it.
endif()

# The same test of what both databases do alike, on the server: place_test(query query) is unit/query/query_postgresql.
if(AUDITTRAIL_WITH_POSTGRESQL)
  add_library(place_postgresql STATIC unit/query/place_postgresql.c)
  target_link_libraries(place_postgresql PUBLIC postgresql_fixture store_fixture PRIVATE audittrail_flags)
endif()
function(place_test folder module)
  if(NOT AUDITTRAIL_WITH_POSTGRESQL)
    return()
  endif()
  set(target unit_${folder}_${module}_postgresql)
  set(name unit/${folder}/${module}_postgresql)
  add_executable(${target} unit/${folder}/test_${module}.c)
  target_link_libraries(${target} PRIVATE audittrail_flags place_postgresql ${ARGN} audittrail_internal
    PkgConfig::CMOCKA)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(${target} audittrail_postgresql)
  add_test(NAME ${name} COMMAND ${target})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
  postgresql_tests(${name})
endfunction()
place_test(query query)
