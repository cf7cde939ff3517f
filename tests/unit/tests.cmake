# One line per unit test, in the order of src/CMakeLists.txt.
unit_test(base/test_json)
unit_test(base/test_json_equal)
