# One line per unit test, in the order of src/CMakeLists.txt.
unit_test(base/test_err)
unit_test(base/test_text)
unit_test(base/test_buf)
unit_test(base/test_clock)
unit_test(base/test_crc32c)
unit_test(base/test_uuid)
unit_test(base/test_json)
unit_test(base/test_json_equal)
